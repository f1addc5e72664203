//! Choosing the rule: the first one whose match fits the request.

use std::sync::Arc;

use crate::request::{Host, Path, Request};
use crate::token::Denial;

use super::{HostPattern, PathPattern, Requirement};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The name that logs and metadata use: given, or `rules[2]`.
    pub name: Arc<str>,
    /// Which requests it is for.
    pub matches: Match,
    /// What it asks for.
    pub requirement: Requirement,
    /// Whether its denials are noted, but not enforced.
    pub shadow: bool,
}

/// The requests that a rule is for: every part that is given must fit.
#[derive(Debug, Default)]
pub struct Match {
    /// One of these hosts; empty: any.
    pub hosts: Vec<HostPattern>,
    /// This path.
    pub path: Option<PathPattern>,
    /// One of these methods, case-sensitive; empty: any.
    pub methods: Vec<Box<str>>,
    /// All of these `context_extensions`, which the proxy's configuration sets.
    pub context: Vec<(Box<str>, Box<str>)>,
}

/// The rules in their order. None at all: any issuer, every path.
#[derive(Debug, Default)]
pub struct Rules(Option<Vec<Rule>>);

impl Rules {
    /// Rules as listed; `None` where the configuration has no list.
    #[must_use]
    pub fn new(rules: Option<Vec<Rule>>) -> Self {
        Self(rules)
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flatten()
    }

    /// The rule for this request; `None` where there is no list at all.
    ///
    /// # Errors
    /// [`Denial::RequestMalformed`] where the request has more than one reading and a rule's choice
    /// hangs on it; [`Denial::PolicyDenied`] where no rule of the list is for this request.
    pub fn select(&self, request: &Request<'_>) -> Result<Option<&Rule>, Denial> {
        let path = Path::parse(request.path).map_err(|_| Denial::RequestMalformed)?;
        let Some(rules) = &self.0 else {
            return Ok(None);
        };
        let facts = Facts {
            request,
            path,
            host: Host::parse(request.host),
        };
        for rule in rules {
            if rule.matches.fits(&facts)? {
                // An anonymous rule must never be reached by a path that the service may read otherwise.
                let open = rule.requirement.admits_anonymous();
                if open && facts.path == Path::Ambiguous {
                    return Err(Denial::RequestMalformed);
                }
                return Ok(Some(rule));
            }
        }
        Err(Denial::PolicyDenied)
    }
}

struct Facts<'r, 'a> {
    request: &'r Request<'a>,
    path: Path<'a>,
    host: Option<Host<'a>>,
}

impl Match {
    /// Whether it is for every request: nothing is asked of it.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        let Self {
            hosts,
            path,
            methods,
            context,
        } = self;
        hosts.is_empty() && path.is_none() && methods.is_empty() && context.is_empty()
    }

    fn has_method(&self, method: &[u8]) -> bool {
        self.methods.is_empty()
            || self
                .methods
                .iter()
                .any(|wanted| wanted.as_bytes() == method)
    }

    /// Parts that cannot be told apart by spelling come first; a request is refused only where the
    /// answer hangs on a part of it that has no single reading.
    fn fits(&self, facts: &Facts<'_, '_>) -> Result<bool, Denial> {
        let context = &facts.request.context;
        let has = |(key, value): &(Box<str>, Box<str>)| {
            context
                .iter()
                .any(|(k, v)| *k == key.as_bytes() && *v == value.as_bytes())
        };
        if !self.context.iter().all(has) || !self.has_method(facts.request.method) {
            return Ok(false);
        }
        if !self.hosts.is_empty() {
            let host = facts.host.as_ref().ok_or(Denial::RequestMalformed)?;
            if !self.hosts.iter().any(|pattern| pattern.matches(host)) {
                return Ok(false);
            }
        }
        match (&self.path, &facts.path) {
            (None, _) => Ok(true),
            (Some(_), Path::Ambiguous) => Err(Denial::RequestMalformed),
            (Some(pattern), Path::Clear(path)) => Ok(pattern.matches(path)),
        }
    }
}

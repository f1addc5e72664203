//! Selects the first rule that matches the request.
//!
//! Proxies and services treat different spellings as the same request: `/admin/` and `/ADMIN` as
//! `/admin`, `post` as `POST`, a host with a port as the host. Each rule is therefore compared with
//! the request as spelled and with its folded form ([`Fit`]). If the two choose different rules,
//! the request is refused: it never falls through to a weaker rule.

use std::sync::Arc;

use crate::request::{Host, Path, PathError, Request};
use crate::token::Denial;

use super::host_pattern::{HostPattern, NamedHosts};
use super::{Fit, PathPattern, Requirement};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The name that logs and metadata use: given, or `rules[2]`.
    pub name: Arc<str>,
    pub(crate) matches: Match,
    pub(crate) requirement: Requirement,
    /// True if its denials are reported, but not enforced.
    pub(crate) shadow: bool,
}

/// The conditions of a rule: every condition that is present must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    /// One of these hosts; empty: any.
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) path: Option<PathPattern>,
    /// One of these methods; empty: any.
    pub(crate) methods: Vec<Box<str>>,
    /// All of these `context_extensions`, which the proxy's configuration sets.
    pub(crate) context: Vec<(Box<str>, Box<str>)>,
}

/// The rules, in order. Without a list, every path accepts every issuer.
#[derive(Debug, Default)]
pub struct Rules {
    list: Option<Vec<Rule>>,
    named: NamedHosts,
    proxy_ignores_port: bool,
}

/// The reason for which no rule can be selected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoRule<'p> {
    NoneFits,
    Target(PathError),
    /// The path is ambiguous, and the selection depends on it.
    Path,
    /// The host is ambiguous or missing, and the selection depends on it.
    Host,
    /// The request is another spelling of one that a rule matches.
    Spelling(NearMiss<'p>),
}

/// A rule that would match another spelling of the request.
#[derive(Clone, Copy, Debug)]
pub struct NearMiss<'p> {
    pub(crate) rule: &'p Rule,
    /// The part whose spelling differs.
    pub(crate) part: RequestPart,
}

/// A part of a request that rules compare and that has several spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestPart {
    Method,
    Host,
    Path,
}

impl RequestPart {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Host => "host",
            Self::Path => "path",
        }
    }
}

impl From<NoRule<'_>> for Denial {
    fn from(cause: NoRule<'_>) -> Self {
        match cause {
            NoRule::NoneFits => Self::PolicyDenied,
            NoRule::Target(_) | NoRule::Path | NoRule::Host | NoRule::Spelling(_) => {
                Self::RequestMalformed
            }
        }
    }
}

impl Rules {
    /// The rules as listed; `None` if the configuration has no list. With `proxy_ignores_port`,
    /// hosts are compared without their port.
    pub(crate) fn new(list: Option<Vec<Rule>>, proxy_ignores_port: bool) -> Self {
        let rules = list.iter().flatten();
        Self {
            named: NamedHosts::new(rules.flat_map(|rule| &rule.matches.hosts)),
            list,
            proxy_ignores_port,
        }
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.list.iter().flatten()
    }

    /// Returns the rule for this request; `None` if there is no list.
    ///
    /// # Errors
    /// [`NoRule`] if no rule matches, or the request is ambiguous and the selection depends on it.
    pub(crate) fn select(&self, request: &Request<'_>) -> Result<Option<&Rule>, NoRule<'_>> {
        let path = Path::parse(request.path).map_err(NoRule::Target)?;
        let Some(rules) = &self.list else {
            return Ok(None);
        };
        let facts = self.facts(request, path);
        for rule in rules {
            let fit = match rule.matches.fit(&facts) {
                // A rule in shadow mode refuses nothing.
                Err(_) if rule.shadow => Fit::NO,
                fit => fit?,
            };
            match fit {
                Fit::NO => {}
                doubt if rule.shadow && doubt != Fit::YES => {}
                Fit::YES if rule.is_open_to_misreading(&facts.path) => return Err(NoRule::Path),
                Fit::YES => return Ok(Some(rule)),
                _ => {
                    let part = rule.matches.ambiguous_part(&facts);
                    return Err(NoRule::Spelling(NearMiss { rule, part }));
                }
            }
        }
        Err(NoRule::NoneFits)
    }

    fn facts<'r, 'a>(&self, request: &'r Request<'a>, path: Path<'a>) -> Facts<'r, 'a> {
        let host = Host::parse(request.host);
        let host = if self.proxy_ignores_port {
            host.map(Host::without_port)
        } else {
            host
        };
        Facts {
            request,
            path,
            host_is_named: host.as_ref().is_some_and(|host| self.named.contain(host)),
            host,
        }
    }
}

struct Facts<'r, 'a> {
    request: &'r Request<'a>,
    path: Path<'a>,
    host: Option<Host<'a>>,
    /// True if a pattern names exactly this host and port.
    host_is_named: bool,
}

impl Rule {
    /// Returns true if the rule admits requests without a token, and the service may read this path
    /// as another.
    fn is_open_to_misreading(&self, path: &Path<'_>) -> bool {
        let settled = match path {
            Path::Ambiguous => false,
            Path::Clear(path) => {
                let pattern = self.matches.path.as_ref();
                path.split_at_escaped_slashes().is_none()
                    || pattern.is_some_and(|pattern| pattern.escaped_slashes)
            }
        };
        self.requirement.admits_anonymous() && !settled
    }
}

impl Match {
    /// Compares context and method first, since they have only one reading. A request is refused
    /// only if an ambiguous part decides.
    fn fit(&self, facts: &Facts<'_, '_>) -> Result<Fit, NoRule<'static>> {
        let fit = Fit::certain(self.has_context(&facts.request.context));
        let fit = fit.and(self.method_fit(facts.request.method));
        if !fit.is_possible() {
            return Ok(Fit::NO);
        }
        let fit = fit.and(self.host_fit(facts)?);
        if !fit.is_possible() {
            return Ok(Fit::NO);
        }
        Ok(fit.and(self.path_fit(&facts.path)?))
    }

    /// The first part that matches in only one of the two forms.
    fn ambiguous_part(&self, facts: &Facts<'_, '_>) -> RequestPart {
        let is_certain = |fit: Fit| fit.exact == fit.folded;
        if !is_certain(self.method_fit(facts.request.method)) {
            RequestPart::Method
        } else if self.host_fit(facts).is_ok_and(is_certain) {
            RequestPart::Path
        } else {
            RequestPart::Host
        }
    }

    fn has_context(&self, context: &[(&[u8], &[u8])]) -> bool {
        let mut wanted = self.context.iter();
        wanted.all(|(key, value)| context.contains(&(key.as_bytes(), value.as_bytes())))
    }

    fn method_fit(&self, method: &[u8]) -> Fit {
        let mut listed = self.methods.iter().map(|wanted| wanted.as_bytes());
        if self.methods.is_empty() {
            return Fit::YES;
        }
        Fit {
            exact: listed.clone().any(|wanted| wanted == method),
            folded: listed.any(|wanted| wanted.eq_ignore_ascii_case(method)),
        }
    }

    fn host_fit(&self, facts: &Facts<'_, '_>) -> Result<Fit, NoRule<'static>> {
        if self.hosts.is_empty() {
            return Ok(Fit::YES);
        }
        let host = facts.host.as_ref().ok_or(NoRule::Host)?;
        let hosts = self.hosts.iter();
        let fits = hosts.map(|pattern| pattern.fit(host, facts.host_is_named));
        Ok(fits.fold(Fit::NO, Fit::or))
    }

    fn path_fit(&self, path: &Path<'_>) -> Result<Fit, NoRule<'static>> {
        match (&self.path, path) {
            (None, _) => Ok(Fit::YES),
            (Some(_), Path::Ambiguous) => Err(NoRule::Path),
            (Some(pattern), Path::Clear(path)) => Ok(pattern.fit(path)),
        }
    }
}

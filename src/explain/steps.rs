//! The order of the steps. The modules beside this one implement them.

use std::borrow::Cow;

use crate::authenticator::Snapshot;
use crate::policy::Requirement;
use crate::request::Request;
use crate::token::{CurrentTime, Denial};

/// One check.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, such as `exp`, or `rule.claims.department`.
    pub name: Cow<'static, str>,
    /// Its result.
    pub outcome: StepOutcome,
    /// True if the verdict depends on it: no earlier step has settled the verdict.
    pub decisive: bool,
    /// What was found.
    pub found: String,
    /// What would pass.
    pub expected: String,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It passed.
    Pass,
    /// It failed, for this reason.
    Fail(Denial),
    /// It was not made, because of an earlier failure.
    NotReached,
}

/// The steps after `issuer`, which need one.
const BEHIND_ISSUER: [&str; 10] = [
    "algorithm",
    "key",
    "signature",
    "claims",
    "typ",
    "cnf",
    "aud",
    "exp",
    "nbf",
    "iat",
];

/// An explanation in progress.
pub(super) struct Explainer<'w, 's, 'r> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) request: &'w Request<'r>,
    /// The length of the given token text, in bytes.
    pub(super) length: usize,
    pub(super) now: CurrentTime,
    /// The algorithm that the header names, in words.
    pub(super) algorithm: String,
    steps: Vec<Step>,
    reached: bool,
}

impl<'w, 's, 'r> Explainer<'w, 's, 'r> {
    pub(super) fn new(
        snapshot: &'s Snapshot,
        request: &'w Request<'r>,
        length: usize,
        now: CurrentTime,
    ) -> Self {
        Self {
            snapshot,
            request,
            length,
            now,
            algorithm: String::new(),
            steps: Vec::new(),
            reached: false,
        }
    }

    pub(super) fn run(mut self) -> Vec<Step> {
        let requirement = self.rule();
        let found = self.credential(requirement);
        let token = found.and_then(|found| self.token(&found.token));
        let issuer = token.as_ref().and_then(|token| self.issuer(token));
        let (Some(found), Some(token), Some((id, issuer))) = (found, token, issuer) else {
            self.skip(&BEHIND_ISSUER);
            return self.steps;
        };
        self.algorithm_and_keys(&token, id, issuer);
        self.claims(token.claims());
        self.place(found.place, id, issuer);
        self.kind(&token, &issuer.expectations);
        self.audience(token.claims(), &issuer.expectations);
        self.times(token.claims(), &issuer.expectations);
        if let Some(Requirement::Token(demand)) = requirement {
            self.demand(demand, id, issuer, token.claims());
        }
        self.headers(issuer, token.claims());
        self.steps
    }

    /// Adds a check that was made; returns true if it passed.
    pub(super) fn step(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        result: Result<(), Denial>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> bool {
        let passes = result.is_ok();
        self.steps.push(Step {
            name: name.into(),
            outcome: result.map_or_else(StepOutcome::Fail, |()| StepOutcome::Pass),
            decisive: !self.reached,
            found: found.into(),
            expected: expected.into(),
        });
        self.reached |= !passes;
        passes
    }

    /// Adds checks that cannot be made.
    pub(super) fn skip(&mut self, names: &[&'static str]) {
        self.steps.extend(names.iter().map(|name| Step {
            name: (*name).into(),
            outcome: StepOutcome::NotReached,
            decisive: false,
            found: String::new(),
            expected: String::new(),
        }));
    }

    /// Settles the verdict: the request passes, whatever the remaining steps find.
    pub(super) fn allow(&mut self) {
        self.reached = true;
    }
}

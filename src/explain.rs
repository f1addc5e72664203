//! Explains a decision to the person who holds the token: each step, with what was found and what
//! was expected.
//!
//! The verdict is [`authenticate`]'s own. The steps call the core's own checks, one by one and in
//! its order, so the first failure has the verdict's reason. They continue after it, to show all
//! faults of a token at once. Nothing here allows a request. No I/O, like the core.
//!
//! The output is bounded, contains no signatures, and escapes the token's text to ASCII.

mod claims;
mod credential;
mod demands;
mod encryption;
mod kind;
mod steps;
mod text;
mod times;
mod token;

use std::sync::Arc;

use crate::authenticator::{Snapshot, Verdict, VerifiedTokens, authenticate};
use crate::jose::KeySet;
use crate::policy::IssuerId;
use crate::request::{Header, Request};
use crate::token::{BearerToken, CurrentTime, Denial, Moment, VerifiedToken};

pub(crate) use credential::issuer_of;
pub use steps::{Step, StepOutcome};
pub(crate) use text::{counted, plain};
pub(crate) use times::{instant, parse_instant, relative};

use credential::place_token;
use steps::Explainer;

/// A decision with its steps.
#[derive(Debug)]
pub struct Explanation {
    /// The denial; `None` if the request passes.
    pub denial: Option<Denial>,
    /// True if the rule or the server is in shadow mode, so a denial is only reported.
    pub shadow: bool,
    /// `allowed`, `anonymous`, or the code of the denial.
    pub reason: &'static str,
    /// The name of the rule that applies.
    pub rule: Option<Arc<str>>,
    /// The name of the token's issuer, if it is known.
    pub issuer: Option<Arc<str>>,
    /// The steps, in the order of the core.
    pub steps: Vec<Step>,
}

impl Explanation {
    /// The step that caused the denial.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Step> {
        let mut decisive = self.steps.iter().filter(|step| step.decisive);
        decisive.find(|step| matches!(step.outcome, StepOutcome::Fail(_)))
    }
}

/// Explains the decision on a request with this token. Puts the token where the policy looks for
/// it; an empty one counts as none. `request` has no credential of its own.
#[must_use]
pub fn explain(
    snapshot: &Snapshot,
    request: &Request<'_>,
    token: &[u8],
    now: impl Into<CurrentTime>,
) -> Explanation {
    let now = now.into();
    let (header, path) = place_token(snapshot.policy(), request.path, token);
    let mut request = request.clone();
    request.path = &path;
    let header = header.as_ref();
    request.headers.extend(header.map(|(name, value)| Header {
        name: name.as_bytes(),
        value,
    }));
    let decision = authenticate(snapshot, &request.clone().into(), now, &NoTokenCache);
    Explanation {
        shadow: snapshot.policy().is_shadow(decision.rule),
        rule: decision.rule.map(|rule| rule.name.clone()),
        issuer: decision.issuer.map(|issuer| issuer.name.clone()),
        reason: decision.reason(),
        denial: match (decision.shadowed, decision.verdict) {
            (Some(denial), _) | (None, Verdict::Deny(denial)) => Some(denial),
            (None, Verdict::Allow(_)) => None,
        },
        steps: Explainer::steps(snapshot, &request, token.len(), now),
    }
}

/// A cache that stores nothing, so each token is verified.
struct NoTokenCache;

impl VerifiedTokens for NoTokenCache {
    type Digest = ();

    fn digest(&self, _: &BearerToken<'_>) {}

    fn find(&self, (): &(), _: &Snapshot, _: Moment) -> Option<(IssuerId, Arc<VerifiedToken>)> {
        None
    }

    fn remember(&self, (): (), _: IssuerId, _: &Arc<KeySet>, _: &Arc<VerifiedToken>) {}
}

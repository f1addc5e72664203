//! Explains a decision to the person who holds the token: every step of the core, what was found, and what was expected.
//!
//! The verdict is [`authenticate`]'s own. The steps ask the very checks that the core asks, one by one and in its order,
//! so that the first that fails carries the verdict's reason; they go on behind it, because who mends a token wants to
//! hear of everything at once. Nothing here lets a request pass. Pure, as the core is.
//!
//! What it says is ASCII but for its own words, bounded, and free of signatures: a token's text comes escaped.

mod claims;
mod credential;
mod demands;
mod form;
mod keys;
mod steps;
mod text;
mod times;

use std::sync::Arc;

use crate::authenticator::{Question, Snapshot, Verdict, VerifiedTokens, authenticate};
use crate::jose::KeySet;
use crate::policy::IssuerId;
use crate::request::Request;
use crate::token::{BearerToken, CurrentTime, Denial, Moment, VerifiedToken};

pub use credential::issuer_of;
pub use steps::{Step, StepOutcome};
pub use text::plain;
pub use times::{instant, parse_instant};

use credential::RequestWithToken;
use steps::Explainer;

/// A decision with its steps.
#[derive(Debug)]
pub struct Explanation {
    /// Why the request is refused; `None` where it may pass.
    pub denial: Option<Denial>,
    /// Whether a denial is only noted: the rule, or the server, is in shadow mode.
    pub shadow: bool,
    /// `allowed`, `anonymous`, or the code of the denial.
    pub reason: &'static str,
    /// The name of the rule that was applied.
    pub rule: Option<Arc<str>>,
    /// The name of the issuer, as soon as it is known whose token it is.
    pub issuer: Option<Arc<str>>,
    /// The steps, in the order of the core.
    pub steps: Vec<Step>,
}

impl Explanation {
    /// The step that decided against the request.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Step> {
        let mut decisive = self.steps.iter().filter(|step| step.decisive);
        decisive.find(|step| matches!(step.outcome, StepOutcome::Fail(_)))
    }
}

/// Explains how a request with this token is judged. The token is put where the policy looks for it; an empty one is
/// none. `request` brings no credential of its own.
#[must_use]
pub fn explain(
    snapshot: &Snapshot,
    request: &Request<'_>,
    token: &[u8],
    now: impl Into<CurrentTime>,
) -> Explanation {
    let now = now.into();
    let carrier = RequestWithToken::new(snapshot.policy(), request, token);
    let request = carrier.request(request);
    let question = Question::from(request.clone());
    let decision = authenticate(snapshot, &question, now, &NoTokenCache);
    let reason = decision.reason();
    Explanation {
        shadow: snapshot.policy().is_shadow(decision.rule),
        rule: decision.rule.map(|rule| rule.name.clone()),
        issuer: decision.issuer.map(|issuer| issuer.name.clone()),
        denial: match (decision.shadowed, decision.verdict) {
            (Some(denial), _) | (None, Verdict::Deny(denial)) => Some(denial),
            (None, Verdict::Allow(_)) => None,
        },
        reason,
        steps: Explainer::new(snapshot, &request, token.len(), now).run(),
    }
}

/// Remembers no token, so that each is verified.
struct NoTokenCache;

impl VerifiedTokens for NoTokenCache {
    type Digest = ();

    fn digest(&self, _: &BearerToken<'_>) {}

    fn find(&self, (): &(), _: &Snapshot, _: Moment) -> Option<(IssuerId, Arc<VerifiedToken>)> {
        None
    }

    fn remember(&self, (): (), _: IssuerId, _: &Arc<KeySet>, _: &Arc<VerifiedToken>) {}
}

//! The result of the core. Only the checks beside this module make an [`Allow`].

use std::sync::Arc;

use bytes::Bytes;

use crate::jose::KeySet;
use crate::policy::{Issuer, IssuerId, NearMiss, Rule};
use crate::token::{Denial, Removal, VerifiedToken};

use super::DecryptionWork;

/// A verdict, with the facts that logs and metrics need.
#[derive(Debug, Default)]
pub struct Decision<'s> {
    /// The rule that applies; `None` if there are no rules, or the request was denied before one
    /// was chosen.
    pub rule: Option<&'s Rule>,
    /// The token's issuer, if it got far enough to be known.
    pub issuer: Option<&'s Issuer>,
    /// The rule that another spelling of the request would match, if that is why it is denied.
    pub near_miss: Option<NearMiss<'s>>,
    /// Allow or deny.
    pub verdict: Verdict,
    /// The denial that shadow mode turned into an allow.
    pub shadowed: Option<Denial>,
    /// The token, if its signature is valid, whatever the verdict.
    pub token: Option<Arc<VerifiedToken>>,
    /// The key to fetch, if a newer key set could turn the denial into an allow.
    pub missing_key: Option<MissingKey>,
    /// The work to do before the question can be decided. Until then, the request is denied.
    pub to_decrypt: Option<DecryptionWork>,
    /// True if the token was verified with keys that are overdue for a refresh.
    pub stale: bool,
}

impl Decision<'_> {
    /// The reason for operators: `allowed`, `anonymous`, or the code of the denial, even a shadowed
    /// one.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match (&self.shadowed, &self.verdict) {
            (Some(denial), _) | (None, Verdict::Deny(denial)) => denial.code(),
            (None, Verdict::Allow(Allow { token: None, .. })) => Verdict::ANONYMOUS,
            (None, Verdict::Allow(_)) => Verdict::ALLOWED,
        }
    }
}

/// A key that a token needs and that its issuer's key set lacks.
#[derive(Clone, Debug)]
pub struct MissingKey {
    /// The key's issuer.
    pub issuer: IssuerId,
    /// The keys that the token was judged by; `None` if there were none.
    pub tried: Option<Arc<KeySet>>,
}

/// The answer to a question.
#[derive(Debug)]
pub enum Verdict {
    /// The request may pass.
    Allow(Allow),
    /// The request is refused.
    Deny(Denial),
}

/// Until the checks have run, nothing is allowed.
impl Default for Verdict {
    fn default() -> Self {
        Self::Deny(Denial::Internal)
    }
}

impl Verdict {
    /// The reason of an allow for a good token.
    pub const ALLOWED: &'static str = "allowed";
    /// The reason of an allow without a token.
    pub const ANONYMOUS: &'static str = "anonymous";
}

/// Permission to pass.
pub struct Allow {
    pub(super) token: Option<Arc<VerifiedToken>>,
    pub(super) set: Vec<(Bytes, Bytes)>,
    pub(super) remove: Vec<Bytes>,
    pub(super) credential: Option<Removal>,
}

/// Header values are claims, so only their number is shown.
impl std::fmt::Debug for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Allow({} headers set)", self.set.len())
    }
}

impl Allow {
    /// The accepted token; `None` for an anonymous request.
    pub(crate) fn token(&self) -> Option<&VerifiedToken> {
        self.token.as_deref()
    }

    /// Headers to set on the upstream request, replacing any of the same name.
    pub(crate) fn headers_to_set(&self) -> &[(Bytes, Bytes)] {
        &self.set
    }

    /// Headers to remove from the upstream request; never one that is set.
    pub(crate) fn headers_to_remove(&self) -> &[Bytes] {
        &self.remove
    }

    /// The part of the upstream request that holds the credential, if it must be removed.
    pub(crate) fn credential_removal(&self) -> Option<&Removal> {
        self.credential.as_ref()
    }
}

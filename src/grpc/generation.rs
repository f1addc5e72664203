//! Everything that one configuration brings to answering calls.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::authenticator::{MissingKey, Snapshot};
use crate::config::CallersConfig;
use crate::jwks::{CallTime, KeyRequest, KeySources};
use crate::policy::Policy;

use super::{Answers, Callers, Replies, TokenCache};

/// What calls are judged and answered by, from one reload to the next. Its keys change meanwhile, nothing else does.
#[derive(Debug)]
pub struct Generation {
    policy: Arc<Policy>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    sources: Arc<KeySources>,
    /// Begins empty: a reload may narrow what an issuer's keys may sign.
    pub(super) tokens: TokenCache,
    pub(super) answers: Answers,
    pub(super) replies: Replies,
    pub(super) check_callers: Callers,
    pub(super) validate_callers: Callers,
}

impl Generation {
    /// A configuration in use. `snapshot` is replaced by whoever keeps its keys; the realm is quoted in challenges.
    #[must_use]
    pub fn new(
        policy: Arc<Policy>,
        realm: &str,
        callers: &CallersConfig,
        tokens: TokenCache,
        snapshot: Arc<ArcSwap<Snapshot>>,
        sources: Arc<KeySources>,
    ) -> Self {
        Self {
            answers: Answers::new(&policy, realm),
            replies: Replies::new(&policy, realm),
            check_callers: Callers::new(callers.check.clone()),
            validate_callers: Callers::new(callers.validate.clone()),
            policy,
            snapshot,
            sources,
            tokens,
        }
    }

    /// Policy and keys as they are now.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Issuers and rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn remembered_tokens(&self) -> u64 {
        self.tokens.entries()
    }

    /// The sources that the issuers' keys are fetched from.
    #[must_use]
    pub fn sources(&self) -> &KeySources {
        &self.sources
    }

    /// Asks for a key that a call needs and that its issuer's keys lack.
    #[must_use]
    pub fn request_key(&self, missing: &MissingKey, call_time: CallTime) -> KeyRequest {
        self.sources.request_key(missing, call_time)
    }
}

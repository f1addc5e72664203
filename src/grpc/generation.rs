//! Everything that calls need of one configuration.

use std::sync::Arc;

use arc_swap::Guard;

use crate::authenticator::{MissingKey, Snapshot};
use crate::config::CallersConfig;
use crate::jwks::{CallTime, KeyRequest, KeySources};
use crate::policy::Policy;
use crate::telemetry::Door;

use super::{Callers, CheckAnswers, TokenCache, ValidateAnswers};

/// Everything that calls are judged and answered by, from one reload to the next. Only its keys
/// change meanwhile.
#[derive(Debug)]
pub struct Generation {
    policy: Arc<Policy>,
    sources: KeySources,
    /// Begins empty: a reload may narrow what an issuer's keys may sign.
    pub(super) tokens: TokenCache,
    pub(super) check_answers: CheckAnswers,
    pub(super) validate_answers: ValidateAnswers,
    check_callers: Callers,
    validate_callers: Callers,
}

impl Generation {
    /// A configuration with its keys. Challenges quote the realm.
    #[must_use]
    pub fn new(
        policy: Arc<Policy>,
        realm: &str,
        callers: &CallersConfig,
        tokens: TokenCache,
        sources: KeySources,
    ) -> Self {
        Self {
            check_answers: CheckAnswers::new(&policy, realm),
            validate_answers: ValidateAnswers::new(&policy, realm),
            check_callers: Callers::new(callers.check.clone()),
            validate_callers: Callers::new(callers.validate.clone()),
            policy,
            sources,
            tokens,
        }
    }

    /// The policy and its keys at this moment.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.sources.snapshot()
    }

    /// Issuers and rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The callers that a front door admits.
    pub(super) fn callers(&self, door: Door) -> &Callers {
        match door {
            Door::Check => &self.check_callers,
            Door::Validate => &self.validate_callers,
        }
    }

    /// The number of tokens in the cache.
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

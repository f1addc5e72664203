//! Everything that calls need of one configuration.

use std::sync::Arc;

use arc_swap::Guard;

use crate::authenticator::Snapshot;
use crate::config::Config;
use crate::jwks::KeySources;
use crate::policy::Policy;
use crate::telemetry::Door;

use super::{Callers, CheckAnswers, TokenCache, ValidateAnswers};

/// Everything that calls are judged and answered by, from one reload to the next. Only its keys
/// change meanwhile.
#[derive(Debug)]
pub struct Generation {
    pub(crate) policy: Arc<Policy>,
    sources: KeySources,
    /// Begins empty: a reload may narrow what an issuer's keys may sign.
    pub(crate) tokens: TokenCache,
    pub(super) check_answers: CheckAnswers,
    pub(super) validate_answers: ValidateAnswers,
    check_callers: Callers,
    validate_callers: Callers,
}

impl Generation {
    pub(crate) fn new(config: &Config, tokens: TokenCache, sources: KeySources) -> Self {
        let (policy, realm) = (&config.policy, &config.server.realm);
        let callers = &config.server.grpc.callers;
        Self {
            policy: policy.clone(),
            sources,
            tokens,
            check_answers: CheckAnswers::new(policy, realm),
            validate_answers: ValidateAnswers::new(policy, realm),
            check_callers: Callers::new(callers.check.clone()),
            validate_callers: Callers::new(callers.validate.clone()),
        }
    }

    /// The policy and its keys at this moment.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.sources.snapshot()
    }

    /// The sources that the issuers' keys are fetched from.
    #[must_use]
    pub fn sources(&self) -> &KeySources {
        &self.sources
    }

    pub(super) fn callers(&self, door: Door) -> &Callers {
        match door {
            Door::Check => &self.check_callers,
            Door::Validate => &self.validate_callers,
        }
    }
}

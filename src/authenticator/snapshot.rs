//! The policy and the keys at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use crate::jose::KeySet;
use crate::policy::{IssuerId, Policy};
use crate::token::Moment;

/// The policy and the keys at one moment. A request uses one snapshot from start to end.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) policy: Arc<Policy>,
    keys: HashMap<IssuerId, IssuerKeys>,
    /// Two snapshots of one policy with the same revision have the same keys.
    revision: u64,
}

/// The keys of an issuer at one moment.
#[derive(Clone, Debug)]
pub struct IssuerKeys {
    /// The keys.
    pub set: Arc<KeySet>,
    /// True if they are overdue for a refresh because fetches fail.
    pub stale: bool,
    /// The moment at which they become too old. They are withdrawn then; this field guards against
    /// a withdrawal that comes late.
    pub(crate) usable_until: Moment,
}

impl Snapshot {
    /// A snapshot in which no issuer has keys yet.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            keys: HashMap::new(),
            revision: 0,
        }
    }

    /// Replaces the keys of these issuers; `None` removes them.
    #[must_use]
    pub fn with_keys(mut self, issuers: &[IssuerId], keys: Option<&IssuerKeys>) -> Self {
        for issuer in issuers {
            match keys {
                Some(keys) => self.keys.insert(*issuer, keys.clone()),
                None => self.keys.remove(issuer),
            };
        }
        self
    }

    /// The same at another revision of the keys.
    pub(crate) fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The issuers and rules.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    pub(crate) fn has_keys(&self, issuer: IssuerId) -> bool {
        self.keys.contains_key(&issuer)
    }

    /// The keys of an issuer; `None` before the first fetch and once they are too old.
    pub(crate) fn keys(&self, issuer: IssuerId, moment: Moment) -> Option<&IssuerKeys> {
        let keys = self.keys.get(&issuer);
        keys.filter(|keys| moment < keys.usable_until)
    }

    /// Returns true if every required issuer has keys.
    pub(crate) fn is_ready(&self) -> bool {
        let mut required = self.policy.issuers_where(|issuer| issuer.required);
        required.all(|id| self.has_keys(id))
    }
}

impl IssuerKeys {
    /// Keys that never become too old.
    #[must_use]
    pub fn lasting(set: Arc<KeySet>) -> Self {
        Self {
            set,
            stale: false,
            usable_until: Moment::NEVER,
        }
    }
}

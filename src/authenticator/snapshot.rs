//! Policy and keys at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use crate::jose::KeySet;
use crate::policy::{IssuerId, Policy};
use crate::token::Moment;

/// Policy and keys as they are at one moment. A request is judged by one snapshot from start to end.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) policy: Arc<Policy>,
    keys: HashMap<IssuerId, IssuerKeys>,
}

/// The keys of an issuer at one moment.
#[derive(Clone, Debug)]
pub struct IssuerKeys {
    /// The keys.
    pub set: Arc<KeySet>,
    /// Whether they are older than they should be, because no newer ones can be had.
    pub stale: bool,
    /// The moment from which they are too old to be used. They are withdrawn then; but that may come late, and no token
    /// is verified with them after it.
    pub usable_until: Moment,
}

impl Snapshot {
    /// A policy whose issuers have no keys yet.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            keys: HashMap::new(),
        }
    }

    /// The same with other keys for these issuers; `None`: with no keys that may be used.
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

    /// Issuers and rules.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Whether an issuer has keys.
    #[must_use]
    pub fn has_keys(&self, issuer: IssuerId) -> bool {
        self.keys.contains_key(&issuer)
    }

    /// The keys of an issuer; `None` until they are first available, and when they have become too old.
    #[must_use]
    pub fn keys(&self, issuer: IssuerId, moment: Moment) -> Option<&IssuerKeys> {
        let keys = self.keys.get(&issuer);
        keys.filter(|keys| moment < keys.usable_until)
    }

    /// Whether every issuer has keys that is required to.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let issuers = self.policy.issuers();
        let mut issuers = Policy::issuer_ids(issuers.len()).zip(issuers);
        issuers.all(|(id, issuer)| !issuer.required || self.has_keys(id))
    }
}

impl IssuerKeys {
    /// Keys that never grow old.
    #[must_use]
    pub fn lasting(set: Arc<KeySet>) -> Self {
        Self {
            set,
            stale: false,
            usable_until: Moment::NEVER,
        }
    }
}

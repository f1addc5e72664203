//! What a keeper's task, requests and operators share.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::authenticator::IssuerKeys;
use crate::clock::Moment;
use crate::jose::KeySet;
use crate::policy::IssuerId;

use super::super::Timing;
use super::super::life_cycle::{KeyState, LifeCycle};
use super::Publish;

/// What requests, operators and the task share.
pub(in crate::jwks) struct State {
    pub(in crate::jwks) life: LifeCycle,
    /// The keys that are published.
    pub(in crate::jwks) keys: Option<Arc<KeySet>>,
    pub(in crate::jwks) standing: KeyState,
    pub(in crate::jwks) record: Record,
    pub(in crate::jwks) random: fastrand::Rng,
    /// Who is told of keys: the configurations in use.
    pub(super) subscribers: Vec<Subscriber>,
}

/// Somebody who is told of keys.
pub(in crate::jwks) struct Subscriber {
    /// Whose keys they are to him.
    pub(super) issuers: Vec<IssuerId>,
    pub(super) publish: Publish,
}

/// What operators are told.
#[derive(Default)]
pub(in crate::jwks) struct Record {
    /// Fetches by outcome.
    pub(in crate::jwks) fetches: BTreeMap<&'static str, u64>,
    /// Fetches that tokens with unknown keys caused.
    pub(in crate::jwks) unknown_key_fetches: u64,
    /// The last failure and when it was, until a fetch succeeds.
    pub(in crate::jwks) failure: Option<(Moment, String)>,
}

impl State {
    /// Of a source that was never fetched; the seed chooses the random parts of waiting times.
    pub(super) fn new(timing: Timing, seed: u64) -> Self {
        Self {
            life: LifeCycle::new(timing),
            keys: None,
            standing: KeyState::Absent,
            record: Record::default(),
            random: fastrand::Rng::with_seed(seed),
            subscribers: Vec::new(),
        }
    }

    /// The keys as requests see them.
    pub(super) fn published(&self) -> Option<IssuerKeys> {
        let set = self.keys.clone()?;
        Some(IssuerKeys {
            set,
            stale: self.standing == KeyState::Stale,
            usable_until: self.life.usable_until(),
        })
    }

    pub(super) fn differs_from(&self, had: Option<&Arc<KeySet>>) -> bool {
        match (&self.keys, had) {
            (Some(now), Some(had)) => !Arc::ptr_eq(now, had),
            (now, _) => now.is_some(),
        }
    }
}

impl Record {
    pub(super) fn count(&mut self, outcome: &'static str) {
        *self.fetches.entry(outcome).or_default() += 1;
    }
}

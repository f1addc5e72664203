//! What operators are told of a source.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::authenticator::IssuerKeys;
use crate::jose::{ExposedKey, KeySet, PublishedKey, SkipReason, UnusableKey};
use crate::policy::IssuerId;

use super::key_source::{SharedSource, SourceState};
use super::life_cycle::KeyState;

/// One source at one moment.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    /// The place, without secrets.
    pub source: String,
    /// Who uses it.
    pub issuers: Vec<IssuerId>,
    /// `fresh`, `stale` or `absent`.
    pub state: &'static str,
    /// How long ago the keys were last known to be good.
    pub age: Option<Duration>,
    /// In how long the next fetch starts; zero while one is under way.
    pub next_fetch: Duration,
    /// The keys that are used.
    pub keys: Vec<KeyStatus>,
    /// The keys of the set that are not used.
    pub skipped: Vec<SkippedKey>,
    /// The keys whose private part the source gives away.
    pub exposed: Vec<ExposedKey>,
    /// The last failure and how long ago it was; `None` once a fetch has succeeded.
    pub failure: Option<(Duration, String)>,
    /// Fetches by outcome, since the start.
    pub fetches: BTreeMap<&'static str, u64>,
    /// Those of them that tokens with unknown keys caused.
    pub unknown_key_fetches: u64,
}

/// A key that is used.
#[derive(Clone, Debug)]
pub struct KeyStatus {
    /// Its `kid`.
    pub kid: Option<Box<str>>,
    /// The algorithms that it verifies.
    pub algorithms: Vec<&'static str>,
}

/// A key that is not used.
#[derive(Clone, Debug)]
pub struct SkippedKey {
    /// Its `kid`.
    pub kid: Option<Box<str>>,
    /// Why it is not used.
    pub reason: SkipReason,
}

impl SourceStatus {
    pub(super) fn new(
        source: &SharedSource,
        state: &SourceState,
        keys: Option<&IssuerKeys>,
        issuers: &[IssuerId],
    ) -> Self {
        let now = source.now();
        let SourceState { life, history, .. } = state;
        let failure = history.failure.as_ref();
        let keys = keys.map(|keys| &*keys.set);
        Self {
            source: source.settings.origin.to_string(),
            issuers: issuers.to_vec(),
            state: match life.key_state(now) {
                KeyState::Absent => "absent",
                KeyState::Fresh => "fresh",
                KeyState::Stale => "stale",
            },
            age: life.age(now),
            next_fetch: life.next_fetch(now),
            keys: keys.map_or_else(Vec::new, keys_of),
            skipped: keys.map_or_else(Vec::new, skipped_of),
            exposed: keys.map_or_else(Vec::new, |keys| keys.exposed().to_vec()),
            failure: failure.map(|failure| (now.since(failure.last), failure.error.clone())),
            fetches: history.by_outcome.clone(),
            unknown_key_fetches: history.unknown_key_fetches,
        }
    }

    /// The number of keys that are not used, by reason.
    #[must_use]
    pub fn skipped_by_reason(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for key in &self.skipped {
            *reasons.entry(key.reason.code()).or_default() += 1;
        }
        reasons
    }
}

fn keys_of(keys: &KeySet) -> Vec<KeyStatus> {
    let status = |key: PublishedKey<'_>| KeyStatus {
        kid: key.kid.map(Into::into),
        algorithms: key.algorithms,
    };
    keys.keys().map(status).collect()
}

fn skipped_of(keys: &KeySet) -> Vec<SkippedKey> {
    let status = |key: &UnusableKey| SkippedKey {
        kid: key.kid.clone(),
        reason: key.reason,
    };
    keys.skipped().iter().map(status).collect()
}

//! The status of a source, for operators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::jose::{ExposedKey, KeySet, PublishedKey, UnusableKey};
use crate::policy::IssuerId;

use super::key_source::{SharedSource, SourceState};
use super::life_cycle::KeyState;

/// One source at one moment.
#[derive(Clone, Debug)]
pub struct SourceStatus {
    /// The place, without secrets.
    pub source: String,
    /// The issuers that use it.
    pub issuers: Vec<IssuerId>,
    /// `fresh`, `stale` or `absent`.
    pub state: &'static str,
    /// The time since the keys were last known to be good.
    pub age: Option<Duration>,
    /// The time until the next fetch starts; zero while one is under way.
    pub next_fetch: Duration,
    /// The last failure and the time since then; `None` once a fetch has succeeded.
    pub failure: Option<(Duration, String)>,
    /// The number of fetches since the start, by outcome.
    pub fetches: BTreeMap<&'static str, u64>,
    /// The number of fetches that tokens with unknown keys caused.
    pub unknown_key_fetches: u64,
    keys: Option<Arc<KeySet>>,
}

impl SourceStatus {
    pub(super) fn new(
        source: &SharedSource,
        state: &SourceState,
        keys: Option<Arc<KeySet>>,
        issuers: &[IssuerId],
    ) -> Self {
        let now = source.now();
        let SourceState { life, history, .. } = state;
        let failure = history.failure.as_ref();
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
            failure: failure.map(|failure| (now.since(failure.last), failure.error.clone())),
            fetches: history.by_outcome.clone(),
            unknown_key_fetches: history.unknown_key_fetches,
            keys,
        }
    }

    /// The keys that are used.
    #[must_use]
    pub fn keys(&self) -> Vec<PublishedKey<'_>> {
        let keys = self.keys.iter();
        keys.flat_map(|keys| keys.keys()).collect()
    }

    /// The keys of the set that are not used, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[UnusableKey] {
        self.keys.as_ref().map_or(&[], |keys| keys.skipped())
    }

    /// The keys whose private part the source publishes.
    pub(crate) fn exposed(&self) -> &[ExposedKey] {
        self.keys.as_ref().map_or(&[], |keys| keys.exposed())
    }

    /// The number of keys that are not used, by reason.
    #[must_use]
    pub fn skipped_by_reason(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for key in self.skipped() {
            *reasons.entry(key.reason.code()).or_default() += 1;
        }
        reasons
    }
}

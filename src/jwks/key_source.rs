//! One key source, as requests and operators see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::authenticator::IssuerKeys;
use crate::clock::{Clock, Moment};
use crate::jose::KeySet;
use crate::policy::{Issuer, IssuerId};

use super::key_sources::SourceContext;
use super::life_cycle::{FetchStart, KeyState, LifeCycle, WaitFor};
use super::source_log::SourceLog;
use super::source_task::SourceTask;
use super::store::Store;
use super::{CallTime, FetchedSource, KeyRequest, KeyWait, SourceStatus};

/// One source. Its task ends when no configuration uses it any more.
pub(super) struct KeySource {
    shared: Arc<SharedSource>,
    published: watch::Receiver<Published>,
    /// The `iss` values that its saved keys are good for.
    issuers: Vec<Box<str>>,
    pub(super) store: Option<Store>,
    task: AbortHandle,
}

/// The part of a source that its task shares with requests and operators.
pub(super) struct SharedSource {
    pub(super) settings: FetchedSource,
    pub(super) clock: Clock,
    pub(super) log: SourceLog,
    /// Wakes the task when a fetch becomes due earlier than it was.
    pub(super) wake: Notify,
    state: Mutex<SourceState>,
}

/// The schedule of a source's fetches, and their outcomes.
pub(super) struct SourceState {
    pub(super) life: LifeCycle,
    pub(super) history: FetchHistory,
    /// Chooses the random parts of waiting times.
    pub(super) random: fastrand::Rng,
}

#[derive(Default)]
pub(super) struct FetchHistory {
    pub(super) by_outcome: BTreeMap<&'static str, u64>,
    /// Fetches that tokens with unknown keys caused.
    pub(super) unknown_key_fetches: u64,
    /// The last failure, until a fetch succeeds.
    pub(super) failure: Option<FetchFailure>,
}

pub(super) struct FetchFailure {
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) error: String,
}

#[derive(Default)]
pub(super) struct Published {
    /// The keys that may be used; `None` if there are none.
    pub(super) keys: Option<IssuerKeys>,
    /// The number of fetches that have ended. Their keys are published with it.
    pub(super) fetches_ended: u64,
}

impl KeySource {
    pub(super) fn start(
        settings: &FetchedSource,
        issuers: &[&Issuer],
        context: &SourceContext,
        seed: u64,
    ) -> Self {
        let log = SourceLog::new(&settings.origin, issuers);
        let issuers = issuer_urls(issuers);
        let directory = context.state_dir.as_deref();
        let directory = directory.filter(|_| settings.origin.is_remote());
        let store = directory.map(|path| Store::new(path, settings, &issuers, log.clone()));
        let shared = Arc::new(SharedSource {
            settings: settings.clone(),
            clock: context.clock.clone(),
            log,
            wake: Notify::new(),
            state: Mutex::new(SourceState {
                life: LifeCycle::new(settings.timing),
                history: FetchHistory::default(),
                random: fastrand::Rng::with_seed(seed),
            }),
        });
        let (sender, published) = watch::channel(Published::default());
        let task = SourceTask {
            shared: shared.clone(),
            published: sender,
            revision: context.revision.clone(),
            cache: context.cache.clone(),
            store: store.clone(),
        };
        Self {
            shared,
            published,
            issuers,
            store,
            task: tokio::spawn(task.run()).abort_handle(),
        }
    }

    pub(super) fn is_for(&self, settings: &FetchedSource, issuers: &[&Issuer]) -> bool {
        self.shared.settings == *settings && self.issuers == issuer_urls(issuers)
    }

    pub(super) fn settings(&self) -> &FetchedSource {
        &self.shared.settings
    }

    pub(super) fn keys(&self) -> Option<IssuerKeys> {
        self.published.borrow().keys.clone()
    }

    pub(super) async fn wait_for_keys(&self) {
        let mut published = self.published.clone();
        let keys = published.wait_for(|published| published.keys.is_some());
        if keys.await.is_err() {
            // The task has ended: there will be none.
            std::future::pending::<()>().await;
        }
    }

    /// Asks for a key that is not among the keys that a call was judged by; `tried: None` asks for
    /// any.
    pub(super) fn request_key(
        &self,
        tried: Option<&Arc<KeySet>>,
        call_time: CallTime,
    ) -> KeyRequest {
        let timing = &self.settings().timing;
        let wait = timing.wait.of_call(call_time.time_left, timing.timeout);
        let (now, until) = (self.shared.now(), call_time.judged_at + wait);
        // The task publishes under this lock: a fetch has ended before this, or ends the wait.
        let mut state = self.shared.state();
        if self.published.borrow().differs_from(tried) {
            return KeyRequest::KeysChanged;
        }
        let due = state.life.due();
        let wait_for = match tried {
            Some(_) => state.life.request_fetch(now, until),
            None => state.life.wait_for_fetch(now, until),
        };
        if state.life.due() < due {
            self.shared.wake.notify_one();
        }
        if wait_for == WaitFor::Nothing {
            return KeyRequest::Refused;
        }
        let fetches_ended = self.published.borrow().fetches_ended;
        KeyRequest::Wait(KeyWait {
            fetches_ended,
            published: self.published.clone(),
            tried: tried.cloned(),
            clock: self.shared.clock.clone(),
            until,
            is_for_next_fetch: wait_for == WaitFor::NextFetch,
        })
    }

    /// Starts a fetch for an operator, as soon as the budget permits.
    pub(super) fn fetch_for_operator(&self) -> FetchStart {
        let now = self.shared.now();
        let start = self.shared.state().life.fetch_for_operator(now);
        self.shared.wake.notify_one();
        start
    }

    pub(super) fn status(&self, issuers: &[IssuerId]) -> SourceStatus {
        let state = self.shared.state();
        let keys = self.keys().map(|keys| keys.set);
        SourceStatus::new(&self.shared, &state, keys, issuers)
    }

    /// Ends the task. Calls that wait for a fetch are judged again at once.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for KeySource {
    fn drop(&mut self) {
        self.stop();
    }
}

fn issuer_urls(issuers: &[&Issuer]) -> Vec<Box<str>> {
    let url = |issuer: &&Issuer| issuer.expectations.issuer.clone();
    issuers.iter().map(url).collect()
}

impl SharedSource {
    pub(super) fn now(&self) -> Moment {
        self.clock.moment()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Published {
    pub(super) fn key_state(&self) -> KeyState {
        match &self.keys {
            None => KeyState::Absent,
            Some(keys) if keys.stale => KeyState::Stale,
            Some(_) => KeyState::Fresh,
        }
    }

    /// Returns true if there are keys, and others than those that were tried.
    pub(super) fn differs_from(&self, tried: Option<&Arc<KeySet>>) -> bool {
        self.keys.as_ref().is_some_and(|keys| {
            let is_tried = |tried| Arc::ptr_eq(&keys.set, tried);
            !tried.is_some_and(is_tried)
        })
    }
}

impl FetchHistory {
    pub(super) fn count(&mut self, outcome: &'static str) {
        *self.by_outcome.entry(outcome).or_default() += 1;
    }

    pub(super) fn note_failure(&mut self, now: Moment, error: String) {
        let first = self.failure.as_ref().map_or(now, |failure| failure.first);
        let last = now;
        self.failure = Some(FetchFailure { first, last, error });
    }
}

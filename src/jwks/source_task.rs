//! The task of one key source. It owns the source: it decides when to fetch, holds the key set and
//! the saved documents, and publishes the keys.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use crate::authenticator::IssuerKeys;
use crate::clock::Moment;
use crate::jose::KeySet;

use super::FetchError;
use super::cache::{FetchedKeys, KeySetCache};
use super::key_source::{Published, SharedSource, SourceState};
use super::life_cycle::{FetchCause, KeyState};
use super::store::{SavedDocuments, Store, StoreError};

/// The wait before a task that panicked starts again.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct SourceTask {
    pub(super) shared: Arc<SharedSource>,
    pub(super) published: watch::Sender<Published>,
    pub(super) revision: Arc<AtomicU64>,
    pub(super) cache: KeySetCache,
    pub(super) store: Option<Store>,
}

impl SourceTask {
    /// Runs until it is aborted. Without its task, a source's keys would go stale unseen, so one
    /// that panics starts again.
    pub(super) async fn run(self) {
        loop {
            let panic = caught(self.restore_and_fetch()).await;
            self.abandon_fetch();
            self.shared.log.panicked(&*panic);
            self.shared.clock.sleep(PANIC_PAUSE).await;
        }
    }

    async fn restore_and_fetch(&self) -> Infallible {
        self.restore().await;
        loop {
            self.publish_key_state();
            if self.due() <= self.shared.now() {
                self.fetch().await;
                continue;
            }
            // In this order, and not at random, so that a simulation can be repeated.
            tokio::select! { biased;
                () = self.shared.clock.sleep_until(self.due()) => {}
                () = self.key_state_changes() => {}
                () = self.shared.wake.notified() => {}
            }
        }
    }

    fn due(&self) -> Moment {
        self.shared.state().life.due()
    }

    /// After a panic: calls that wait for the fetch that panicked are judged again at once.
    fn abandon_fetch(&self) {
        let mut state = self.shared.state();
        if state.life.abandon(self.shared.now()) {
            self.published
                .send_modify(|published| published.fetches_ended += 1);
        }
    }

    /// Puts the keys of an earlier process in use if they are good and not too old. After a panic,
    /// the published keys are still there.
    async fn restore(&self) {
        if self.published.borrow().keys.is_some() {
            return;
        }
        let Some(store) = &self.store else { return };
        let log = &self.shared.log;
        let saved = match self.load(store).await {
            Ok(Some(saved)) => saved,
            Ok(None) => return,
            Err(error) => return log.not_restored(&store.file, &error.to_string()),
        };
        let (settings, age) = (&self.shared.settings, saved.age);
        match self.cache.restore(settings, saved.documents).await {
            Ok(keys) => log.restored(age, self.use_restored(keys, age)),
            Err(error) => log.not_restored(&store.file, &error.with_causes()),
        }
    }

    /// A disk that hangs must not keep keys from being fetched.
    async fn load(&self, store: &Store) -> Result<Option<SavedDocuments>, StoreError> {
        let clock = &self.shared.clock;
        tokio::select! { biased;
            saved = store.load(clock.now()) => saved,
            () = clock.sleep(self.shared.settings.timing.timeout) => Err(StoreError::Hangs),
        }
    }

    fn use_restored(&self, keys: Arc<KeySet>, age: Duration) -> bool {
        let now = self.shared.now();
        let mut state = self.shared.state();
        let usable = state.life.restore(age, now);
        if usable {
            self.publish(&state, now, Some(keys), 0);
        }
        usable
    }

    /// Fetches once, bounded in time. Keys that are in use may become stale or too old meanwhile.
    async fn fetch(&self) {
        self.begin();
        let settings = &self.shared.settings;
        let timeout = settings.timing.timeout;
        let mut fetch = pin!(self.cache.fetch(settings));
        let mut late = pin!(self.shared.clock.sleep(timeout));
        let outcome = loop {
            tokio::select! { biased;
                outcome = &mut fetch => break outcome,
                () = &mut late => break Err(FetchError::Timeout(timeout)),
                () = self.key_state_changes() => self.publish_key_state(),
            }
        };
        match outcome {
            Ok(fetched) => self.succeed(fetched),
            Err(error) => self.fail(&error),
        }
    }

    fn begin(&self) {
        let now = self.shared.now();
        let mut state = self.shared.state();
        if state.life.begin(now) == FetchCause::Token {
            state.history.unknown_key_fetches += 1;
        }
    }

    fn succeed(&self, fetched: FetchedKeys) {
        let FetchedKeys {
            keys,
            documents,
            changed,
            fresh_for,
        } = fetched;
        let now = self.shared.now();
        let failed_since = {
            let mut state = self.shared.state();
            let random = state.random.f64();
            state.life.succeed(now, fresh_for, changed, random);
            let outcome = if changed { "changed" } else { "unchanged" };
            state.history.count(outcome);
            self.publish(&state, now, Some(keys.clone()), 1);
            state.history.failure.take().map(|failure| failure.first)
        };
        if let Some(store) = &self.store {
            store.save(documents, self.shared.clock.now());
        }
        let outage = failed_since.map(|first| now.since(first));
        self.shared.log.fetched(&keys, changed, outage);
    }

    fn fail(&self, error: &FetchError) {
        let now = self.shared.now();
        let text = error.with_causes();
        let retry_in = {
            let mut state = self.shared.state();
            let random = state.random.f64();
            state.life.fail(now, error.retry_after(), random);
            state.history.count(error.outcome());
            state.history.note_failure(now, text.clone());
            self.published
                .send_modify(|published| published.fetches_ended += 1);
            state.life.due().since(now)
        };
        self.shared.log.failed(&text, retry_in);
    }

    /// Publishes again if keys have become stale, or too old to be used.
    fn publish_key_state(&self) {
        let now = self.shared.now();
        let (key_state, age, usable_for) = {
            let mut state = self.shared.state();
            let key_state = state.life.key_state(now);
            if key_state == self.published.borrow().key_state() {
                return;
            }
            if key_state == KeyState::Absent {
                state.life.cap_retry(now);
            }
            self.publish(&state, now, None, 0);
            let age = state.life.age(now).unwrap_or_default();
            (key_state, age, state.life.usable_until().since(now))
        };
        let until = self.shared.clock.now().plus(usable_for);
        self.shared.log.key_state(key_state, age, until);
    }

    /// Publishes the new set, if there is one, or the one in use, with the state of the life cycle.
    /// The caller holds the lock of the state, so that no request finds one without the other; and
    /// logs later, which takes time.
    fn publish(
        &self,
        state: &SourceState,
        now: Moment,
        new_set: Option<Arc<KeySet>>,
        fetches_ended: u64,
    ) {
        self.published.send_modify(|published| {
            let in_use = published.keys.take().map(|keys| keys.set);
            let key_state = state.life.key_state(now);
            let set = new_set.or(in_use).filter(|_| key_state != KeyState::Absent);
            published.keys = set.map(|set| IssuerKeys {
                set,
                stale: key_state == KeyState::Stale,
                usable_until: state.life.usable_until(),
            });
            published.fetches_ended += fetches_ended;
            // Within the lock of the value that changes.
            self.revision.fetch_add(1, Ordering::Release);
        });
    }

    /// Waits until the keys in use become stale or too old by themselves.
    async fn key_state_changes(&self) {
        let changes = self.shared.state().life.state_changes(self.shared.now());
        match changes {
            Some(moment) => self.shared.clock.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }
}

/// Runs a future that never ends by itself, and returns its panic.
async fn caught(future: impl Future<Output = Infallible>) -> Box<dyn Any + Send> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(|never| match never {}),
            Err(panic) => Poll::Ready(panic),
        }
    })
    .await
}

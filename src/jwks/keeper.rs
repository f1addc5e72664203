//! The keeper of one source: the task that fetches, publishes what requests see, and lets requests wait for it.

mod state;
mod waiting;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::authenticator::IssuerKeys;
use crate::clock::{Clock, Moment};
use crate::jose::KeySet;
use crate::policy::IssuerId;

use super::cache::{KeySetCache, Refreshed};
use super::life_cycle::{KeyState, Refresh, Requester, WaitFor};
use super::store::{Documents, Store, StoreError};
use super::{FetchError, FetchedSource, report};

use state::{State, Subscriber};
pub use waiting::{CallTime, KeyRequest, KeyWait};

/// Receives what an issuer's keys are now; `None`: there are none that may be used.
pub type Publish = Arc<dyn Fn(&[IssuerId], Option<&IssuerKeys>) + Send + Sync>;

/// What all keepers work with.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) clock: Clock,
    pub(super) cache: KeySetCache,
}

/// One source.
pub(super) struct Keeper {
    pub(super) source: FetchedSource,
    tools: Tools,
    store: Option<Store>,
    /// Whether keys go into the state directory: not those of a configuration that is not in use.
    saving: AtomicBool,
    state: Mutex<State>,
    /// Told when a fetch becomes due earlier than it was.
    wake: Notify,
    /// How many fetches have ended; counted after their keys are published.
    ended: watch::Sender<u64>,
}

impl Keeper {
    pub(super) fn new(
        source: FetchedSource,
        store: Option<Store>,
        seed: u64,
        tools: Tools,
    ) -> Self {
        let state = State::new(source.timing, seed);
        Self {
            source,
            tools,
            store,
            saving: AtomicBool::new(false),
            state: Mutex::new(state),
            wake: Notify::new(),
            ended: watch::Sender::new(0),
        }
    }

    /// Publishes to somebody more, beginning with what there is.
    pub(super) fn subscribe(&self, issuers: &[IssuerId], publish: &Publish) {
        let mut state = self.state();
        if let Some(keys) = state.published() {
            publish(issuers, Some(&keys));
        }
        let (issuers, publish) = (issuers.to_vec(), publish.clone());
        state.subscribers.push(Subscriber { issuers, publish });
    }

    /// Ends what [`Keeper::subscribe`] began.
    pub(super) fn unsubscribe(&self, publish: &Publish) {
        let ends = |known: &Subscriber| {
            std::ptr::addr_eq(Arc::as_ptr(&known.publish), Arc::as_ptr(publish))
        };
        self.state().subscribers.retain(|known| !ends(known));
    }

    /// Keeps the source for ever.
    pub(super) async fn keep(&self) {
        self.restore().await;
        loop {
            self.update_standing();
            if self.state().life.due() <= self.now() {
                self.fetch().await;
                continue;
            }
            let due = self.state().life.due();
            // In this order, and not at random, so that a simulation can be repeated.
            tokio::select! { biased;
                () = self.tools.clock.sleep_until(due) => {}
                () = self.state_changes() => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// A request needs a key that was not among those that it was judged by; without keys, any will do.
    pub(super) fn request_key(
        self: &Arc<Self>,
        had: Option<&Arc<KeySet>>,
        call_time: CallTime,
    ) -> KeyRequest {
        let (now, until) = (self.now(), call_time.end(&self.source.timing));
        let mut state = self.state();
        // Under the lock, as the end of a fetch is told: what has ended before does not end the wait.
        let ended = self.ended.subscribe();
        if state.differs_from(had) {
            return KeyRequest::KeysChanged;
        }
        let due = state.life.due();
        let wait_for = match had {
            Some(_) => state.life.request_fetch(now, until),
            None => state.life.wait_for_fetch(now, until),
        };
        if state.life.due() < due {
            self.wake.notify_one();
        }
        if wait_for == WaitFor::Nothing {
            return KeyRequest::Refused;
        }
        KeyRequest::Wait(KeyWait {
            keeper: self.clone(),
            had: had.cloned(),
            ended,
            until,
            is_for_next: wait_for == WaitFor::NextFetch,
        })
    }

    /// Lets those who wait for a fetch go on: there will be none.
    pub(super) fn wake_waiting(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Saves what is fetched from now on; whether it did not before.
    pub(super) fn begin_saving(&self) -> bool {
        !self.saving.swap(true, Ordering::Relaxed)
    }

    /// Saves nothing from now on.
    pub(super) fn end_saving(&self) {
        self.saving.store(false, Ordering::Relaxed);
    }

    /// Saves what was fetched before.
    pub(super) async fn save_again(&self) {
        if let Some(documents) = self.tools.cache.documents(&self.source).await {
            self.save(documents);
        }
    }

    fn save(&self, documents: Documents) {
        let saving = self.saving.load(Ordering::Relaxed);
        if let Some(store) = self.store.as_ref().filter(|_| saving) {
            store.save(documents, self.tools.clock.now());
        }
    }

    /// An operator wants a fetch now.
    pub(super) fn refresh(&self) -> Refresh {
        let answer = self.state().life.refresh(self.now());
        self.wake.notify_one();
        answer
    }

    /// Waits until what was fetched is in the state directory.
    pub(super) async fn saved(&self) {
        if let Some(store) = &self.store {
            store.saved().await;
        }
    }

    /// What it knows, for a moment.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Moment {
        self.tools.clock.moment()
    }

    /// Takes the keys of an earlier process into use, where they are good and not too old. After a panic, too: what the
    /// task knew is still there then, but for a fetch that never ended.
    async fn restore(&self) {
        self.state().life.abandon(self.now());
        if self.state().keys.is_some() {
            return;
        }
        let Some(store) = &self.store else { return };
        let origin = &self.source.origin;
        // A disk that hangs must not keep keys from being fetched.
        let stored = tokio::select! { biased;
            stored = store.load(self.tools.clock.now()) => stored,
            () = self.tools.clock.sleep(self.source.timing.timeout) => Err(StoreError::Hangs),
        };
        let stored = match stored {
            Ok(Some(stored)) => stored,
            Ok(None) => return,
            Err(error) => return report::not_restored(origin, store.file(), &error.to_string()),
        };
        let age = stored.age;
        match self
            .tools
            .cache
            .restore(&self.source, stored.documents)
            .await
        {
            Ok(keys) => report::restored(origin, age, self.take(keys, age)),
            Err(error) => report::not_restored(origin, store.file(), &error.with_causes()),
        }
    }

    fn take(&self, keys: Arc<KeySet>, age: Duration) -> bool {
        let now = self.now();
        let mut state = self.state();
        let usable = state.life.restore(age, now);
        if usable {
            state.keys = Some(keys);
            Self::publish(&mut state, now);
        }
        usable
    }

    /// Fetches once, bounded in time. Keys that are in use may grow too old meanwhile.
    async fn fetch(&self) {
        self.begin();
        let mut fetch = pin!(self.tools.cache.refresh(&self.source));
        let timeout = self.source.timing.timeout;
        let mut late = pin!(self.tools.clock.sleep(timeout));
        let outcome = loop {
            tokio::select! { biased;
                outcome = &mut fetch => break outcome,
                () = &mut late => break Err(FetchError::Timeout(timeout)),
                () = self.state_changes() => self.update_standing(),
            }
        };
        match outcome {
            Ok(refreshed) => self.succeed(refreshed),
            Err(error) => self.fail(&error),
        }
    }

    fn begin(&self) {
        let now = self.now();
        let mut state = self.state();
        if state.life.begin(now) == Some(Requester::Token) {
            state.record.unknown_key_fetches += 1;
        }
    }

    fn succeed(&self, refreshed: Refreshed) {
        let now = self.now();
        let Refreshed {
            entry,
            changed,
            fresh_for,
        } = refreshed;
        let recovered = {
            let mut state = self.state();
            let random = state.random.f64();
            state.life.succeed(now, fresh_for, changed, random);
            state
                .record
                .count(if changed { "changed" } else { "unchanged" });
            state.keys = Some(entry.keys.clone());
            Self::publish(&mut state, now);
            self.ended.send_modify(|ended| *ended += 1);
            state.record.failure.take().is_some()
        };
        self.save(entry.documents);
        report::fetched(&self.source.origin, &entry.keys, changed, recovered);
    }

    fn fail(&self, error: &FetchError) {
        let now = self.now();
        let text = error.with_causes();
        let retry_in = {
            let mut state = self.state();
            let random = state.random.f64();
            state.life.fail(now, error.retry_after(), random);
            state.record.count(error.outcome());
            state.record.failure = Some((now, text.clone()));
            self.ended.send_modify(|ended| *ended += 1);
            state.life.due().since(now)
        };
        report::failed(&self.source.origin, &text, retry_in);
    }

    /// Publishes again where keys have grown stale, or too old to be used.
    fn update_standing(&self) {
        let now = self.now();
        let (standing, age) = {
            let mut state = self.state();
            let standing = state.life.key_state(now);
            if standing == state.standing {
                return;
            }
            if standing == KeyState::Absent {
                state.life.cap_retry(now);
            }
            let age = state.life.age(now).unwrap_or_default();
            Self::publish(&mut state, now);
            (standing, age)
        };
        report::standing(&self.source.origin, standing, age);
    }

    /// Lets requests see what there is. Under the lock, so that nobody finds keys in the state that requests do not see;
    /// and before anything is logged, which may take time.
    fn publish(state: &mut State, now: Moment) {
        state.standing = state.life.key_state(now);
        if state.standing == KeyState::Absent {
            state.keys = None;
        }
        let keys = state.published();
        for Subscriber { issuers, publish } in &state.subscribers {
            publish(issuers, keys.as_ref());
        }
    }

    /// Waits until the keys in use grow stale or too old by themselves.
    async fn state_changes(&self) {
        let changes = self.state().life.state_changes(self.now());
        match changes {
            Some(moment) => self.tools.clock.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }
}

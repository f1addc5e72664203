//! When a source is fetched, and how long its keys are used. Rules and times only: no I/O, no
//! clock, no task.
//!
//! One fetch at a time. Fetches are due ahead of expiry, and after failures, with exponential
//! back-off. Those are scheduled. Tokens whose key is not there cause fetches too, and so do
//! operators; `budget` bounds these apart from the scheduled ones, so that a scheduled fetch never
//! keeps a new key from being found.

mod budget;

use std::time::Duration;

use crate::clock::Moment;

use super::Timing;

use budget::FetchBudget;

/// First wait after a failed fetch; doubled up to [`MAX_RETRY`] while fetches fail.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// The longest that a server's `Retry-After` is heeded while there are keys to go on with.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct LifeCycle {
    timing: Timing,
    in_use: Option<KeysInUse>,
    in_flight: Option<FetchCause>,
    failures: u32,
    /// When the next scheduled fetch starts.
    next: Moment,
    /// The end of the server's `Retry-After`. No token and no operator makes a fetch start before
    /// it.
    not_before: Moment,
    /// The first request for a fetch that the budget does not permit yet.
    wanted_by: Option<FetchCause>,
    budget: FetchBudget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchCause {
    Schedule,
    /// A token whose key is not there.
    Token,
    Operator,
}

#[derive(Clone, Copy, Debug)]
struct KeysInUse {
    confirmed: Moment,
    /// Their age at that moment: more than nothing for keys from the state directory.
    age: Duration,
    fresh_until: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// None that may be used.
    Absent,
    /// Within the time that the server or the configuration gives them.
    Fresh,
    /// Older, but not than `max_stale`.
    Stale,
}

/// The fetch that a request with a missing key waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// Waits for the fetch that is under way, which may have read the keys before this one was
    /// published.
    CurrentFetch,
    /// Waits for a fetch that starts now, or within the request's time.
    NextFetch,
    /// Takes the answer that it has.
    Nothing,
}

/// When a fetch starts that an operator requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStart {
    Started,
    UnderWay,
    /// The budget or the server's `Retry-After` does not permit it yet: it starts by itself in this
    /// time, or earlier.
    Scheduled(Duration),
}

impl LifeCycle {
    /// A source that was never fetched; its first fetch is due at once.
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            in_use: None,
            in_flight: None,
            failures: 0,
            next: Moment::default(),
            not_before: Moment::default(),
            wanted_by: None,
            budget: FetchBudget::default(),
        }
    }

    /// Takes keys into use that an earlier process confirmed this long ago. Returns false if they
    /// are too old.
    pub(super) fn restore(&mut self, age: Duration, now: Moment) -> bool {
        let usable = age < self.timing.max_stale;
        if usable {
            self.in_use = Some(KeysInUse {
                confirmed: now,
                age,
                fresh_until: now,
            });
        }
        usable
    }

    pub(super) fn key_state(&self, now: Moment) -> KeyState {
        match self.in_use {
            Some(in_use) if now < in_use.fresh_until => KeyState::Fresh,
            Some(in_use) if now < self.unusable_from(in_use) => KeyState::Stale,
            _ => KeyState::Absent,
        }
    }

    /// The time since the keys in use were confirmed.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        let in_use = self.in_use?;
        Some(in_use.age + now.since(in_use.confirmed))
    }

    /// When the keys become stale or too old by themselves, if they do.
    pub(super) fn state_changes(&self, now: Moment) -> Option<Moment> {
        let in_use = self.in_use?;
        let changes = [in_use.fresh_until, self.unusable_from(in_use)];
        changes.into_iter().find(|change| now < *change)
    }

    /// When the next fetch starts.
    pub(super) fn due(&self) -> Moment {
        match self.wanted_by {
            Some(_) => {
                let permits_from = self.budget.permits_from(self.timing.cooldown);
                self.next.min(permits_from.max(self.not_before))
            }
            None => self.next,
        }
    }

    /// In how long the next fetch starts; zero while one is under way.
    pub(super) fn next_fetch(&self, now: Moment) -> Duration {
        match self.in_flight {
            Some(_) => Duration::ZERO,
            None => self.due().since(now),
        }
    }

    /// Notes that a fetch starts. A scheduled fetch serves all requests as well.
    pub(super) fn begin(&mut self, now: Moment) -> FetchCause {
        let requested = self.wanted_by.take().filter(|_| now < self.next);
        if requested.is_some() {
            self.budget.spend(now);
        }
        let cause = requested.unwrap_or(FetchCause::Schedule);
        self.in_flight = Some(cause);
        cause
    }

    /// Notes that the fetch that is under way will never end. Returns false if there is none.
    pub(super) fn abandon(&mut self, now: Moment) -> bool {
        let abandoned = self.in_flight.is_some();
        if abandoned {
            self.fail(now, None, 1.0);
        }
        abandoned
    }

    /// Notes that a fetch brought keys, which are fresh for as long as the server says, within
    /// bounds. `random` is from 0 to 1: the next fetch comes after 80 % to 95 % of that, so that
    /// servers that started together drift apart.
    pub(super) fn succeed(
        &mut self,
        now: Moment,
        fresh_for: Option<Duration>,
        changed: bool,
        random: f64,
    ) {
        let timing = &self.timing;
        let fresh_for = fresh_for.map_or(timing.cache_duration, |span| {
            span.min(timing.max_cache_duration)
                .max(timing.min_cache_duration)
        });
        self.in_use = Some(KeysInUse {
            confirmed: now,
            age: Duration::ZERO,
            fresh_until: now + fresh_for,
        });
        self.next = now + fresh_for.mul_f64(0.80 + 0.15 * random);
        let cause = self.in_flight.take();
        self.failures = 0;
        if changed && cause != Some(FetchCause::Schedule) {
            self.budget.note_change();
        }
    }

    /// Notes that a fetch failed. Keys that are in use stay in use. `random` is from 0 to 1: the
    /// next try comes after one half to the whole of the back-off, and not before the server wants
    /// it.
    pub(super) fn fail(&mut self, now: Moment, retry_after: Option<Duration>, random: f64) {
        let doublings = self.failures.min(16);
        let backoff = MIN_RETRY.saturating_mul(1 << doublings).min(MAX_RETRY);
        let patience = match self.key_state(now) {
            KeyState::Absent => MAX_RETRY,
            KeyState::Fresh | KeyState::Stale => MAX_RETRY_AFTER,
        };
        let retry_after = retry_after.unwrap_or_default().min(patience);
        let delay = backoff.mul_f64(0.5 + 0.5 * random).max(retry_after);
        self.next = now + delay;
        self.not_before = self.not_before.max(now + retry_after);
        self.in_flight = None;
        self.failures = self.failures.saturating_add(1);
    }

    /// A token needs a key that is not there, and its request can wait until a moment. A fetch is
    /// wanted for it, if none is under way.
    pub(super) fn request_fetch(&mut self, now: Moment, until: Moment) -> WaitFor {
        if self.in_flight.is_none() {
            self.wanted_by = Some(FetchCause::Token);
        }
        self.wait_for_fetch(now, until)
    }

    /// A token needs a key, and there are none at all. Fetches go on as they would anyway.
    pub(super) fn wait_for_fetch(&self, now: Moment, until: Moment) -> WaitFor {
        match self.in_flight {
            _ if until <= now => WaitFor::Nothing,
            Some(_) => WaitFor::CurrentFetch,
            None if self.due() < until => WaitFor::NextFetch,
            None => WaitFor::Nothing,
        }
    }

    /// An operator requests a fetch. It counts in the budget of tokens.
    pub(super) fn fetch_for_operator(&mut self, now: Moment) -> FetchStart {
        if self.in_flight.is_some() {
            return FetchStart::UnderWay;
        }
        self.wanted_by.get_or_insert(FetchCause::Operator);
        let due = self.due();
        if due <= now {
            FetchStart::Started
        } else {
            FetchStart::Scheduled(due.since(now))
        }
    }

    /// The moment from which the keys in use are too old.
    pub(super) fn usable_until(&self) -> Moment {
        let until = self.in_use.map(|in_use| self.unusable_from(in_use));
        until.unwrap_or_default()
    }

    /// The keys in use have become too old: patience with the server ends.
    pub(super) fn cap_retry(&mut self, now: Moment) {
        self.next = self.next.min(now + MAX_RETRY);
    }

    fn unusable_from(&self, in_use: KeysInUse) -> Moment {
        in_use.confirmed + self.timing.max_stale.saturating_sub(in_use.age)
    }
}

#[cfg(test)]
mod tests;

//! When a source is fetched, and how long its keys are used. Rules and times only: no I/O, no clock, no task.
//!
//! One fetch at a time. Fetches are due ahead of expiry, and after failures, with exponential back-off. Those are
//! scheduled. Tokens whose key is not there cause fetches too, and so do operators; `budget` bounds these apart from the
//! scheduled ones, so that a scheduled fetch never keeps a new key from being found.

mod budget;

use std::time::Duration;

use crate::clock::Moment;

use super::Timing;

use budget::Budget;

/// First wait after a failed fetch; doubled up to [`MAX_RETRY`] while fetches fail.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// The longest that a server's `Retry-After` is heeded while there are keys to go on with.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The life of one source's keys.
#[derive(Debug)]
pub(super) struct LifeCycle {
    timing: Timing,
    held: Option<Held>,
    in_flight: Option<Cause>,
    failures: u32,
    /// When the next scheduled fetch starts.
    next: Moment,
    /// The end of the server's `Retry-After`. No token and no operator makes a fetch start before it.
    not_before: Moment,
    /// Who wants a fetch as soon as the budget permits one.
    wanted_by: Option<Asker>,
    budget: Budget,
}

/// Why a fetch was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Schedule,
    Asker,
}

/// Who wants a fetch that is not scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A token whose key is not there.
    Token,
    /// An operator.
    Operator,
}

/// Keys that are in use.
#[derive(Clone, Copy, Debug)]
struct Held {
    confirmed: Moment,
    /// How old they were then: more than nothing for keys from the state directory.
    age: Duration,
    fresh_until: Moment,
}

/// What keys there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// None that may be used.
    Absent,
    /// Within the time that the server or the configuration gives them.
    Fresh,
    /// Older, but not than `max_stale`.
    Stale,
}

/// What a request does that needs a key which is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// Waits for the fetch that is under way, which may have read the keys before this one was published.
    WaitForCurrent,
    /// Waits for a fetch that starts now, or within the request's time.
    WaitForNext,
    /// Takes the answer that it has.
    Refuse,
}

/// What became of an operator's request for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It starts now.
    Started,
    /// One is under way.
    UnderWay,
    /// The budget or the server's `Retry-After` does not permit it yet: it starts by itself in this time, or earlier.
    Scheduled(Duration),
}

impl LifeCycle {
    /// A source that was never fetched; its first fetch is due at once.
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            held: None,
            in_flight: None,
            failures: 0,
            next: Moment::default(),
            not_before: Moment::default(),
            wanted_by: None,
            budget: Budget::default(),
        }
    }

    /// Takes keys into use that were confirmed this long ago, by an earlier process. Whether they may be.
    pub(super) fn restore(&mut self, age: Duration, now: Moment) -> bool {
        let usable = age < self.timing.max_stale;
        if usable {
            self.held = Some(Held {
                confirmed: now,
                age,
                fresh_until: now,
            });
        }
        usable
    }

    /// What keys there are.
    pub(super) fn standing(&self, now: Moment) -> Standing {
        match self.held {
            Some(held) if now < held.fresh_until => Standing::Fresh,
            Some(held) if now < self.unusable_from(held) => Standing::Stale,
            _ => Standing::Absent,
        }
    }

    /// How long ago the keys in use were confirmed.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        self.held.map(|held| held.age + now.since(held.confirmed))
    }

    /// When the standing changes by itself, if it does.
    pub(super) fn standing_changes(&self, now: Moment) -> Option<Moment> {
        let held = self.held?;
        let changes = [held.fresh_until, self.unusable_from(held)];
        changes.into_iter().find(|change| now < *change)
    }

    /// When the next fetch starts.
    pub(super) fn due(&self) -> Moment {
        match self.wanted_by {
            Some(_) => self.next.min(self.permits_from()),
            None => self.next,
        }
    }

    /// The moment from which tokens and operators may cause a fetch.
    fn permits_from(&self) -> Moment {
        let permits_from = self.budget.permits_from(self.timing.cooldown);
        permits_from.max(self.not_before)
    }

    /// In how long the next fetch starts; zero while one is under way.
    pub(super) fn next_fetch(&self, now: Moment) -> Duration {
        match self.in_flight {
            Some(_) => Duration::ZERO,
            None => self.due().since(now),
        }
    }

    /// Notes that a fetch starts. Returns who caused it; `None` for a scheduled fetch, which serves all who ask as well.
    pub(super) fn begin(&mut self, now: Moment) -> Option<Asker> {
        let asker = self.wanted_by.take().filter(|_| now < self.next);
        if asker.is_some() {
            self.budget.spend(now);
        }
        self.in_flight = Some(asker.map_or(Cause::Schedule, |_| Cause::Asker));
        asker
    }

    /// Notes that a fetch, if one was under way, will never end.
    pub(super) fn abandon(&mut self, now: Moment) {
        if self.in_flight.is_some() {
            self.fail(now, None, 1.0);
        }
    }

    /// Notes that a fetch brought keys, which are fresh for as long as the server says, within bounds. `random` is from
    /// 0 to 1: the next fetch comes after 80 % to 95 % of that, so that servers that started together drift apart.
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
        self.held = Some(Held {
            confirmed: now,
            age: Duration::ZERO,
            fresh_until: now + fresh_for,
        });
        self.next = now + fresh_for.mul_f64(0.80 + 0.15 * random);
        let cause = self.in_flight.take();
        self.failures = 0;
        if changed && cause == Some(Cause::Asker) {
            self.budget.note_change();
        }
    }

    /// Notes that a fetch failed. Keys that are in use stay in use. `random` is from 0 to 1: the next try comes after
    /// one half to the whole of the back-off, and not before the server wants it.
    pub(super) fn fail(&mut self, now: Moment, retry_after: Option<Duration>, random: f64) {
        let doublings = self.failures.min(16);
        let backoff = MIN_RETRY.saturating_mul(1 << doublings).min(MAX_RETRY);
        let patience = match self.standing(now) {
            Standing::Absent => MAX_RETRY,
            Standing::Fresh | Standing::Stale => MAX_RETRY_AFTER,
        };
        let retry_after = retry_after.unwrap_or_default().min(patience);
        let delay = backoff.mul_f64(0.5 + 0.5 * random).max(retry_after);
        self.next = now + delay;
        self.not_before = self.not_before.max(now + retry_after);
        self.in_flight = None;
        self.failures = self.failures.saturating_add(1);
    }

    /// A token needs a key that is not there, and its request can wait until a moment. A fetch is wanted for it, if none
    /// is under way.
    pub(super) fn seek(&mut self, now: Moment, until: Moment) -> Seek {
        if self.in_flight.is_none() {
            self.wanted_by = Some(Asker::Token);
        }
        self.seek_any(now, until)
    }

    /// A token needs a key, and there are none at all. Fetches go on as they would anyway.
    pub(super) fn seek_any(&self, now: Moment, until: Moment) -> Seek {
        match self.in_flight {
            _ if until <= now => Seek::Refuse,
            Some(_) => Seek::WaitForCurrent,
            None if self.due() < until => Seek::WaitForNext,
            None => Seek::Refuse,
        }
    }

    /// An operator wants a fetch. It counts in the budget of tokens.
    pub(super) fn request(&mut self, now: Moment) -> Refresh {
        if self.in_flight.is_some() {
            return Refresh::UnderWay;
        }
        self.wanted_by.get_or_insert(Asker::Operator);
        let due = self.due();
        if due <= now {
            Refresh::Started
        } else {
            Refresh::Scheduled(due.since(now))
        }
    }

    /// The moment from which the keys in use are too old.
    pub(super) fn usable_until(&self) -> Moment {
        self.held
            .map_or(Moment::default(), |held| self.unusable_from(held))
    }

    /// The keys in use have become too old: patience with the server ends.
    pub(super) fn hurry(&mut self, now: Moment) {
        self.next = self.next.min(now + MAX_RETRY);
    }

    fn unusable_from(&self, held: Held) -> Moment {
        held.confirmed + self.timing.max_stale.saturating_sub(held.age)
    }
}

#[cfg(test)]
mod tests;

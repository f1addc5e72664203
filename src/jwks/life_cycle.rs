//! When a source is fetched, and how long its keys are used. Rules and times only: no I/O, no clock, no task.
//!
//! One fetch at a time. Fetches are due ahead of expiry; after failures, with exponential back-off; and when tokens
//! ask for keys that are not there, but then not before the cool-down has passed since the last fetch of any kind.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Moment;

use super::Timing;

/// First wait after a failed fetch; doubled up to [`MAX_RETRY`] while fetches fail.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// The longest that a server's `Retry-After` is heeded while there are keys to go on with.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Most absent keys that are remembered.
const MAX_ABSENT: usize = 1024;

/// The life of one source's keys.
#[derive(Debug)]
pub(super) struct LifeCycle {
    timing: Timing,
    held: Option<Held>,
    in_flight: bool,
    failures: u32,
    /// When the next fetch is due by itself.
    next: Moment,
    /// No token and no operator makes a fetch start before this.
    not_before: Moment,
    /// A fetch is wanted as soon as it may start.
    wanted: bool,
    absent: Absent,
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
    /// Waits for the fetch that is under way or due now.
    Wait,
    /// Takes the answer that it has.
    Refuse,
}

/// What became of an operator's wish for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It starts now.
    Started,
    /// One is under way.
    UnderWay,
    /// The cool-down has this long to go.
    CoolingDown(Duration),
}

impl LifeCycle {
    /// A source that was never fetched; its first fetch is due at once.
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            held: None,
            in_flight: false,
            failures: 0,
            next: Moment::default(),
            not_before: Moment::default(),
            wanted: false,
            absent: Absent::default(),
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
        if self.wanted {
            self.next.min(self.not_before)
        } else {
            self.next
        }
    }

    /// In how long the next fetch starts; zero while one is under way.
    pub(super) fn next_fetch(&self, now: Moment) -> Duration {
        if self.in_flight {
            Duration::ZERO
        } else {
            self.due().since(now)
        }
    }

    /// Notes that a fetch starts. Whether it does only because a token needs it.
    pub(super) fn begin(&mut self, now: Moment) -> bool {
        let sought = self.wanted && now < self.next;
        self.in_flight = true;
        self.wanted = false;
        self.not_before = now + self.timing.cooldown;
        sought
    }

    /// Notes that a fetch, if one was under way, will never end.
    pub(super) fn abandon(&mut self, now: Moment) {
        if self.in_flight {
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
        self.in_flight = false;
        self.failures = 0;
        if changed {
            self.absent.clear();
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
        self.in_flight = false;
        self.failures = self.failures.saturating_add(1);
    }

    /// A token needs a key that is not there, under this digest of its `kid`. A fetch is wanted for it, unless the last
    /// one showed that the source does not have it.
    pub(super) fn seek(&mut self, kid: u64, now: Moment) -> Seek {
        if self.absent.contains(kid, now) {
            return Seek::Refuse;
        }
        if !self.in_flight {
            self.wanted = true;
        }
        self.seek_any(now)
    }

    /// A token needs a key, and there are none at all. Fetches go on as they would anyway.
    pub(super) fn seek_any(&self, now: Moment) -> Seek {
        if self.in_flight || self.due() <= now {
            Seek::Wait
        } else {
            Seek::Refuse
        }
    }

    /// A fetch did not bring this key. It is not looked for again for a cool-down, or until other keys come.
    pub(super) fn note_absent(&mut self, kid: u64, now: Moment) {
        self.absent.insert(kid, now, self.timing.cooldown);
    }

    /// An operator wants a fetch.
    pub(super) fn request(&mut self, now: Moment) -> Refresh {
        if self.in_flight {
            return Refresh::UnderWay;
        }
        if now < self.not_before {
            return Refresh::CoolingDown(self.not_before.since(now));
        }
        self.next = now;
        Refresh::Started
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

/// Keys that a fetch did not bring, by digest, each until it may be looked for again.
#[derive(Debug, Default)]
struct Absent(HashMap<u64, Moment>);

impl Absent {
    fn contains(&self, kid: u64, now: Moment) -> bool {
        self.0.get(&kid).is_some_and(|until| now < *until)
    }

    fn insert(&mut self, kid: u64, now: Moment, span: Duration) {
        if self.0.len() >= MAX_ABSENT {
            self.0.retain(|_, until| now < *until);
        }
        // Full of strangers' inventions: forgetting them all costs each one wait more, and no fetch
        // beyond the one a cool-down.
        if self.0.len() >= MAX_ABSENT {
            self.0.clear();
        }
        self.0.insert(kid, now + span);
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests;

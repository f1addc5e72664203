//! The connections of a listener, and which of them makes room for the next.
//!
//! A newcomer always comes in: it may be the one that matters. The least used connection is evicted:
//! one on which no call was ever answered, else the one that has been idle longest, and last one that
//! waits for an answer. While one address has more than half of all, it is one of its own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tokio::task::{AbortHandle, Id};

use super::connection::{Connection, LastUse};

/// A connection is not evicted before this age, so that it can make its first call.
const MIN_AGE: Duration = Duration::from_millis(50);
/// With young connections, there may be this many times the most, for as long as they are young. Until
/// their first call, they cost a third of what is counted for a connection.
const NEWCOMER_FACTOR: usize = 6;
/// One connection in this many may be ending beside the others. The spare half of the memory limit
/// covers them.
const CLOSING_DIVISOR: usize = 2;

/// The connections that are open or being opened.
#[derive(Debug)]
pub(super) struct ConnectionTable {
    most: usize,
    entries: HashMap<Id, TableEntry>,
    /// Those that were told to go and are still there, the first first.
    closing: VecDeque<AbortHandle>,
}

#[derive(Debug)]
struct TableEntry {
    connection: Connection,
    task: AbortHandle,
}

impl ConnectionTable {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            entries: HashMap::new(),
            closing: VecDeque::new(),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn add(&mut self, connection: Connection, task: AbortHandle) {
        self.entries
            .insert(task.id(), TableEntry { connection, task });
    }

    pub(super) fn remove(&mut self, ended: Id) {
        self.entries.remove(&ended);
    }

    /// How long until the next may come in. Only a storm of newcomers has to wait, in the system's
    /// backlog, and never longer than one of them is young.
    pub(super) fn pause(&self, now: Duration) -> Duration {
        if self.entries.len() < self.most * NEWCOMER_FACTOR {
            return Duration::ZERO;
        }
        match self.least_used() {
            Some((_, LastUse::NeverAnswered(opened))) => {
                MIN_AGE.saturating_sub(now.saturating_sub(opened))
            }
            _ => Duration::ZERO,
        }
    }

    /// Makes room for one more, if connections are there that had their time. Whether any was evicted.
    pub(super) fn make_room(&mut self, now: Duration) -> bool {
        let mut evicted = false;
        while self.entries.len() >= self.most {
            let Some((id, last)) = self.least_used() else {
                break;
            };
            let is_young = match last {
                LastUse::NeverAnswered(opened) => now.saturating_sub(opened) < MIN_AGE,
                LastUse::Answered(_) | LastUse::Answering(_) => false,
            };
            if is_young && self.entries.len() < self.most * NEWCOMER_FACTOR {
                break;
            }
            self.evict(id);
            evicted = true;
        }
        evicted
    }

    /// Its calls in flight are answered, unless very many connections are ending.
    fn evict(&mut self, id: Id) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        if entry.connection.is_open() {
            entry.connection.close_gracefully();
            self.closing.retain(|task| !task.is_finished());
            self.closing.push_back(entry.task);
            if self.closing.len() > self.most / CLOSING_DIVISOR
                && let Some(oldest) = self.closing.pop_front()
            {
                oldest.abort();
            }
        } else {
            entry.task.abort();
        }
    }

    fn least_used(&self) -> Option<(Id, LastUse)> {
        let greedy = self.majority_address();
        let entries = self.entries.iter();
        let asked =
            entries.filter(|(_, entry)| greedy.is_none() || entry.connection.remote_ip() == greedy);
        let uses = asked.map(|(id, entry)| (*id, entry.connection.last_use()));
        uses.min_by_key(|(_, last)| *last)
    }

    /// The address that has more than half of all connections, if there is one.
    fn majority_address(&self) -> Option<IpAddr> {
        // Of a majority, pairing each with one of another leaves some over (Boyer and Moore).
        let (mut candidate, mut surplus) = (None, 0_usize);
        let peers = || {
            self.entries
                .values()
                .filter_map(|entry| entry.connection.remote_ip())
        };
        for peer in peers() {
            if surplus == 0 {
                (candidate, surplus) = (Some(peer), 1);
            } else if candidate == Some(peer) {
                surplus += 1;
            } else {
                surplus -= 1;
            }
        }
        let count = peers().filter(|peer| candidate == Some(*peer)).count();
        candidate.filter(|_| count > self.entries.len() / 2)
    }
}

#[cfg(test)]
mod tests;

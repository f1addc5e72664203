//! The connections of a listener, and the choice of the one that is evicted for the next.
//!
//! A new connection is always accepted: it may be the one that matters. The least used one is
//! evicted: one on which no call was ever answered, else the one that has been idle longest, and
//! last one that waits for an answer. While one address has more than half of all connections, the
//! evicted one is of that address.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, Id};

use super::connection::{Connection, LastUse};

/// A connection can make its first call before it is evicted: it has this age then.
const MIN_AGE: Duration = Duration::from_millis(50);
/// There may be this many times the limit of connections, as long as they are too young to evict.
/// Until its first call, one costs a third of the memory that is counted for a connection.
const NEWCOMER_FACTOR: usize = 6;
/// Besides the limit, one connection in this many may be closing. The spare half of the memory
/// limit covers them.
const CLOSING_DIVISOR: usize = 2;

#[derive(Debug)]
pub(super) struct ConnectionTable {
    pub(super) max_connections: usize,
    entries: HashMap<Id, TableEntry>,
    /// Evicted connections that are not closed yet, the oldest first.
    closing: VecDeque<AbortHandle>,
}

#[derive(Debug)]
struct TableEntry {
    connection: Arc<Connection>,
    task: AbortHandle,
}

impl ConnectionTable {
    pub(super) fn new(max_connections: usize) -> Self {
        Self {
            max_connections: max_connections.max(1),
            entries: HashMap::new(),
            closing: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, connection: Arc<Connection>, task: AbortHandle) {
        self.entries
            .insert(task.id(), TableEntry { connection, task });
    }

    pub(super) fn remove(&mut self, ended: Id) {
        self.entries.remove(&ended);
    }

    /// The wait before the next connection is accepted. Only a storm of connections has to wait, in
    /// the system's backlog, and never longer than [`MIN_AGE`].
    pub(super) fn pause(&self, now: Duration) -> Duration {
        if self.entries.len() < self.max_connections * NEWCOMER_FACTOR {
            return Duration::ZERO;
        }
        match self.least_used() {
            Some((_, LastUse::NeverAnswered(opened))) => {
                MIN_AGE.saturating_sub(now.saturating_sub(opened))
            }
            _ => Duration::ZERO,
        }
    }

    /// Evicts connections until there is room for one more, or all are too young. Returns true if
    /// any was evicted.
    pub(super) fn make_room(&mut self, now: Duration) -> bool {
        let mut evicted = false;
        while self.entries.len() >= self.max_connections {
            let Some((id, last)) = self.least_used() else {
                break;
            };
            let is_young = matches!(last, LastUse::NeverAnswered(opened)
                if now.saturating_sub(opened) < MIN_AGE);
            if is_young && self.entries.len() < self.max_connections * NEWCOMER_FACTOR {
                break;
            }
            self.evict(id);
            evicted = true;
        }
        evicted
    }

    /// Evicts a connection. Its calls in flight are answered, unless very many are closing.
    fn evict(&mut self, id: Id) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        if entry.connection.is_open() {
            entry.connection.graceful_close.notify_one();
            self.closing.retain(|task| !task.is_finished());
            self.closing.push_back(entry.task);
            if self.closing.len() > self.max_connections / CLOSING_DIVISOR
                && let Some(oldest) = self.closing.pop_front()
            {
                oldest.abort();
            }
        } else {
            entry.task.abort();
        }
    }

    fn least_used(&self) -> Option<(Id, LastUse)> {
        let majority = self.majority_address();
        let entries = self.entries.iter();
        let connections = entries.map(|(id, entry)| (*id, &entry.connection));
        let candidates = connections.filter(|(_, one)| majority.is_none() || ip(one) == majority);
        let uses = candidates.map(|(id, connection)| (id, connection.last_use()));
        uses.min_by_key(|(_, last)| *last)
    }

    /// The address that has more than half of all connections, if there is one.
    fn majority_address(&self) -> Option<IpAddr> {
        // Of a majority, pairing each with one of another leaves some over (Boyer and Moore).
        let (mut candidate, mut surplus) = (None, 0_usize);
        let entries = self.entries.values();
        let addresses = || entries.clone().filter_map(|entry| ip(&entry.connection));
        for address in addresses() {
            if surplus == 0 {
                (candidate, surplus) = (Some(address), 1);
            } else if candidate == Some(address) {
                surplus += 1;
            } else {
                surplus -= 1;
            }
        }
        let of_candidate = addresses().filter(|address| candidate == Some(*address));
        candidate.filter(|_| of_candidate.count() > self.entries.len() / 2)
    }
}

fn ip(connection: &Connection) -> Option<IpAddr> {
    connection.remote.as_ref().map(SocketAddr::ip)
}

#[cfg(test)]
mod tests;

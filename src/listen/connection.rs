//! A connection as its calls see it: what they may hold, and what became of those before them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Stopwatch;
use crate::memory::{Account, Pool};

use super::ConnectionMemory;

/// Places of a connection for calls that are worked on, beside those that it shares.
const OWN_PLACES: usize = 4;
/// Most calls without an end, such as watches of health, on one connection.
const MAX_LASTING: usize = 4;

/// One connection's part of what all calls share. Clones are of the same connection.
#[derive(Clone, Debug)]
pub struct Connection(Arc<ConnectionState>);

#[derive(Debug)]
struct ConnectionState {
    memory: Account,
    refusals: Account,
    lasting: Account,
    places: Account,
    answering: Account,
    remote_ip: Option<IpAddr>,
    /// Runs since the listener began; all times of its connections are counted from there.
    began: Stopwatch,
    opened: Duration,
    /// When a call was last answered, in milliseconds; 0 before the first.
    answered: AtomicU64,
    is_open: AtomicBool,
    leave: Notify,
    cut: Notify,
}

/// When a connection last had an answer. The least recently used sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LastUse {
    /// No call was answered yet; when it was accepted.
    NeverAnswered(Duration),
    /// When a call was last answered.
    Answered(Duration),
    /// A call is being answered now; when the connection was accepted.
    Answering(Duration),
}

impl Connection {
    pub(super) fn new(
        memory: &ConnectionMemory,
        remote_ip: Option<IpAddr>,
        began: Stopwatch,
    ) -> Self {
        Self(Arc::new(ConnectionState {
            memory: memory.calls.account(memory.own),
            refusals: memory.refusals.account(memory.own_refusals),
            lasting: Pool::new(0).account(MAX_LASTING),
            places: memory.places.account(OWN_PLACES),
            answering: Account::unbounded(),
            remote_ip,
            began,
            opened: began.elapsed(),
            answered: AtomicU64::new(0),
            is_open: AtomicBool::new(false),
            leave: Notify::new(),
            cut: Notify::new(),
        }))
    }

    /// What its calls hold.
    #[must_use]
    pub fn memory(&self) -> &Account {
        &self.0.memory
    }

    /// What is held for calls that are refused.
    #[must_use]
    pub fn refusals(&self) -> &Account {
        &self.0.refusals
    }

    /// Places for calls without an end: each draws 1.
    #[must_use]
    pub fn long_lived_calls(&self) -> &Account {
        &self.0.lasting
    }

    /// Places for calls that are worked on: each draws 1.
    #[must_use]
    pub fn permits(&self) -> &Account {
        &self.0.places
    }

    /// Calls that have come whole and are being answered, or wait for a key: each draws 1.
    #[must_use]
    pub fn calls_being_answered(&self) -> &Account {
        &self.0.answering
    }

    /// Ends the connection at once: its client leaves too much untaken to be told anything.
    pub fn close_now(&self) {
        self.0.cut.notify_one();
    }

    pub(super) fn close_gracefully(&self) {
        self.0.leave.notify_one();
    }

    pub(super) async fn close_now_requested(&self) {
        self.0.cut.notified().await;
    }

    pub(super) async fn graceful_close_requested(&self) {
        self.0.leave.notified().await;
    }

    pub(super) fn set_open(&self) {
        self.0.is_open.store(true, Ordering::Relaxed);
    }

    /// Whether its handshake is over.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Relaxed)
    }

    pub(super) fn record_answer(&self) {
        let now = self.0.began.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX).max(1);
        self.0.answered.store(now, Ordering::Relaxed);
    }

    pub(super) fn remote_ip(&self) -> Option<IpAddr> {
        self.0.remote_ip
    }

    pub(super) fn last_use(&self) -> LastUse {
        if self.0.answering.reserved() > 0 {
            return LastUse::Answering(self.0.opened);
        }
        match self.0.answered.load(Ordering::Relaxed) {
            0 => LastUse::NeverAnswered(self.0.opened),
            last => LastUse::Answered(Duration::from_millis(last)),
        }
    }
}

//! A connection as its calls see it: its peer, what its calls may hold, and when it was last used.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Stopwatch;
use crate::memory::{Account, Pool};

use super::{CallCounter, InFlightLimit, ListenerBudget, Peer, Permit};

/// Permits for work on calls that each connection has, beside those that all share.
const OWN_PERMITS: usize = 4;
/// Most long-lived calls, such as watches of health, on one connection.
const MAX_LONG_LIVED: usize = 4;

/// One connection, and its part of what all connections share.
#[derive(Debug)]
pub struct Connection {
    /// The memory that its calls hold.
    pub(crate) memory: Account,
    /// The memory that refused calls hold until their answer is sent.
    pub(crate) refusals: Account,
    permits: Account,
    long_lived_permits: Account,
    /// Counts the calls whose message has arrived and that are not answered.
    pub(crate) answering: CallCounter,
    /// The client's address; `None` on a Unix socket.
    pub(crate) remote: Option<SocketAddr>,
    /// Set when the handshake is over.
    peer: OnceLock<Option<Peer>>,
    /// Runs since the listener began. The times of all its connections count from there.
    listener_began: Stopwatch,
    accepted: Duration,
    /// The last answer, in milliseconds since the listener began; 0 before the first.
    last_answer: AtomicU64,
    pub(super) graceful_close: Notify,
    pub(super) immediate_close: Notify,
}

/// The last use of a connection. The least recently used sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LastUse {
    /// No call was answered yet. Holds when the connection was accepted.
    NeverAnswered(Duration),
    /// Holds when a call was last answered.
    Answered(Duration),
    /// A call is being answered now. Holds when the connection was accepted.
    Answering(Duration),
}

impl Connection {
    pub(super) fn new(
        budget: &ListenerBudget,
        remote: Option<SocketAddr>,
        listener_began: Stopwatch,
    ) -> Self {
        Self {
            memory: budget.calls.account(budget.own),
            refusals: budget.refusals.account(budget.own_refusals),
            permits: budget.in_flight.account(OWN_PERMITS),
            long_lived_permits: Pool::new(0).account(MAX_LONG_LIVED),
            answering: CallCounter::default(),
            remote,
            peer: OnceLock::new(),
            listener_began,
            accepted: listener_began.elapsed(),
            last_answer: AtomicU64::new(0),
            graceful_close: Notify::new(),
            immediate_close: Notify::new(),
        }
    }

    /// Stands in for the connection of a caller within the process, whose memory is not limited.
    pub(crate) fn in_process(in_flight: &InFlightLimit) -> Self {
        let budget = ListenerBudget {
            own: usize::MAX,
            own_refusals: usize::MAX,
            ..ListenerBudget::without_pools(in_flight.clone())
        };
        Self::new(&budget, None, Stopwatch::start())
    }

    pub(crate) fn permit(&self) -> Option<Permit> {
        Permit::of(&self.permits)
    }

    /// Permits a long-lived call; `None` if the connection has too many.
    pub(crate) fn long_lived_permit(&self) -> Option<Permit> {
        Permit::of(&self.long_lived_permits)
    }

    /// The client, if TLS has verified its certificate.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.get()?.as_ref()
    }

    /// Closes the connection at once, without an answer to any of its calls.
    pub(crate) fn close_now(&self) {
        self.immediate_close.notify_one();
    }

    pub(super) fn set_open(&self, peer: Option<Peer>) {
        // It is set once.
        let _ = self.peer.set(peer);
    }

    /// Returns true if the handshake is over.
    pub(super) fn is_open(&self) -> bool {
        self.peer.get().is_some()
    }

    pub(super) fn record_answer(&self) {
        let now = self.listener_began.elapsed().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX).max(1);
        self.last_answer.store(now, Ordering::Relaxed);
    }

    pub(super) fn last_use(&self) -> LastUse {
        if self.answering.get() > 0 {
            return LastUse::Answering(self.accepted);
        }
        match self.last_answer.load(Ordering::Relaxed) {
            0 => LastUse::NeverAnswered(self.accepted),
            last => LastUse::Answered(Duration::from_millis(last)),
        }
    }
}

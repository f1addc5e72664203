//! Listeners: sockets, TLS, and connections from their first byte to their last.
//!
//! Owns what a connection may cost, and who is at its other end. Refuses to know what is called on it.

mod address;
mod connection;
mod connection_counts;
mod connection_table;
mod driver;
mod frame_limits;
mod limited_io;
mod linger;
mod peer;
mod server;
mod tls;
mod unix;

pub use address::{ListenAddress, Listener, SocketAccess};
pub use connection::Connection;
pub use connection_counts::ConnectionCounts;
pub use peer::{Peer, PeerName};
pub use server::{CallKind, OnArrival, Server};
pub use tls::{
    ClientCertificate, Tls, TlsError, TlsFiles, TlsProblem, certificate_expiry, load_tls,
};

use std::time::Duration;

use crate::memory::{MemoryBudget, Pool};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Most memory of a connection without calls, in bytes: buffers of HTTP/2, and its tables.
const CONNECTION: usize = 32 * 1024;
/// The same with TLS, whose buffers come on top.
const TLS_CONNECTION: usize = 64 * 1024;
/// Set aside for the calls of a connection, in bytes: four of ordinary size, and four more that are
/// refused. A worker of Envoy seldom has more at a time.
const OWN: usize = 24 * 1024;
const OWN_REFUSALS: usize = 12 * 1024;

/// What connections may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at a time. For a further one, that of least use is sent away.
    pub max_connections: usize,
    /// Most calls in flight on one connection.
    pub max_concurrent_streams: u32,
    /// Largest metadata of a call, in bytes.
    pub max_header_list_size: u32,
    /// How long a connection may be quiet until it is sent a ping.
    pub keepalive_interval: Duration,
    /// How long a ping may go unanswered.
    pub keepalive_timeout: Duration,
    /// Age at which a connection is told to go, give or take a tenth. Lets proxies spread over new servers, and ends
    /// connections that never say anything.
    pub max_connection_age: Duration,
    /// How long calls in flight have then.
    pub max_connection_age_grace: Duration,
}

/// What the connections of a listener may hold.
#[derive(Clone, Debug)]
pub struct ConnectionMemory {
    /// For all connections by themselves, in bytes.
    pub connections: usize,
    /// For what is held for their calls beyond `own`.
    pub calls: Pool,
    /// Set aside for the calls of each connection, in bytes.
    pub own: usize,
    /// For calls that are refused, beyond `own_refusals`.
    pub refusals: Pool,
    /// Set aside for the refused calls of each connection, in bytes.
    pub own_refusals: usize,
    /// Places for calls that are worked on at a time, beside four for each connection.
    pub places: Pool,
}

impl ConnectionMemory {
    /// What the budget has for connections and their calls, which share these places.
    #[must_use]
    pub fn of(budget: &MemoryBudget, places: Pool) -> Self {
        Self {
            connections: budget.connections,
            calls: budget.calls.clone(),
            own: OWN,
            refusals: budget.refusals.clone(),
            own_refusals: OWN_REFUSALS,
            places,
        }
    }

    /// What a listener has whose connections are few: each its own, and nothing beyond.
    #[must_use]
    pub fn of_few() -> Self {
        Self {
            connections: usize::MAX,
            calls: Pool::new(0),
            own: OWN,
            refusals: Pool::new(0),
            own_refusals: OWN_REFUSALS,
            places: Pool::new(0),
        }
    }

    /// How many connections there is memory for.
    #[must_use]
    pub fn connections(&self, tls: bool) -> usize {
        let base = if tls { TLS_CONNECTION } else { CONNECTION };
        self.connections / (base + self.own + self.own_refusals)
    }
}

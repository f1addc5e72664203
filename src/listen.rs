//! Listeners: sockets, TLS, and connections from their first byte to their last.
//!
//! Owns the limits and the peer of each connection. Does not know the methods that are called.

mod address;
mod connection;
mod connection_counts;
mod connection_table;
mod driver;
mod frame_limits;
mod handler;
mod in_flight;
mod limited_io;
mod linger;
mod peer;
mod server;
mod tls;
mod unix;
mod warning_interval;

pub(crate) use address::ByteStream;
pub use address::{ListenAddress, Listener, SocketAccess};
pub use connection::Connection;
pub use connection_counts::ConnectionCounts;
pub use handler::{BegunCall, CallHandler, CallKind};
pub use in_flight::InFlightLimit;
pub(crate) use in_flight::{CallCounter, CountedCall, Permit};
pub(crate) use peer::{Peer, PeerName};
pub use server::Server;
pub use tls::{ClientCertificate, Tls, TlsFiles, load_tls};
pub(crate) use tls::{LoadedTls, TlsError};
pub(crate) use warning_interval::WarningInterval;

use std::time::Duration;

use crate::memory::{MemoryBudget, Pool};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Most memory of a connection without calls, in bytes: buffers of HTTP/2, and its tables.
const CONNECTION: usize = 32 * 1024;
/// The same with TLS, whose buffers come on top.
const TLS_CONNECTION: usize = 64 * 1024;
/// Reserved for the calls of each connection, in bytes: four of ordinary size, and four more that
/// are refused. A worker of Envoy seldom has more at a time.
const OWN: usize = 24 * 1024;
const OWN_REFUSALS: usize = 12 * 1024;

/// The limits of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at a time. The least used one makes room for a further one.
    pub max_connections: usize,
    /// Most calls in flight on one connection.
    pub max_concurrent_streams: u32,
    /// Largest metadata of a call, in bytes.
    pub max_header_list_size: u32,
    /// The time without traffic after which a connection is sent a ping.
    pub keepalive_interval: Duration,
    /// The time within which a ping must be answered.
    pub keepalive_timeout: Duration,
    /// The age at which a connection is told to close, give or take a tenth. Lets proxies spread
    /// over new servers, and ends connections that never say anything.
    pub max_connection_age: Duration,
    /// The time that calls in flight have then.
    pub max_connection_age_grace: Duration,
}

/// The memory and calls that the connections of a listener may hold together.
#[derive(Clone, Debug)]
pub struct ListenerBudget {
    /// Memory of the connections themselves, in bytes.
    pub connections: usize,
    /// Memory of their calls beyond `own`.
    pub calls: Pool,
    /// Memory that is reserved for the calls of each connection, in bytes.
    pub own: usize,
    /// Memory of refused calls beyond `own_refusals`.
    pub refusals: Pool,
    /// Memory that is reserved for the refused calls of each connection, in bytes.
    pub own_refusals: usize,
    /// The limit of calls that are worked on at a time.
    pub in_flight: InFlightLimit,
}

impl ListenerBudget {
    /// The parts of the memory budget that are for connections and their calls.
    #[must_use]
    pub fn of(budget: &MemoryBudget, in_flight: InFlightLimit) -> Self {
        Self {
            connections: budget.connections,
            calls: budget.calls.clone(),
            refusals: budget.refusals.clone(),
            ..Self::without_pools(in_flight)
        }
    }

    /// The budget of a listener with few connections: that which is reserved for each.
    pub(crate) fn without_pools(in_flight: InFlightLimit) -> Self {
        Self {
            connections: usize::MAX,
            calls: Pool::new(0),
            own: OWN,
            refusals: Pool::new(0),
            own_refusals: OWN_REFUSALS,
            in_flight,
        }
    }

    /// The number of connections that there is memory for.
    #[must_use]
    pub fn max_connections(&self, tls: bool) -> usize {
        let base = if tls { TLS_CONNECTION } else { CONNECTION };
        self.connections / (base + self.own + self.own_refusals)
    }
}

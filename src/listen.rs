//! Listeners: sockets, TLS, and connections from their first byte to their last.
//!
//! Owns what a connection may cost, and who is at its other end. Refuses to know what is called on it.

mod address;
mod connection;
mod counts;
mod linger;
mod peer;
mod server;
mod tls;
mod unix;

pub use address::{ListenAddress, Listener, SocketAccess};
pub use counts::Counts;
pub use peer::{Peer, PeerName};
pub use server::{OnArrival, Server};
pub use tls::{
    ClientCertificate, Tls, TlsError, TlsFiles, TlsProblem, certificate_expiry, load_tls,
};

use std::time::Duration;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What becomes of a connection for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is closed at once: those that work go on.
    TurnAway,
    /// It takes the place of the oldest: nobody who asks once and goes is kept out by those who stay.
    CutOldest,
}

/// What connections may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at a time.
    pub max_connections: usize,
    /// What becomes of a further one.
    pub when_full: WhenFull,
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

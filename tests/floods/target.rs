//! The target of a flood: a listener of a server, the way to it, and the bytes that were sent.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use watchword_test_support::pki;

/// Longest time for a connection to be made.
const PATIENCE: Duration = Duration::from_secs(5);

/// About the most bytes that a flood sends.
const MOST: u64 = 1024 * 1024 * 1024;

/// A listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Grpc,
    /// gRPC over TLS.
    Tls,
    /// gRPC over a Unix socket.
    Unix,
    Health,
}

/// The addresses of a server. All ports but one lead to the same gRPC listener.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) grpc: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) socket: PathBuf,
    /// The way to the gRPC listener.
    pub(crate) main: Port,
}

/// A byte stream to the server.
pub(crate) type Wire = Box<dyn Io>;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Addresses {
    /// A new connection.
    pub(crate) async fn dial(&self, port: Port) -> io::Result<Wire> {
        let dialled = async {
            Ok(match port {
                Port::Unix => Box::new(UnixStream::connect(&self.socket).await?) as Wire,
                Port::Grpc => Box::new(tcp(self.grpc).await?),
                Port::Health => Box::new(tcp(self.health).await?),
                Port::Tls => Box::new(self.dial_tls().await?),
            })
        };
        timeout(PATIENCE, dialled).await?
    }

    async fn dial_tls(&self) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        connector().connect(name, tcp(self.grpc).await?).await
    }
}

pub(crate) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn connector() -> TlsConnector {
    let mut config = pki::client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// The listener under attack. Clones count together.
#[derive(Clone)]
pub(crate) struct Target(Arc<Inner>);

struct Inner {
    addresses: Addresses,
    port: Port,
    /// The part of a flood that is sent, in percent.
    share: usize,
    until: Instant,
    bytes: AtomicU64,
    connections: AtomicU64,
    failed: AtomicU64,
}

/// The cost of a flood for its sender.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) bytes: u64,
    pub(crate) connections: u64,
    /// Those of them that could not be made, or that the server ended.
    pub(crate) failed: u64,
}

impl Target {
    pub(crate) fn new(addresses: &Addresses, port: Port, share: usize, time: Duration) -> Self {
        Self(Arc::new(Inner {
            addresses: addresses.clone(),
            port,
            share,
            until: Instant::now() + time,
            bytes: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }))
    }

    pub(crate) async fn dial(&self) -> io::Result<Wire> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        self.0.addresses.dial(self.0.port).await
    }

    /// A connection without TLS, also to a listener that expects it.
    pub(crate) async fn dial_plain(&self) -> io::Result<TcpStream> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        let address = match self.0.port {
            Port::Health => self.0.addresses.health,
            Port::Grpc | Port::Tls | Port::Unix => self.0.addresses.grpc,
        };
        tcp(address).await.inspect_err(|_| self.note_failed())
    }

    /// A connection whose handshake is done, with the TCP connection below it.
    pub(crate) async fn dial_tls(&self) -> io::Result<TlsStream<TcpStream>> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        let dialled = timeout(PATIENCE, self.0.addresses.dial_tls()).await;
        let dialled = dialled.unwrap_or_else(|late| Err(late.into()));
        dialled.inspect_err(|_| self.note_failed())
    }

    pub(crate) async fn dial_admin(&self) -> io::Result<TcpStream> {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        let dialled = tcp(self.0.addresses.admin).await;
        dialled.inspect_err(|_| self.note_failed())
    }

    /// The share of a number that is sent, and 1 at least.
    pub(crate) fn share(&self, number: usize) -> usize {
        (number * self.0.share / 100).max(1)
    }

    /// Returns true if the time for this flood is over, or it has sent enough.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0.until || self.0.bytes.load(Ordering::Relaxed) > MOST
    }

    pub(crate) fn note_sent(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) -> Sent {
        Sent {
            bytes: self.0.bytes.load(Ordering::Relaxed),
            connections: self.0.connections.load(Ordering::Relaxed),
            failed: self.0.failed.load(Ordering::Relaxed),
        }
    }
}

/// The connections that a flood leaves open until this is dropped.
#[derive(Default)]
#[expect(dead_code, reason = "kept for its end only")]
pub(crate) struct Held(Option<Box<dyn Any + Send>>);

impl Held {
    pub(crate) fn new(held: impl Any + Send) -> Self {
        Self(Some(Box::new(held)))
    }
}

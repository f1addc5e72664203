//! The addresses that a server listens on: TCP or a Unix socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::unix::UnixSocket;

/// An address that a server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The address and port; `None` for a Unix socket.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The permissions of a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketAccess {
    /// The file's permissions.
    pub mode: u32,
    /// The number of its group; `None` for that of the process.
    pub group: Option<u32>,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: ListeningSocket,
    address: ListenAddress,
}

#[derive(Debug)]
enum ListeningSocket {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

impl Listener {
    /// Listens. A Unix socket gets its permissions before anybody can connect to it.
    ///
    /// # Errors
    /// Those of the system; also if another process listens on that Unix socket, or its path is
    /// another kind of file.
    pub async fn bind(address: &ListenAddress, access: SocketAccess) -> io::Result<Self> {
        Ok(match address {
            ListenAddress::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                Self {
                    address: ListenAddress::Tcp(listener.local_addr()?),
                    socket: ListeningSocket::Tcp(listener),
                }
            }
            ListenAddress::Unix(path) => Self {
                socket: ListeningSocket::Unix(UnixSocket::bind(path, access).await?),
                address: address.clone(),
            },
        })
    }

    /// The address that it listens on, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<AcceptedStream> {
        match &self.socket {
            ListeningSocket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Fails on a connection that is gone already.
                let _ = stream.set_nodelay(true);
                Ok(AcceptedStream::Tcp(stream))
            }
            ListeningSocket::Unix(socket) => Ok(AcceptedStream::Unix(socket.accept().await?)),
        }
    }
}

/// A connection of which no byte has been read.
pub(crate) enum AcceptedStream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl AcceptedStream {
    /// The client's address; `None` on a Unix socket.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Waits for the first byte, which stays unread. `None` if the connection ends before it, and
    /// at once on a Unix socket: it has no strangers, and no way to look at a byte without reading
    /// it.
    pub(super) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        match self {
            Self::Tcp(stream) => {
                let peeked = stream.peek(&mut byte).await?;
                Ok(byte.first().filter(|_| peeked > 0).copied())
            }
            Self::Unix(_) => Ok(None),
        }
    }

    pub(crate) fn boxed(self) -> Box<dyn ByteStream> {
        match self {
            Self::Tcp(stream) => Box::new(stream),
            Self::Unix(stream) => Box::new(stream),
        }
    }
}

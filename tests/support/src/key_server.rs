//! A key server on loopback, over TLS, that answers as the test says, records requests, and can be
//! down. It never sleeps: a slow answer continues when the test says so.

mod answer;
mod connection;
mod counts;
pub mod deadline;
pub mod record;
mod reply;
mod signals;
mod state;
mod transport;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::TcpSocket;

use crate::pki::Identity;
pub use reply::Reply;
use state::{Running, State};
pub use transport::Transport;

/// The path of [`KeyServer::uri`].
const PATH: &str = "/keys";
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A key server. Without it, its port is closed.
pub struct KeyServer {
    scheme: &'static str,
    pub address: SocketAddr,
    state: Arc<State>,
    running: Mutex<Option<Running>>,
    /// Bound and not listening: connections are refused, and no other process gets the port.
    reserved: Mutex<Option<TcpSocket>>,
}

impl KeyServer {
    /// Over TLS with a good certificate, and this reply at every path.
    pub fn start(reply: Reply) -> Self {
        let server = Self::absent(reply);
        server.up();
        server
    }

    /// Over HTTP without TLS.
    pub fn start_plain(reply: Reply) -> Self {
        let mut server = Self::absent(reply);
        server.scheme = "http";
        server.use_transport(Transport::Plain);
        server.up();
        server
    }

    /// As [`start`](Self::start), but down: it has an address and does not listen yet.
    pub fn absent(reply: Reply) -> Self {
        let reserved = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self {
            scheme: "https",
            address: reserved.local_addr().unwrap(),
            state: Arc::new(State::new(reply)),
            running: Mutex::default(),
            reserved: Mutex::new(Some(reserved)),
        }
    }

    /// The URL of the keys.
    pub fn uri(&self) -> String {
        self.uri_of(PATH)
    }

    /// Another path, with a query or without.
    pub fn uri_of(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Answers like this from now on, at every path that has no reply of its own.
    pub fn reply(&self, reply: Reply) {
        self.state.behaviour().default_reply = reply;
    }

    /// Answers like this at one path from now on.
    pub fn reply_at(&self, path: &str, reply: Reply) {
        self.state
            .behaviour()
            .replies
            .insert(path.to_owned(), reply);
    }

    /// Shows this certificate to new connections.
    pub fn use_certificate(&self, identity: &Identity) {
        self.use_transport(Transport::tls(identity));
    }

    /// Begins new connections like this. The URL stays.
    pub fn use_transport(&self, transport: Transport) {
        self.state.behaviour().transport = transport;
    }

    /// Lets every answer that is held, withheld or dripping at this moment be sent to its end.
    pub fn release(&self) {
        self.state
            .signals
            .send_modify(|signals| signals.releases += 1);
    }

    /// Sends one more byte of each dripping body.
    pub fn tick(&self) {
        self.state.signals.send_modify(|signals| signals.ticks += 1);
    }

    /// Ends all connections and closes the port: from now on connections are refused. No effect on
    /// a server that is down.
    pub async fn down(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            running.stop().await;
            *self.reserved.lock().unwrap() = Some(bind(self.address));
        }
    }

    /// Listens again, on the same port. No effect on a server that is up.
    pub fn up(&self) {
        if let Some(reserved) = self.reserved.lock().unwrap().take() {
            let listener = reserved.listen(BACKLOG).unwrap();
            let running = Running::start(listener, Arc::clone(&self.state));
            *self.running.lock().unwrap() = Some(running);
        }
    }
}

/// The port stays reserved for this server while it is down. `SO_REUSEADDR` allows that although
/// connections to it have only just ended.
fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

//! The state that a key server's connections share with the test, and the task that accepts them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::record::Record;
use super::reply::Reply;
use super::signals::Signals;
use super::transport::Transport;
use crate::pki::Identity;

/// The behaviour, the test's signals, and the record of events.
pub(super) struct State {
    behaviour: Mutex<Behaviour>,
    pub(super) signals: watch::Sender<Signals>,
    pub(super) record: Record,
}

pub(super) struct Behaviour {
    pub(super) transport: Transport,
    pub(super) default_reply: Reply,
    /// By path; goes before `default_reply`.
    pub(super) replies: HashMap<String, Reply>,
}

impl State {
    pub(super) fn new(reply: Reply) -> Self {
        let behaviour = Behaviour {
            transport: Transport::tls(&Identity::server()),
            default_reply: reply,
            replies: HashMap::new(),
        };
        Self {
            behaviour: Mutex::new(behaviour),
            signals: watch::Sender::default(),
            record: Record::default(),
        }
    }

    pub(super) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap()
    }

    pub(super) fn transport(&self) -> Transport {
        self.behaviour().transport.clone()
    }

    pub(super) fn reply_to(&self, path: &str) -> Reply {
        let behaviour = self.behaviour();
        behaviour
            .replies
            .get(path)
            .unwrap_or(&behaviour.default_reply)
            .clone()
    }
}

/// A server that is up. Without it, its connections end and its port closes.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(listener: TcpListener, state: Arc<State>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, state, stopped));
        Self { stop, accepting }
    }

    /// Returns when the port is closed and all connections have ended.
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.accepting.await.unwrap();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Ok((tcp, _)) = listener.accept() => {
                state.record.add(|events| events.connections += 1);
                connections.spawn(connection::serve(tcp, Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

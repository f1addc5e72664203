//! What the connections of a key server share with the test, and the task that accepts them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::cues::Cues;
use super::record::Record;
use super::reply::Reply;
use super::transport::Transport;
use crate::pki::Identity;

/// The script, the test's cues, and the record of what was played.
pub(super) struct Stage {
    script: Mutex<Script>,
    pub(super) cues: watch::Sender<Cues>,
    pub(super) record: Record,
}

pub(super) struct Script {
    pub(super) transport: Transport,
    pub(super) everywhere: Reply,
    /// By path; goes before `everywhere`.
    pub(super) at: HashMap<String, Reply>,
}

impl Stage {
    pub(super) fn new(reply: Reply) -> Self {
        let script = Script {
            transport: Transport::tls(&Identity::server()),
            everywhere: reply,
            at: HashMap::new(),
        };
        Self {
            script: Mutex::new(script),
            cues: watch::Sender::default(),
            record: Record::default(),
        }
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(super) fn transport(&self) -> Transport {
        self.script().transport.clone()
    }

    pub(super) fn reply_to(&self, path: &str) -> Reply {
        let script = self.script();
        script.at.get(path).unwrap_or(&script.everywhere).clone()
    }
}

/// A server that is up. Without it, its connections end and its port closes.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(listener: TcpListener, stage: Arc<Stage>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, stage, stopped));
        Self { stop, accepting }
    }

    /// Returns when the port is closed and all connections have ended.
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.accepting.await.unwrap();
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Ok((tcp, _)) = listener.accept() => {
                stage.record.add(|events| events.connections += 1);
                connections.spawn(connection::serve(tcp, Arc::clone(&stage)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

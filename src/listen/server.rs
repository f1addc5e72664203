//! A listener at work: accepts connections, within bounds, until it is told to stop.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tonic::service::Routes;
use tracing::warn;

use crate::clock::Stopwatch;

use super::address::AcceptedStream;
use super::connection_counts::EvictionLog;
use super::connection_table::ConnectionTable;
use super::driver::{ConnectionDriver, stopped};
use super::{
    BACKLOG, Connection, ConnectionCounts, ConnectionMemory, Limits, ListenAddress, Listener, Tls,
};

/// The wait after a connection could not be accepted: out of files, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// What is done with a call when its metadata has arrived: before a task is made for it, which may
/// wait for its turn.
pub type OnArrival = Arc<dyn Fn(&mut Request<Incoming>, &Connection) -> CallKind + Send + Sync>;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// It is cut after 30 s, its answer included.
    Unary,
    /// It has no end of its own, such as a watch of health.
    LongLived,
    /// It is refused, and does not count as a use of its connection. It is cut as a bounded one is.
    Refused,
}

/// A listener at work.
#[derive(Debug)]
pub struct Server {
    address: ListenAddress,
    counts: Arc<ConnectionCounts>,
    most: usize,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves these routes on the connections of a listener, in a task of its own.
    #[must_use]
    pub fn start(
        listener: Listener,
        tls: Option<Tls>,
        routes: Routes,
        on_arrival: OnArrival,
        (limits, memory): (Limits, ConnectionMemory),
    ) -> Self {
        let address = listener.address().clone();
        let counts = Arc::<ConnectionCounts>::default();
        let (stop, stopping) = watch::channel(false);
        let most = limits
            .max_connections
            .min(memory.connections(tls.is_some()));
        let shared = ConnectionDriver {
            routes: routes.prepare(),
            on_arrival,
            tls,
            limits,
            memory,
            counts: counts.clone(),
            stop: stopping,
        };
        let task = tokio::spawn(Acceptor::new(shared, most).run(listener));
        Self {
            address,
            counts,
            most,
            stop,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// How many connections there may be at a time.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        self.most
    }

    /// How many connections there are.
    #[must_use]
    pub fn counts(&self) -> &Arc<ConnectionCounts> {
        &self.counts
    }

    /// No new connections; those that are there are told to go.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end of the last connection.
    ///
    /// # Errors
    /// Where the task that accepts connections panicked.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        (&mut self.task).await
    }

    /// Cuts what is left.
    pub fn abort(&self) {
        self.task.abort();
    }
}

struct Acceptor {
    shared: Arc<ConnectionDriver>,
    connections: JoinSet<()>,
    table: ConnectionTable,
    refusals: EvictionLog,
    began: Stopwatch,
}

impl Acceptor {
    fn new(shared: ConnectionDriver, most: usize) -> Self {
        Self {
            shared: Arc::new(shared),
            connections: JoinSet::new(),
            table: ConnectionTable::new(most),
            refusals: EvictionLog::default(),
            began: Stopwatch::start(),
        }
    }

    async fn run(mut self, listener: Listener) {
        loop {
            let pause = self.table.pause(self.began.elapsed());
            tokio::select! {
                () = stopped(self.shared.stop.clone()) => break,
                accepted = accept_after(pause, &listener) => self.take(accepted).await,
                Some(ended) = self.connections.join_next_with_id() => self.forget(&ended),
            }
        }
        // Clients whose connection the system has accepted already have no way to know that they come late.
        for _ in 0..BACKLOG {
            let Some(stream) = waiting(&listener).await else {
                break;
            };
            self.begin(stream);
        }
        drop(listener);
        while let Some(ended) = self.connections.join_next_with_id().await {
            self.forget(&ended);
        }
    }

    async fn take(&mut self, accepted: io::Result<AcceptedStream>) {
        match accepted {
            Ok(stream) => self.begin(stream),
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    fn begin(&mut self, stream: AcceptedStream) {
        self.forget_ended();
        if self.table.make_room(self.began.elapsed()) {
            self.refusals.report(&self.shared.counts, self.table.most());
        }
        let shared = self.shared.clone();
        let connection = Connection::new(&shared.memory, stream.remote_ip(), self.began);
        let serving = connection.clone();
        let task = self
            .connections
            .spawn(async move { shared.serve(stream, serving).await });
        self.table.add(connection, task);
        self.count();
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.connections.try_join_next_with_id() {
            self.forget(&ended);
        }
    }

    fn forget(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.table.remove(id);
        self.count();
    }

    fn count(&self) {
        let open = u64::try_from(self.connections.len()).unwrap_or(u64::MAX);
        self.shared.counts.open.store(open, Ordering::Relaxed);
    }
}

async fn accept_after(pause: Duration, listener: &Listener) -> io::Result<AcceptedStream> {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    listener.accept().await
}

/// A connection that can be accepted without a wait.
async fn waiting(listener: &Listener) -> Option<AcceptedStream> {
    tokio::select! { biased;
        accepted = listener.accept() => accepted.ok(),
        () = ready(()) => None,
    }
}

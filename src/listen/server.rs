//! A server on one listener: accepts connections, within bounds, until it is told to stop.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tracing::warn;

use crate::clock::Stopwatch;

use super::address::AcceptedStream;
use super::connection_table::ConnectionTable;
use super::driver::{ConnectionDriver, stopped};
use super::{
    BACKLOG, CallHandler, Connection, ConnectionCounts, Limits, ListenAddress, Listener,
    ListenerBudget, Tls, WarningInterval,
};

/// The wait after a connection could not be accepted: without file descriptors, the next try would
/// fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

const EVICTION_WARNINGS: Duration = Duration::from_secs(10);
const HANDSHAKE_WARNINGS: Duration = Duration::from_secs(60);

/// A server on one listener.
#[derive(Debug)]
pub struct Server {
    address: ListenAddress,
    pub(crate) counts: Arc<ConnectionCounts>,
    pub(crate) max_connections: usize,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers the calls of a listener's connections, in a task of its own.
    #[must_use]
    pub fn start(
        listener: Listener,
        tls: Option<Tls>,
        handler: Arc<dyn CallHandler>,
        (limits, budget): (Limits, ListenerBudget),
    ) -> Self {
        let address = listener.address().clone();
        let counts = Arc::<ConnectionCounts>::default();
        let (stop, stopping) = watch::channel(false);
        let affordable = budget.max_connections(tls.is_some());
        let max_connections = limits.max_connections.min(affordable);
        let driver = ConnectionDriver {
            handler,
            tls,
            limits,
            budget,
            counts: counts.clone(),
            handshake_warnings: WarningInterval::new(HANDSHAKE_WARNINGS),
            stop: stopping,
        };
        let acceptor = Acceptor {
            driver: Arc::new(driver),
            tasks: JoinSet::new(),
            table: ConnectionTable::new(max_connections),
            eviction_warnings: WarningInterval::new(EVICTION_WARNINGS),
            began: Stopwatch::start(),
        };
        let task = tokio::spawn(acceptor.run(listener));
        Self {
            address,
            counts,
            max_connections,
            stop,
            task,
        }
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Accepts no new connections, and tells clients to close theirs.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end of the last connection.
    ///
    /// # Errors
    /// If the task that accepts connections panicked.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        (&mut self.task).await
    }

    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

struct Acceptor {
    driver: Arc<ConnectionDriver>,
    tasks: JoinSet<()>,
    table: ConnectionTable,
    eviction_warnings: WarningInterval,
    began: Stopwatch,
}

impl Acceptor {
    async fn run(mut self, listener: Listener) {
        loop {
            let pause = self.table.pause(self.began.elapsed());
            tokio::select! {
                () = stopped(self.driver.stop.clone()) => break,
                accepted = accept_after(pause, &listener) => match accepted {
                    Ok(stream) => self.serve(stream),
                    Err(error) => {
                        warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = self.tasks.join_next_with_id() => self.remove(&ended),
            }
        }
        // The system has accepted these connections already, and their clients know of no stop.
        for _ in 0..BACKLOG {
            let Some(stream) = accept_at_once(&listener).await else {
                break;
            };
            self.serve(stream);
        }
        drop(listener);
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.remove(&ended);
        }
    }

    /// Serves a connection in a task of its own. Evicts the least used one if there are too many.
    fn serve(&mut self, stream: AcceptedStream) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.remove(&ended);
        }
        if self.table.make_room(self.began.elapsed()) {
            self.record_eviction();
        }
        let driver = self.driver.clone();
        let connection = Connection::new(&driver.budget, stream.remote(), self.began);
        let connection = Arc::new(connection);
        let served = connection.clone();
        let serve = async move { driver.serve(stream, served).await };
        self.table.add(connection, self.tasks.spawn(serve));
        self.update_count();
    }

    fn record_eviction(&self) {
        let refused = &self.driver.counts.refused;
        let refused = refused.fetch_add(1, Ordering::Relaxed) + 1;
        if self.eviction_warnings.count().is_some() {
            let limit = self.table.max_connections;
            warn!(
                limit,
                refused, "too many connections: the least used one is closed for each new one"
            );
        }
    }

    fn remove(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.table.remove(id);
        self.update_count();
    }

    fn update_count(&self) {
        let open = u64::try_from(self.tasks.len()).unwrap_or(u64::MAX);
        self.driver.counts.open.store(open, Ordering::Relaxed);
    }
}

async fn accept_after(pause: Duration, listener: &Listener) -> io::Result<AcceptedStream> {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    listener.accept().await
}

/// Accepts a connection that is ready. `None` if there is none.
async fn accept_at_once(listener: &Listener) -> Option<AcceptedStream> {
    tokio::select! { biased;
        accepted = listener.accept() => accepted.ok(),
        () = ready(()) => None,
    }
}

//! A server from its start to its end.

mod changes;
mod engine;
mod follow;
mod reload;
mod start;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock::Moment;
use crate::config::{Config, Structure};
use crate::grpc::{Health, State};
use crate::listen::{ConnectionCounts, ListenAddress, Server, Tls};

pub use engine::{Engine, ReloadError, ServerEnvironment};
pub(crate) use follow::{Follower, Settled};
pub use reload::Completeness;
pub use start::StartError;

/// A running server.
#[derive(Debug)]
pub struct App {
    server: Server,
    tls: Option<Tls>,
    health_server: Option<Server>,
    admin_address: Option<SocketAddr>,
    public_keys_address: Option<SocketAddr>,
    engine: Engine,
    health: Health,
    serving: watch::Receiver<bool>,
    config: Config,
    /// The settings of a refused successor that ends earlier than `config`, and when it was first
    /// seen.
    shorter_since: Option<(Structure, Moment)>,
    /// Tasks that end with the server.
    helpers: JoinSet<()>,
}

impl App {
    /// The address of the main listener, with the port that was taken.
    #[must_use]
    pub fn listening_on(&self) -> &ListenAddress {
        self.server.address()
    }

    /// The same on TCP; on a Unix socket, an address at which there is nobody.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        self.listening_on().tcp().unwrap_or(nobody)
    }

    /// The address at which only health is answered.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_server.as_ref()?.address().tcp()
    }

    /// The settings of TLS, which can be replaced.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// The counts of connections.
    #[must_use]
    pub fn connections(&self) -> &ConnectionCounts {
        &self.server.counts
    }

    /// The address that operators are answered at.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The address of the listener for public keys, if there is one.
    #[must_use]
    pub fn public_keys_address(&self) -> Option<SocketAddr> {
        self.public_keys_address
    }

    /// The state that all calls share.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.engine.state
    }

    /// The number of calls that are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.engine.state.in_flight()
    }

    /// Waits until the keys of every issuer that is required are usable, and health says so.
    pub async fn ready(&self) {
        let _ = self.serving.clone().wait_for(|serving| *serving).await;
    }

    /// Waits for the server, or a task that it needs, to end by itself, which none ever should;
    /// returns the cause.
    pub(crate) async fn ended(&mut self) -> String {
        loop {
            tokio::select! {
                cause = ended(Some(&mut self.server), "it") => return cause,
                // Some helpers come to an end that is due.
                Some(helper) = self.helpers.join_next() => {
                    if let Err(error) = helper {
                        return error.to_string();
                    }
                }
                cause = ended(self.health_server.as_mut(), HEALTH) => return cause,
            }
        }
    }

    /// The time for which [`App::drain`] answers calls.
    pub(crate) fn drain_time(&self) -> Duration {
        self.config.server.drain
    }

    /// The longest time that [`App::stop`] waits for calls in flight.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.config.server.shutdown_timeout
    }

    /// Prepares the stop: health says `NOT_SERVING`, and calls are answered as before for the
    /// configured time, in which load balancers notice.
    pub async fn drain(&self) {
        let state = &self.engine.state;
        state.stop();
        self.health.stopping().await;
        state.clock.sleep(self.drain_time()).await;
    }

    /// Stops: health says `NOT_SERVING`, no new connections, calls in flight are answered, up to
    /// the configured time. Returns false if some were not.
    pub async fn stop(mut self) -> bool {
        self.engine.state.stop();
        self.health.stopping().await;
        self.server.stop();
        self.health.end_watches().await;
        let generation = self.engine.state.generation().clone();
        let saved = generation.sources().saved();
        let timeout = self.shutdown_timeout();
        let end = async { tokio::join!(self.server.ended(), saved).0 };
        let end = tokio::time::timeout(timeout, end).await;
        let ended = matches!(end, Ok(Ok(())));
        // Connections without a call, which somebody may hold open for ever, are no loss.
        let in_flight = self.engine.state.in_flight();
        let answered = ended || in_flight == 0;
        if !answered {
            warn!(in_flight, ?timeout, "calls were not answered in time");
        }
        // Not before: a call in flight may wait for a key.
        self.engine.stop();
        self.helpers.shutdown().await;
        self.server.abort();
        if let Some(server) = &self.health_server {
            server.abort();
        }
        self.engine.state.telemetry.flush().await;
        info!("stopped");
        answered
    }
}

const HEALTH: &str = "the listener for health";

async fn ended(server: Option<&mut Server>, name: &str) -> String {
    let Some(server) = server else {
        return std::future::pending().await;
    };
    match server.ended().await {
        Ok(()) => format!("{name} stopped accepting calls"),
        Err(error) => error.to_string(),
    }
}

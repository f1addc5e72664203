//! Wiring and life cycle: from a checked configuration to a server that answers, and to its end.

mod engine;
mod environment;
mod follow;
mod reload;
mod restart;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tracing::{info, warn};

use crate::admin::Admin;
use crate::clock::Moment;
use crate::config::{Config, Structure};
use crate::grpc::{Health, Methods, SERVICES, State, reflection};
use crate::listen::{
    ConnectionCounts, InFlightLimit, Limits, ListenAddress, Listener, ListenerBudget, Server,
    SocketAccess, Tls, TlsError,
};
use crate::memory::MemoryBudget;
use crate::telemetry::{CallStats, ServerStats, Telemetry, TelemetryError};

pub use engine::{Engine, ReloadError};
pub use environment::Environment;
pub use follow::Follower;
pub use reload::Completeness;

/// Most connections to the listener for health, and most calls at a time on each.
const HEALTH_CONNECTIONS: usize = 128;
const HEALTH_STREAMS: u32 = 16;
/// Largest metadata of a call there, in bytes.
const HEALTH_HEADERS: u32 = 4096;

/// A running server.
#[derive(Debug)]
pub struct App {
    server: Server,
    tls: Option<Tls>,
    health_server: Option<Server>,
    admin_address: Option<SocketAddr>,
    engine: Engine,
    health: Health,
    /// The configuration in use.
    config: Config,
    /// The settings of a refused successor that ends earlier than `config`, and when it was first
    /// seen.
    shorter_since: Option<(Structure, Moment)>,
    /// What ends with the server.
    helpers: JoinSet<()>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: ListenAddress,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What decisions are told to cannot start.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

impl App {
    /// Listens, serves, and starts fetching keys. Calls are answered from the beginning; those that
    /// need keys which are not there yet get a 503.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Config,
        environment: impl Into<Environment>,
    ) -> Result<Self, StartError> {
        let mut environment = environment.into();
        if environment.telemetry.is_none() {
            let telemetry = Telemetry::start(&config.log, config.traces.as_ref())?;
            environment.telemetry = Some(telemetry);
        }
        let grpc = &config.server.grpc;
        let (tls, expiry) = reload::load(grpc.tls.clone()).await?.unzip();
        let tls = tls.map(Tls::new);
        let listener = bind(&grpc.address, grpc.socket).await?;
        let health_listener = match config.server.health {
            Some(address) => Some(bind(&ListenAddress::Tcp(address), grpc.socket).await?),
            None => None,
        };
        let admin = match config.server.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let (health, health_routes) = Health::new(SERVICES).await;
        let engine = Engine::start(&config, environment)?;
        reload::announce(&config, expiry.flatten(), &engine.state);
        let mut helpers = JoinSet::new();
        helpers.spawn(report_ready(health.clone(), engine.ready()));
        let admin_address = admin.as_ref().map(|(_, address)| *address);
        if let Some((listener, address)) = admin {
            let pages = Admin::new(engine.state.clone(), engine.ready());
            helpers.spawn(pages.serve(listener));
            info!(%address, "listening for operators");
        }
        let routes = health_routes.clone();
        let health_server =
            health_listener.map(|listener| serve_health(listener, routes, grpc.limits));
        let library = if grpc.reflection {
            reflection::add_to(health_routes)
        } else {
            health_routes
        };
        let methods = Arc::new(Methods::new(engine.state.clone(), library));
        let bounds = (
            grpc.limits,
            ListenerBudget::of(engine.memory(), engine.state.in_flight_limit.clone()),
        );
        let server = Server::start(listener, tls.clone(), methods, bounds);
        show(&engine.state, server.counts());
        tell_budget(engine.memory(), server.max_connections());
        let (address, issuers) = (server.address(), config.policy.issuers().len());
        info!(%address, tls = tls.is_some(), issuers, "listening");
        Ok(Self {
            server,
            tls,
            health_server,
            admin_address,
            engine,
            health,
            config,
            shorter_since: None,
            helpers,
        })
    }

    /// Where calls are answered, with the port that was taken.
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

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> &ConnectionCounts {
        self.server.counts()
    }

    /// The address that operators are answered at.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// What all calls share.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.engine.state
    }

    /// How many calls are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.engine.state.in_flight()
    }

    /// Waits until the keys of every issuer that is required are usable.
    pub async fn ready(&self) {
        // The sender lives as long as the server does.
        let _ = self.engine.ready().wait_for(|ready| *ready).await;
    }

    /// Waits for the server, or a task that it needs, to end by itself, which none ever should;
    /// returns the cause.
    pub async fn ended(&mut self) -> String {
        let server = loop {
            tokio::select! {
                server = self.server.ended() => break server,
                // Some helpers come to an end that is due.
                Some(helper) = self.helpers.join_next() => {
                    if let Err(error) = helper {
                        return error.to_string();
                    }
                }
                cause = ended(self.health_server.as_mut()) => return cause,
            }
        };
        match server {
            Ok(()) => "it stopped accepting calls".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Makes ready for the end: health says `NOT_SERVING`, and calls are answered as before until
    /// the configured time is over. Whoever balances loads has that long to notice.
    pub async fn drain(&self) {
        self.engine.state.stop();
        self.health.stopping().await;
        self.engine
            .state
            .clock
            .sleep(self.config.server.drain)
            .await;
    }

    /// Stops: health says `NOT_SERVING`, no new connections, calls in flight are answered, up to
    /// the configured time. Whether all were.
    pub async fn stop(mut self) -> bool {
        self.engine.state.stop();
        self.health.stopping().await;
        self.server.stop();
        self.health.end_watches().await;
        let generation = self.engine.state.generation().clone();
        let saved = generation.sources().saved();
        let end = async { tokio::join!(self.server.ended(), saved).0 };
        let end = tokio::time::timeout(self.config.server.shutdown_timeout, end).await;
        let ended = matches!(end, Ok(Ok(())));
        // Connections without a call, which somebody may hold open for ever, are no loss.
        let in_flight = self.engine.state.in_flight();
        let answered = ended || in_flight == 0;
        if !answered {
            warn!(in_flight, timeout = ?self.config.server.shutdown_timeout, "calls were not answered in time");
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

/// Health alone, with limits of its own.
fn serve_health(listener: Listener, routes: Routes, limits: Limits) -> Server {
    let limits = Limits {
        max_connections: HEALTH_CONNECTIONS,
        max_concurrent_streams: HEALTH_STREAMS,
        max_header_list_size: HEALTH_HEADERS,
        ..limits
    };
    info!(address = %listener.address(), "listening for health");
    let bounds = (limits, ListenerBudget::without_pools(InFlightLimit::new(0)));
    Server::start(listener, None, Arc::new(Methods::of_health(routes)), bounds)
}

/// In KiB, as operators compare it with what a container has.
fn tell_budget(memory: &MemoryBudget, connections: usize) {
    let kib = |bytes: usize| bytes / 1024;
    info!(
        limit_kib = kib(memory.limit.bytes),
        set_by = %memory.limit.source,
        connections,
        calls_kib = kib(memory.calls.size()),
        refusals_kib = kib(memory.refusals.size()),
        tokens_kib = kib(memory.tokens),
        keys_kib = kib(memory.keys.size()),
        "memory budget"
    );
}

/// Lets metrics be read of what is only known here.
fn show(state: &Arc<State>, counts: &Arc<ConnectionCounts>) {
    let (read, counts) = (Arc::downgrade(state), counts.clone());
    state
        .telemetry
        .metrics
        .read_server_stats_with(move || ServerStats {
            calls: read.upgrade().map(|state| CallStats {
                token_cache_entries: state.generation().remembered_tokens(),
                in_flight: state.in_flight(),
            }),
            connections_open: counts.open(),
            connections_refused: counts.refused(),
            connections_never_opened: counts.never_opened(),
        });
}

/// Waits for the listener for health to end by itself, where there is one.
async fn ended(server: Option<&mut Server>) -> String {
    match server {
        Some(server) => match server.ended().await {
            Ok(()) => "the listener for health stopped accepting calls".to_owned(),
            Err(error) => error.to_string(),
        },
        None => std::future::pending().await,
    }
}

async fn bind(address: &ListenAddress, access: SocketAccess) -> Result<Listener, StartError> {
    let listener = Listener::bind(address, access).await;
    listener.map_err(|source| StartError::Listen {
        address: address.clone(),
        source,
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        address: ListenAddress::Tcp(address),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn report_ready(health: Health, mut ready: watch::Receiver<bool>) {
    if ready.wait_for(|ready| *ready).await.is_ok() {
        info!("ready: keys of every required issuer are usable");
        health.serving().await;
    }
}

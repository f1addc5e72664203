//! The start of a server: its listeners, its engine, and the services that connect the two.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tracing::info;

use crate::admin::{AdminPages, PublicKeyPages};
use crate::config::{Config, ServerConfig};
use crate::grpc::{Health, Methods, SERVICES, State, reflection};
use crate::listen::{
    ConnectionCounts, InFlightLimit, Limits, ListenAddress, Listener, ListenerBudget, Server,
    SocketAccess, Tls, TlsError,
};
use crate::memory::MemoryBudget;
use crate::telemetry::{CallStats, ServerStats, Telemetry, TelemetryError};

use super::{App, Engine, ServerEnvironment, reload};

/// Most connections to the listener for health, and most calls at a time on each.
const HEALTH_CONNECTIONS: usize = 128;
const HEALTH_STREAMS: u32 = 16;
/// Largest metadata of a call there, in bytes.
const HEALTH_HEADERS: u32 = 4096;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum StartError {
    #[error("cannot listen on {address}")]
    Listen {
        address: ListenAddress,
        source: std::io::Error,
    },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("no random numbers")]
    Random,
    #[error("no threads that decrypt")]
    DecryptionThreads(#[source] std::io::Error),
}

struct Listeners {
    grpc: Listener,
    health: Option<Listener>,
    admin: Option<Listener>,
    public_keys: Option<Listener>,
}

impl App {
    /// Listens, serves, and starts fetching keys. Calls are answered from the beginning; those that
    /// need keys which are not there yet get a 503.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Config,
        environment: impl Into<ServerEnvironment>,
    ) -> Result<Self, StartError> {
        let mut environment = environment.into();
        if environment.telemetry.is_none() {
            let telemetry = Telemetry::start(&config.log, config.traces.as_ref())?;
            environment.telemetry = Some(telemetry);
        }
        let grpc = &config.server.grpc;
        let tls = reload::load_tls_files(grpc.tls.clone()).await?;
        let expiry = tls.as_ref().and_then(|loaded| loaded.expiry);
        let tls = tls.map(Tls::new);
        let listeners = Listeners::bind(&config.server).await?;
        let (health, health_routes) = Health::new(SERVICES).await;
        let engine = Engine::start(&config, environment)?;
        reload::report_configuration(&config, expiry, &engine.state);
        let mut helpers = JoinSet::new();
        let (serving_sender, serving) = watch::channel(false);
        helpers.spawn(report_ready(health.clone(), engine.ready(), serving_sender));
        let admin_address = listeners.admin.and_then(|listener| {
            let address = listener.address().tcp();
            info!(address = %listener.address(), "listening for operators");
            let pages = AdminPages::new(engine.state.clone(), serving.clone());
            helpers.spawn(pages.serve(listener));
            address
        });
        let public_keys_address = listeners.public_keys.and_then(|listener| {
            let address = listener.address().tcp();
            info!(address = %listener.address(), "listening for requests for public keys");
            helpers.spawn(PublicKeyPages::new(engine.state.clone()).serve(listener));
            address
        });
        let serve_health = |listener| serve_health(listener, health_routes.clone(), grpc.limits);
        let health_server = listeners.health.map(serve_health);
        let library = if grpc.reflection {
            reflection::add_to(health_routes)
        } else {
            health_routes
        };
        let methods = Arc::new(Methods::new(engine.state.clone(), library));
        let budget = ListenerBudget::of(&engine.memory, engine.state.in_flight_limit.clone());
        let bounds = (grpc.limits, budget);
        let server = Server::start(listeners.grpc, tls.clone(), methods, bounds);
        register_stats(&engine.state, &server.counts);
        log_budget(&engine.memory, server.max_connections);
        let (address, issuers) = (server.address(), config.policy.issuers().len());
        info!(%address, tls = tls.is_some(), issuers, "listening");
        Ok(Self {
            server,
            tls,
            health_server,
            admin_address,
            public_keys_address,
            engine,
            health,
            serving,
            config,
            shorter_since: None,
            helpers,
        })
    }
}

impl Listeners {
    async fn bind(server: &ServerConfig) -> Result<Self, StartError> {
        let grpc = bind(&server.grpc.address, server.grpc.socket).await?;
        let beside = async |address: Option<SocketAddr>| match address {
            Some(tcp) => bind(&ListenAddress::Tcp(tcp), server.grpc.socket)
                .await
                .map(Some),
            None => Ok(None),
        };
        Ok(Self {
            grpc,
            health: beside(server.health).await?,
            admin: beside(server.admin).await?,
            public_keys: beside(server.public_keys).await?,
        })
    }
}

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

/// Logs the memory budget in KiB, the unit of a container's limits.
fn log_budget(memory: &MemoryBudget, connections: usize) {
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

/// Registers the numbers that metrics read when they are scraped.
fn register_stats(state: &Arc<State>, counts: &Arc<ConnectionCounts>) {
    let (read, counts) = (Arc::downgrade(state), counts.clone());
    state
        .telemetry
        .metrics
        .read_server_stats_with(move || ServerStats {
            calls: read.upgrade().map(|state| CallStats {
                token_cache_entries: state.generation().tokens.entries(),
                in_flight: state.in_flight(),
            }),
            connections_open: counts.open(),
            connections_refused: counts.refused(),
            connections_never_opened: counts.never_opened(),
        });
}

async fn bind(address: &ListenAddress, access: SocketAccess) -> Result<Listener, StartError> {
    let listener = Listener::bind(address, access).await;
    listener.map_err(|source| StartError::Listen {
        address: address.clone(),
        source,
    })
}

/// Sends `true` after health is set, so that no other sign of readiness is ahead of it.
async fn report_ready(
    health: Health,
    mut ready: watch::Receiver<bool>,
    serving: watch::Sender<bool>,
) {
    if ready.wait_for(|ready| *ready).await.is_ok() {
        info!("ready: keys of every required issuer are usable");
        health.serving().await;
        serving.send_replace(true);
    }
}

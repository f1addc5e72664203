//! Wiring and life cycle: from a checked configuration to a server that answers, and to its end.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::StreamExt as _;
use tonic::server::NamedService as _;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{info, warn};

use crate::admin::Admin;
use crate::authenticator::IssuerKeys;
use crate::clock::Clock;
use crate::config::Config;
use crate::grpc::{ExtAuthz, Live, State, TokenCache};
use crate::jwks::{Fetch, KeySources, Network, Publish, Setup};
use crate::policy::IssuerId;
use crate::telemetry::Metrics;

/// Pings on a quiet connection, and how long one may go unanswered.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));
/// Most calls in flight on one connection.
const MAX_STREAMS: u32 = 1024;
/// Largest header list of a call, in bytes. h2 answers a longer one with HTTP 431 by itself, which is an error to
/// Envoy. Clients have a say in it: tracers copy `tracestate` into the call. Envoy takes 60 KiB of headers.
const MAX_HEADER_LIST: u32 = 256 * 1024;
/// Age at which a connection is told to go, and the time that it has then. Lets proxies spread over new servers, and
/// ends connections that never say anything.
const CONNECTION_AGE: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(30));
/// The wait after a connection could not be accepted: out of files, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// A running server.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    state: Arc<State>,
    health: HealthReporter,
    ready: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
    shutdown_timeout: Duration,
    tasks: JoinSet<()>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

impl App {
    /// Listens, serves, and starts fetching keys. Calls are answered from the beginning; those that need
    /// keys which are not there yet get a 503.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(config, clock, Arc::new(Network)).await
    }

    /// As [`App::start`], with keys from elsewhere than the network.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_with(
        config: Config,
        clock: Clock,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self, StartError> {
        let (listener, address) = listen(config.server.address).await?;

        let (health, health_service) = tonic_health::server::health_reporter();
        set_health(&health, ServingStatus::NotServing).await;
        let admin = match config.server.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let Works {
            state,
            mut tasks,
            ready,
        } = Works::start(&config, clock, fetch, fastrand::u64(..))?;
        tasks.spawn(report_ready(health.clone(), ready.clone()));
        let admin_address = admin.as_ref().map(|(_, address)| *address);
        if let Some((listener, address)) = admin {
            let (policy, keys) = (config.policy.clone(), state.keys.clone());
            let pages = Admin::new(policy, keys, &state.metrics, ready.clone());
            tasks.spawn(pages.serve(listener));
            info!(%address, "listening for operators");
        }

        let (stop, stopped) = oneshot::channel::<()>();
        let incoming =
            TcpIncoming::from(listener)
                .with_nodelay(Some(true))
                .then(|accepted| async {
                    if let Err(error) = &accepted {
                        warn!(%error, "a connection cannot be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    accepted
                });
        let router = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE.0))
            .http2_keepalive_timeout(Some(KEEPALIVE.1))
            .max_concurrent_streams(MAX_STREAMS)
            .max_connection_age(CONNECTION_AGE.0)
            .max_connection_age_grace(CONNECTION_AGE.1)
            .http2_max_header_list_size(MAX_HEADER_LIST)
            .add_service(health_service)
            .add_service(ExtAuthz::new(state.clone()));
        let server = tokio::spawn(router.serve_with_incoming_shutdown(incoming, async {
            let _ = stopped.await;
        }));
        info!(%address, issuers = config.policy.issuers().len(), "listening");
        let shutdown_timeout = config.server.shutdown_timeout;
        Ok(Self {
            address,
            admin_address,
            state,
            health,
            ready,
            stop,
            server,
            shutdown_timeout,
            tasks,
        })
    }

    /// The address that is listened on, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that operators are answered at.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The sources of keys.
    #[must_use]
    pub fn key_sources(&self) -> &KeySources {
        &self.state.keys
    }

    /// How many calls are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state.in_flight()
    }

    /// Waits until the keys of every issuer that is required are usable.
    pub async fn ready(&self) {
        // The sender lives as long as the server does.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// Waits for the server, or a task that it needs, to end by itself, which none ever should; returns the cause.
    pub async fn ended(&mut self) -> String {
        let server = loop {
            tokio::select! {
                server = &mut self.server => break server,
                // Some tasks come to an end that is due.
                Some(task) = self.tasks.join_next() => {
                    if let Err(error) = task {
                        return error.to_string();
                    }
                }
            }
        };
        match server {
            Ok(Ok(())) => "it stopped accepting calls".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Stops: health says `NOT_SERVING`, no new connections, calls in flight are answered, up to the
    /// configured time. Whether all were.
    pub async fn stop(mut self) -> bool {
        set_health(&self.health, ServingStatus::NotServing).await;
        self.tasks.shutdown().await;
        // Fails only where the server ended by itself.
        let _ = self.stop.send(());
        // Watches would go on for ever, and the connections that they are on with them.
        for service in SERVICES {
            self.health.clear_service_status(service).await;
        }
        let saved = self.state.keys.saved();
        let end = async { tokio::join!(&mut self.server, saved).0 };
        let end = tokio::time::timeout(self.shutdown_timeout, end).await;
        let ended = matches!(end, Ok(Ok(Ok(()))));
        // Connections without a call, which somebody may hold open for ever, are no loss.
        let in_flight = self.state.in_flight();
        let answered = ended || in_flight == 0;
        if !answered {
            warn!(in_flight, timeout = ?self.shutdown_timeout, "calls were not answered in time");
        }
        self.server.abort();
        info!("stopped");
        answered
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A server without its listeners: what answers calls, and the tasks that keep its keys.
#[derive(Debug)]
pub struct Works {
    /// What calls are answered by.
    pub state: Arc<State>,
    /// The tasks; they end when this is dropped.
    pub tasks: JoinSet<()>,
    /// Whether the server has had the keys that it needs.
    pub ready: watch::Receiver<bool>,
}

impl Works {
    /// Starts fetching keys. The seed chooses the random parts of waiting times.
    ///
    /// # Errors
    /// [`StartError::Random`].
    pub fn start(
        config: &Config,
        clock: Clock,
        fetch: Arc<dyn Fetch>,
        seed: u64,
    ) -> Result<Self, StartError> {
        let tokens = TokenCache::new(config.token_cache_entries).map_err(|_| StartError::Random)?;
        let live = Live::new(config.policy.clone(), &config.server.realm);
        let live = Arc::new(ArcSwap::from_pointee(live));
        let (publish, ready) = publisher(live.clone());
        if let Some(directory) = &config.state_dir {
            warn_of_open_directory(directory);
        }
        let setup = Setup {
            policy: config.policy.clone(),
            state_dir: config.state_dir.clone(),
            clock: clock.clone(),
            fetch,
            publish,
            seed,
        };
        let (keys, tasks) = KeySources::start(&config.sources, &setup);
        let state = State::new(live, keys, tokens, clock, Arc::new(Metrics::default()));
        Ok(Self {
            state: Arc::new(state),
            tasks,
            ready,
        })
    }
}

/// Whoever can write there chooses the keys of the next start. Volumes of containers are often open, with nobody there
/// to use that, so it is no error.
fn warn_of_open_directory(directory: &Path) {
    let mode = std::fs::metadata(directory).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o022 != 0) {
        let directory = directory.display();
        warn!(%directory, "others may write in state_dir, and so choose keys");
    }
}

/// Puts new keys into the snapshot that requests see, and tells when every issuer has some that is required to.
/// It is told once: an outage of a key server later is answered request by request, and must not take the server out of
/// service, for anonymous requests and the other issuers' sake.
fn publisher(live: Arc<ArcSwap<Live>>) -> (Publish, watch::Receiver<bool>) {
    let (sender, ready) = watch::channel(live.load().is_ready());
    let publish = move |issuers: &[IssuerId], keys: Option<&IssuerKeys>| {
        live.rcu(|live| live.with_keys(issuers, keys));
        let complete = live.load().is_ready();
        sender.send_if_modified(|ready| complete && !std::mem::replace(ready, true));
    };
    (Arc::new(publish), ready)
}

async fn report_ready(health: HealthReporter, mut ready: watch::Receiver<bool>) {
    if ready.wait_for(|ready| *ready).await.is_ok() {
        info!("ready: keys of every required issuer are usable");
        set_health(&health, ServingStatus::Serving).await;
    }
}

/// What health is reported of: the server as a whole, which has the empty name, and its service.
const SERVICES: [&str; 2] = ["", ExtAuthz::NAME];

async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}

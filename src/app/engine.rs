//! The part of a server that judges calls: the configuration in use, its keys, and its replacement.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use crate::clock::{Clock, Moment};
use crate::config::{Config, Loss};
use crate::grpc::{Generation, State, TokenCache};
use crate::jwks::{Fetch, KeySources, Network, SourceContext};
use crate::listen::TlsError;
use crate::memory::{MemoryBudget, MemoryLimit};
use crate::policy::IssuerId;
use crate::telemetry::{Metrics, Telemetry};

use super::StartError;

/// The longest that a new configuration waits for keys before it is refused.
const WARM_UP: Duration = Duration::from_secs(15);

/// A server without its listeners.
#[derive(Debug)]
pub struct Engine {
    /// Judges calls, by the configuration in use.
    pub state: Arc<State>,
    pub(super) memory: MemoryBudget,
    random: fastrand::Rng,
    ready: watch::Sender<bool>,
    readiness: JoinSet<()>,
}

/// The surroundings of a server: its clock, its network, and the receiver of its decisions.
/// Tests replace them.
pub struct ServerEnvironment {
    /// The clock.
    pub clock: Clock,
    /// Fetches keys.
    pub fetch: Arc<dyn Fetch>,
    /// Receives decisions; `None`: the logs and traces that the configuration names.
    pub telemetry: Option<Telemetry>,
    /// Chooses the random parts of waiting times.
    pub seed: u64,
}

/// The network and telemetry of a real server.
impl From<Clock> for ServerEnvironment {
    fn from(clock: Clock) -> Self {
        Self {
            clock,
            fetch: Arc::new(Network),
            telemetry: None,
            seed: fastrand::u64(..),
        }
    }
}

/// Why a configuration is not taken into use.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum ReloadError {
    #[error("only a restart can change {0}")]
    NeedsRestart(String),
    /// Rules would become weaker, and it does not say that they are to.
    #[error("{0}")]
    Weaker(Loss),
    /// Its file seems to be cut off where that may let more pass.
    #[error(
        "{0}. It may be half written: if it is complete, send SIGHUP, or write \"...\" as its last \
         line"
    )]
    CutOff(Loss),
    /// It ends earlier than the configuration in use.
    #[error(
        "{0}. It may be half written: it is taken after 60s without another change, or at once on \
         SIGHUP or if its last line is \"...\""
    )]
    Shorter(Loss),
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It has no keys for issuers that need them.
    #[error("cannot get keys for {issuers}: the next try may succeed")]
    NoKeys { issuers: String },
    #[error("no random numbers")]
    Random,
}

impl Engine {
    /// Starts fetching keys. Without telemetry in the environment, decisions are only counted.
    ///
    /// # Errors
    /// [`StartError::Random`] or [`StartError::DecryptionThreads`].
    pub fn start(config: &Config, environment: ServerEnvironment) -> Result<Self, StartError> {
        if let Some(directory) = &config.state_dir {
            warn_of_open_directory(directory);
        }
        let ServerEnvironment {
            clock,
            fetch,
            telemetry,
            seed,
        } = environment;
        let telemetry = telemetry.unwrap_or_default();
        let memory = MemoryBudget::of(MemoryLimit::find(config.server.memory_limit));
        let (keys, state_dir) = (memory.keys.clone(), config.state_dir.clone());
        let context = SourceContext::new(clock.clone(), fetch, keys, state_dir);
        let sources = KeySources::start(&config.policy, &config.sources, &context, seed);
        let generation = generation(config, &memory, &telemetry.metrics, sources);
        let generation = generation.map_err(|_| StartError::Random)?;
        telemetry.metrics.config_loaded(clock.now());
        let state = State::new(generation, config.server.max_in_flight, clock, telemetry);
        let mut engine = Self {
            state: Arc::new(state.map_err(StartError::DecryptionThreads)?),
            memory,
            random: fastrand::Rng::with_seed(seed),
            ready: watch::Sender::new(false),
            readiness: JoinSet::new(),
        };
        engine.report_readiness();
        Ok(engine)
    }

    /// True once every required issuer has had keys.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Judges calls by another configuration from now on. Sources of keys that both have go on as
    /// they are. An issuer of the new configuration whose `iss` has keys now must have keys there
    /// too. If all required issuers have keys now, so must all that the new configuration requires.
    ///
    /// # Errors
    /// [`ReloadError`]; the configuration in use stays.
    pub async fn reload(&mut self, config: &Config) -> Result<(), ReloadError> {
        let old = self.state.generation().clone();
        let seed = self.random.u64(..);
        let sources = KeySources::start_next(old.sources(), &config.policy, &config.sources, seed);
        let metrics = &self.state.telemetry.metrics;
        let next = generation(config, &self.memory, metrics, sources);
        let next = next.map_err(|_| ReloadError::Random)?;
        let needed = needed_issuers(&next, &old, self.state.clock.moment());
        tokio::select! { biased;
            () = next.sources().wait_for_keys(&needed) => {}
            () = self.state.clock.sleep(WARM_UP) => return Err(no_keys(&next, &needed)),
        }
        self.state.replace(next);
        let next = self.state.generation().clone();
        next.sources().take_over(old.sources()).await;
        self.report_readiness();
        Ok(())
    }

    /// Ends the tasks that fetch keys.
    pub(crate) fn stop(&mut self) {
        self.readiness.abort_all();
        self.state.generation().sources().stop();
    }

    /// Reports readiness when the configuration in use has had keys of every required issuer. That
    /// is reported once: an outage of a key server later is answered request by request, and must
    /// not take the server out of service, for anonymous requests and the other issuers' sake.
    fn report_readiness(&mut self) {
        self.readiness.abort_all();
        if *self.ready.borrow() {
            return;
        }
        let (generation, ready) = (self.state.generation().clone(), self.ready.clone());
        if generation.snapshot().is_ready() {
            ready.send_replace(true);
            return;
        }
        self.readiness.spawn(async move {
            let required = generation.policy.issuers_where(|issuer| issuer.required);
            let required: Vec<_> = required.collect();
            generation.sources().wait_for_keys(&required).await;
            ready.send_replace(true);
        });
    }
}

/// A configuration with its keys, ready to judge calls. Its token cache is empty.
fn generation(
    config: &Config,
    memory: &MemoryBudget,
    metrics: &Metrics,
    sources: KeySources,
) -> Result<Generation, Unspecified> {
    let tokens = TokenCache::within(config.token_cache_entries, memory.tokens)?;
    let tokens = tokens.counting(&metrics.token_cache_hits, &metrics.token_cache_misses);
    Ok(Generation::new(config, tokens, sources))
}

/// The issuers that must have keys before `next` takes the place of `old`.
fn needed_issuers(next: &Generation, old: &Generation, now: Moment) -> Vec<IssuerId> {
    let old = old.snapshot();
    let all_ready = old.is_ready();
    let needed = next.policy.issuers_where(|issuer| {
        let known = old.policy().issuer_by_url(&issuer.expectations.issuer);
        let has_keys = known.is_some_and(|(id, _)| old.keys(id, now).is_some());
        has_keys || (all_ready && issuer.required)
    });
    needed.collect()
}

fn no_keys(next: &Generation, needed: &[IssuerId]) -> ReloadError {
    let snapshot = next.snapshot();
    let lacking = needed.iter().filter(|id| !snapshot.has_keys(**id));
    let lacking: Vec<IssuerId> = lacking.copied().collect();
    let issuers = next.policy.names_of(&lacking).join(", ");
    ReloadError::NoKeys { issuers }
}

/// A user who can write there chooses the keys of the next start. Volumes of containers are often
/// open, with nobody there to use that, so it is no error.
fn warn_of_open_directory(directory: &Path) {
    let mode = std::fs::metadata(directory).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o022 != 0) {
        let directory = directory.display();
        warn!(%directory, "others may write in state_dir, and so choose keys");
    }
}

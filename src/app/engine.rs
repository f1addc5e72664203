//! A server without its listeners: what answers calls, the tasks that keep its keys, and its next configuration.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use crate::authenticator::{IssuerKeys, Snapshot};
use crate::clock::{Clock, Moment};
use crate::config::{Config, Loss};
use crate::grpc::{Generation, State, TokenCache};
use crate::jwks::{Fetch, KeySources, Publish, Setup};
use crate::listen::TlsError;
use crate::memory::{MemoryBudget, MemoryLimit};
use crate::policy::{Issuer, IssuerId, Policy};
use crate::telemetry::{Metrics, Telemetry};

use super::StartError;

/// How long a new configuration may take to have keys, before it is given up.
const WARM_UP: Duration = Duration::from_secs(15);

/// A server without its listeners: what answers calls, and the tasks that keep its keys.
#[derive(Debug)]
pub struct Engine {
    /// What calls are answered by.
    pub state: Arc<State>,
    /// Fetching goes on while this lives.
    pub tasks: JoinSet<()>,
    ready: watch::Sender<bool>,
    parts: Parts,
}

/// What every configuration of this process is put to work with.
struct Parts {
    clock: Clock,
    fetch: Arc<dyn Fetch>,
    state_dir: Option<PathBuf>,
    random: fastrand::Rng,
    memory: MemoryBudget,
}

/// Why a configuration is not taken into use.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It has settings that only a start can change.
    #[error("only a restart can change {0}")]
    NeedsRestart(&'static str),
    /// Rules would become weaker, and it does not say that they are to.
    #[error("{0}")]
    Weaker(Loss),
    /// Its file seems to be cut off where that weakens a rule.
    #[error(
        "{0}. It may be half written: if it is complete, send SIGHUP, or write \"...\" as its last line"
    )]
    CutOff(Loss),
    /// It ends earlier than the configuration in use.
    #[error(
        "{0}. It may be half written: it is taken after 60s without another change, or at once on SIGHUP \
         or if its last line is \"...\""
    )]
    Shorter(Loss),
    /// A file of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Its keys cannot be had, and those of the configuration in use can.
    #[error("keys of {issuers} cannot be had: the next try may succeed")]
    NoKeys {
        /// The issuers, by name.
        issuers: String,
    },
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

impl Engine {
    /// As [`Engine::start_with`], with decisions told to metrics and the operational log only.
    ///
    /// # Errors
    /// [`StartError::Random`].
    pub fn start(
        config: &Config,
        clock: Clock,
        fetch: Arc<dyn Fetch>,
        seed: u64,
    ) -> Result<Self, StartError> {
        Self::start_with(config, clock, fetch, seed, Telemetry::default())
    }

    /// Starts fetching keys. The seed chooses the random parts of waiting times.
    ///
    /// # Errors
    /// [`StartError::Random`].
    pub fn start_with(
        config: &Config,
        clock: Clock,
        fetch: Arc<dyn Fetch>,
        seed: u64,
        telemetry: Telemetry,
    ) -> Result<Self, StartError> {
        if let Some(directory) = &config.state_dir {
            warn_of_open_directory(directory);
        }
        let parts = Parts {
            clock: clock.clone(),
            fetch,
            state_dir: config.state_dir.clone(),
            random: fastrand::Rng::with_seed(seed),
            memory: MemoryBudget::of(MemoryLimit::find(config.server.memory_limit)),
        };
        let ready = watch::Sender::new(false);
        let draft = Draft::new(config, &parts.memory, &telemetry.metrics, &ready);
        let (draft, publish) = draft.map_err(|_| StartError::Random)?;
        let setup = parts.setup(config, publish, seed);
        let (keys, tasks) = KeySources::start(&config.sources, &setup);
        // Without sources to fetch, nobody else says so.
        draft.tell();
        let generation = draft.finish(config, keys);
        telemetry.metrics.config_loaded(clock.now());
        let state = State::new(generation, config.server.max_in_flight, clock, telemetry);
        Ok(Self {
            state: Arc::new(state),
            tasks,
            ready,
            parts,
        })
    }

    /// What the process may hold.
    #[must_use]
    pub fn memory(&self) -> &MemoryBudget {
        &self.parts.memory
    }

    /// Whether the keys of every issuer that is required have been usable.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Judges calls by another configuration from now on. Sources of keys that it shares with the one in use go on as they
    /// are. No issuer that has keys now loses them: until its namesake has some, the other configuration is not taken, nor until
    /// all that are required have, if they do now.
    ///
    /// # Errors
    /// [`ReloadError`]; the configuration in use stays.
    pub async fn reload(&mut self, config: &Config) -> Result<(), ReloadError> {
        let old = self.state.generation().clone();
        let metrics = &self.state.telemetry.metrics;
        let draft = Draft::new(config, &self.parts.memory, metrics, &self.ready);
        let (draft, publish) = draft.map_err(|_| ReloadError::Random)?;
        let seed = self.parts.random.u64(..);
        let setup = self.parts.setup(config, publish, seed);
        let keys = old
            .sources()
            .follow(&config.sources, &setup, &mut self.tasks);
        let needed = draft.needed(&old.snapshot(), self.parts.clock.moment());
        tokio::select! { biased;
            () = draft.has_keys_of(&needed) => {}
            () = self.parts.clock.sleep(WARM_UP) => return Err(draft.lacking(&needed)),
        }
        draft.tell();
        self.state.replace(draft.finish(config, keys));
        self.state
            .generation()
            .clone()
            .sources()
            .settle(old.sources())
            .await;
        Ok(())
    }

    /// Waits for a task that keeps keys to end by itself, which none ever should; returns the cause.
    pub async fn ended(&mut self) -> String {
        loop {
            match self.tasks.join_next().await {
                // Sources that are not needed any more are ended.
                Some(Err(error)) if !error.is_cancelled() => return error.to_string(),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl Parts {
    fn setup(&self, config: &Config, publish: Publish, seed: u64) -> Setup {
        Setup {
            policy: config.policy.clone(),
            state_dir: self.state_dir.clone(),
            clock: self.clock.clone(),
            fetch: self.fetch.clone(),
            publish,
            memory: self.memory.keys.clone(),
            seed,
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// A configuration on its way into use.
struct Draft {
    snapshot: Arc<ArcSwap<Snapshot>>,
    tokens: TokenCache,
    ready: watch::Sender<bool>,
    /// Told when keys have come.
    changes: watch::Sender<()>,
}

impl Draft {
    /// With what puts keys into its snapshot and tells `ready`, now and later, when every issuer has some that is required
    /// to. That is told once: an outage of a key server later is answered request by request, and must not take the server
    /// out of service, for anonymous requests and the other issuers' sake.
    fn new(
        config: &Config,
        memory: &MemoryBudget,
        metrics: &Metrics,
        ready: &watch::Sender<bool>,
    ) -> Result<(Self, Publish), aws_lc_rs::error::Unspecified> {
        let tokens = TokenCache::within(config.token_cache_entries, memory.tokens)?;
        let tokens = tokens.counting(&metrics.token_cache_hits, &metrics.token_cache_misses);
        let snapshot = Snapshot::new(config.policy.clone());
        let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
        let draft = Self {
            snapshot: snapshot.clone(),
            tokens,
            ready: ready.clone(),
            changes: watch::Sender::new(()),
        };
        let (ready, changes) = (ready.clone(), draft.changes.clone());
        let publish = move |issuers: &[IssuerId], keys: Option<&IssuerKeys>| {
            snapshot.rcu(|snapshot| Snapshot::clone(snapshot).with_keys(issuers, keys));
            tell(&snapshot, &ready);
            changes.send_replace(());
        };
        Ok((draft, Arc::new(publish)))
    }

    fn tell(&self) {
        tell(&self.snapshot, &self.ready);
    }

    /// The issuers that must have keys before this takes the place of `old`.
    fn needed(&self, old: &Snapshot, now: Moment) -> Vec<IssuerId> {
        let policy = self.snapshot.load().policy().clone();
        let all_ready = old.is_ready();
        let has_keys = |issuer: &Issuer| {
            let known = old.policy().issuer_by_url(&issuer.expectations.issuer);
            known.is_some_and(|(id, _)| old.keys(id, now).is_some())
        };
        let issuers = policy.issuers();
        Policy::issuer_ids(issuers.len())
            .zip(issuers)
            .filter(|(_, issuer)| has_keys(issuer) || (all_ready && issuer.required))
            .map(|(id, _)| id)
            .collect()
    }

    async fn has_keys_of(&self, issuers: &[IssuerId]) {
        let mut changes = self.changes.subscribe();
        while !self.without_keys(issuers).is_empty() {
            // The sender is in this.
            let _ = changes.changed().await;
        }
    }

    /// Those of these issuers that have no keys, by name.
    fn without_keys(&self, issuers: &[IssuerId]) -> Vec<String> {
        let snapshot = self.snapshot.load();
        let lacking = issuers.iter().filter(|id| !snapshot.has_keys(**id));
        let names = lacking.filter_map(|id| Some(snapshot.policy().issuer(*id)?.name.to_string()));
        names.collect()
    }

    fn lacking(&self, issuers: &[IssuerId]) -> ReloadError {
        ReloadError::NoKeys {
            issuers: self.without_keys(issuers).join(", "),
        }
    }

    fn finish(self, config: &Config, keys: Arc<KeySources>) -> Generation {
        let Self {
            snapshot, tokens, ..
        } = self;
        let (policy, callers) = (config.policy.clone(), &config.server.grpc.callers);
        let realm = &config.server.realm;
        Generation::new(policy, realm, callers, tokens, snapshot, keys)
    }
}

fn tell(snapshot: &ArcSwap<Snapshot>, ready: &watch::Sender<bool>) {
    let complete = snapshot.load().is_ready();
    ready.send_if_modified(|ready| complete && !std::mem::replace(ready, true));
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

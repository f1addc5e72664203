//! All sources of a configuration, as the rest of the server sees them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tracing::error;

use crate::authenticator::{IssuerKeys, MissingKey};
use crate::clock::Clock;
use crate::jose::KeySet;
use crate::memory::Pool;
use crate::policy::{IssuerId, Policy};

use super::cache::KeySetCache;
use super::keeper::{CallTime, Keeper, KeyRequest, Publish, Tools};
use super::store::Store;
use super::{Fetch, FetchedSource, Refresh, Source, SourceStatus, report};

/// The wait before a task that panicked starts again.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// What sources are kept with.
pub struct Setup {
    /// Whose keys they are.
    pub policy: Arc<Policy>,
    /// Where keys of an earlier process are, and this one's go.
    pub state_dir: Option<PathBuf>,
    /// The time.
    pub clock: Clock,
    /// What fetches.
    pub fetch: Arc<dyn Fetch>,
    /// What receives keys.
    pub publish: Publish,
    /// What keys may take, of all sources and configurations.
    pub memory: Pool,
    /// Chooses the random parts of waiting times.
    pub seed: u64,
}

/// The sources of all issuers of one configuration. Those that the next configuration has too are handed on to it with
/// their keys; the others end with the last configuration that has them.
pub struct KeySources {
    sources: Vec<Subscribed>,
    of_issuer: HashMap<IssuerId, Arc<Keeper>>,
    cache: KeySetCache,
    publish: Publish,
}

/// A source, and the issuers of this configuration that use it.
struct Subscribed {
    kept: Arc<Kept>,
    issuers: Vec<IssuerId>,
}

/// A keeper and its task, which ends with the last that uses it.
struct Kept {
    keeper: Arc<Keeper>,
    /// The `iss` values that its stored keys are good for.
    names: Vec<Box<str>>,
    task: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
        self.keeper.wake_waiting();
    }
}

impl Drop for KeySources {
    fn drop(&mut self) {
        for source in &self.sources {
            source.kept.keeper.unsubscribe(&self.publish);
        }
    }
}

impl KeySources {
    /// Publishes the keys of every source, now and whenever they change. The tasks that do so end when the returned set
    /// is dropped.
    #[must_use]
    pub fn start(sources: &[(IssuerId, Source)], setup: &Setup) -> (Arc<Self>, JoinSet<()>) {
        let mut tasks = JoinSet::new();
        let cache = KeySetCache::new(setup.fetch.clone(), setup.memory.clone());
        let started = Self::build(sources, setup, cache, &[], &mut tasks);
        for source in &started.sources {
            source.kept.keeper.begin_saving();
        }
        (Arc::new(started), tasks)
    }

    /// As [`KeySources::start`], for the next configuration. What both have keeps its keys, and is not fetched anew. Nothing
    /// is saved of what is new until [`KeySources::settle`].
    #[must_use]
    pub fn follow(
        &self,
        sources: &[(IssuerId, Source)],
        setup: &Setup,
        tasks: &mut JoinSet<()>,
    ) -> Arc<Self> {
        let cache = self.cache.clone();
        Arc::new(Self::build(sources, setup, cache, &self.sources, tasks))
    }

    fn build(
        sources: &[(IssuerId, Source)],
        setup: &Setup,
        cache: KeySetCache,
        known: &[Subscribed],
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let mut shared: Vec<(&FetchedSource, Vec<IssuerId>)> = Vec::new();
        for (issuer, source) in sources {
            match source {
                Source::Fixed(keys) => {
                    let names = names(setup, &[*issuer]).join(", ");
                    report::warn_of_exposed(&format_args!("inline keys of {names}"), keys);
                    (setup.publish)(&[*issuer], Some(&IssuerKeys::lasting(keys.clone())));
                }
                Source::Fetched(source) => {
                    match shared.iter_mut().find(|(known, _)| *known == &**source) {
                        Some((_, issuers)) => issuers.push(*issuer),
                        None => shared.push((source, vec![*issuer])),
                    }
                }
            }
        }
        let mut seeds = fastrand::Rng::with_seed(setup.seed);
        let mut subscribe = |(source, issuers): (&FetchedSource, Vec<IssuerId>)| {
            let names = names(setup, &issuers);
            let is_same =
                |known: &&Subscribed| known.kept.is_of(source) && known.kept.names == names;
            let seed = seeds.u64(..);
            let kept = match known.iter().find(is_same) {
                Some(known) => known.kept.clone(),
                None => Arc::new(Kept::start(source, names, setup, &cache, seed, tasks)),
            };
            kept.keeper.subscribe(&issuers, &setup.publish);
            Subscribed { kept, issuers }
        };
        let sources: Vec<Subscribed> = shared.into_iter().map(&mut subscribe).collect();
        let of_issuer = sources.iter().flat_map(|source| {
            let issuers = source.issuers.iter();
            issuers.map(|issuer| (*issuer, source.kept.keeper.clone()))
        });
        Self {
            of_issuer: of_issuer.collect(),
            sources,
            cache,
            publish: setup.publish.clone(),
        }
    }

    /// Takes the place of those of before, which are not used any more: their state is no longer saved, and what they had in
    /// the cache is forgotten.
    pub async fn settle(&self, before: &Self) {
        let is_used = |source: &FetchedSource| {
            let mut sources = self.sources.iter();
            sources.any(|used| used.kept.is_of(source))
        };
        for Subscribed { kept, .. } in &before.sources {
            if !self.has(kept) {
                kept.keeper.end_saving();
            }
            if !is_used(&kept.keeper.source) {
                self.cache.forget(&kept.keeper.source).await;
            }
        }
        for Subscribed { kept, .. } in &self.sources {
            if kept.keeper.begin_saving() {
                kept.keeper.save_again().await;
            }
        }
    }

    fn has(&self, kept: &Arc<Kept>) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| Arc::ptr_eq(&source.kept, kept))
    }

    /// Looks for a key that a request needs, and says what the request is to do.
    #[must_use]
    pub fn request_key(&self, missing: &MissingKey, call_time: CallTime) -> KeyRequest {
        let Some(keeper) = self.of_issuer.get(&missing.issuer) else {
            return KeyRequest::Refused;
        };
        keeper.request_key(missing.tried.as_ref(), call_time)
    }

    /// Starts a fetch of this issuer's source, or of all sources, as soon as the budget of each permits. Says when.
    #[must_use]
    pub fn refresh(&self, issuer: Option<IssuerId>) -> Vec<(String, Refresh)> {
        let sources = self.sources.iter();
        let chosen =
            sources.filter(|source| issuer.is_none_or(|issuer| source.issuers.contains(&issuer)));
        let refresh = |source: &Subscribed| {
            let keeper = &source.kept.keeper;
            (keeper.source.origin.to_string(), keeper.refresh())
        };
        chosen.map(refresh).collect()
    }

    /// The fetched keys of an issuer that are in use now.
    #[must_use]
    pub fn keys_of(&self, issuer: IssuerId) -> Option<Arc<KeySet>> {
        self.of_issuer.get(&issuer)?.state().keys.clone()
    }

    /// What there is to know of each source that is fetched.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        let sources = self.sources.iter();
        sources
            .map(|source| SourceStatus::of(&source.kept.keeper, &source.issuers))
            .collect()
    }

    /// Waits until everything that was fetched is in the state directory.
    pub async fn saved(&self) {
        for source in &self.sources {
            source.kept.keeper.saved().await;
        }
    }
}

/// The `iss` values of these issuers.
fn names(setup: &Setup, issuers: &[IssuerId]) -> Vec<Box<str>> {
    let issuers = issuers.iter();
    let issuers = issuers.filter_map(|issuer| setup.policy.issuer(*issuer));
    issuers
        .map(|issuer| issuer.expectations.issuer.clone())
        .collect()
}

impl Kept {
    fn start(
        source: &FetchedSource,
        names: Vec<Box<str>>,
        setup: &Setup,
        cache: &KeySetCache,
        seed: u64,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let directory = setup.state_dir.as_deref();
        let store = directory.filter(|_| source.origin.is_remote());
        let issuers: Vec<&str> = names.iter().map(|name| &**name).collect();
        let store = store.map(|directory| Store::new(directory, source, &issuers));
        let tools = Tools {
            clock: setup.clock.clone(),
            cache: cache.clone(),
        };
        let keeper = Arc::new(Keeper::new(source.clone(), store, seed, tools));
        let task = tasks.spawn(keep_for_ever(keeper.clone(), setup.clock.clone()));
        Self {
            keeper,
            names,
            task,
        }
    }

    fn is_of(&self, source: &FetchedSource) -> bool {
        self.keeper.source == *source
    }
}

/// Keys that nobody keeps would go stale unseen, so a keeper that panics starts again.
async fn keep_for_ever(keeper: Arc<Keeper>, clock: Clock) {
    loop {
        let mut task = JoinSet::new();
        let kept = keeper.clone();
        task.spawn(async move { kept.keep().await });
        if let Some(Err(error)) = task.join_next().await {
            error!(source = %keeper.source.origin, %error, "the task that fetches keys failed; it starts again");
        }
        clock.sleep(PANIC_PAUSE).await;
    }
}

impl std::fmt::Debug for KeySources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sources", self.sources.len())
    }
}

//! The key sources of one configuration, and the snapshot of their keys that requests read.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::authenticator::{IssuerKeys, MissingKey, Snapshot};
use crate::clock::Clock;
use crate::jose::KeySet;
use crate::memory::Pool;
use crate::policy::{IssuerId, Policy};

use super::cache::KeySetCache;
use super::key_source::KeySource;
use super::store::Store;
use super::{
    CallTime, Fetch, FetchStart, FetchedSource, KeyRequest, Source, SourceStatus, source_log,
};

/// The parts of the process that all key sources work with, from one configuration to the next.
#[derive(Clone)]
pub struct SourceContext {
    pub(super) state_dir: Option<PathBuf>,
    pub(super) clock: Clock,
    pub(super) cache: KeySetCache,
    /// Counts the changes of published keys, of all sources. A snapshot with the current revision
    /// has the current keys.
    pub(super) revision: Arc<AtomicU64>,
}

impl SourceContext {
    /// Sources that fetch in this way, and whose key sets share this memory. Their last good
    /// documents are saved in `state_dir`, for the next start.
    #[must_use]
    pub fn new(
        clock: Clock,
        fetch: Arc<dyn Fetch>,
        memory: Pool,
        state_dir: Option<PathBuf>,
    ) -> Self {
        Self {
            state_dir,
            clock,
            cache: KeySetCache::new(fetch, memory),
            revision: Arc::default(),
        }
    }
}

/// The key sources of one configuration. The next configuration shares those that it has too; a
/// source ends with the last configuration that has it.
pub struct KeySources {
    sources: Vec<UsedSource>,
    of_issuer: HashMap<IssuerId, Arc<KeySource>>,
    snapshot: ArcSwap<Snapshot>,
    context: SourceContext,
}

/// A source, and the issuers of this configuration that use it.
struct UsedSource {
    source: Arc<KeySource>,
    issuers: Vec<IssuerId>,
}

impl KeySources {
    /// Starts a task for each source. The seed chooses the random parts of waiting times.
    #[must_use]
    pub fn start(
        policy: &Arc<Policy>,
        sources: &[(IssuerId, Source)],
        context: &SourceContext,
        seed: u64,
    ) -> Self {
        let started = Self::build(policy, sources, context, seed, &[]);
        started.begin_saving();
        started
    }

    /// The sources of the next configuration. Those that both have keep their keys, and are not
    /// fetched anew. New ones save nothing before [`KeySources::take_over`].
    pub(crate) fn start_next(
        before: &Self,
        policy: &Arc<Policy>,
        sources: &[(IssuerId, Source)],
        seed: u64,
    ) -> Self {
        Self::build(policy, sources, &before.context, seed, &before.sources)
    }

    fn build(
        policy: &Arc<Policy>,
        sources: &[(IssuerId, Source)],
        context: &SourceContext,
        seed: u64,
        running: &[UsedSource],
    ) -> Self {
        let mut snapshot = Snapshot::new(policy.clone());
        let mut issuers_of: Vec<(&FetchedSource, Vec<IssuerId>)> = Vec::new();
        for (issuer, source) in sources {
            match source {
                Source::Fixed(keys) => {
                    source_log::inline_keys(policy, *issuer, keys);
                    let keys = IssuerKeys::lasting(keys.clone());
                    snapshot = snapshot.with_keys(&[*issuer], Some(&keys));
                }
                Source::Fetched(source) => {
                    match issuers_of.iter_mut().find(|(known, _)| *known == &**source) {
                        Some((_, issuers)) => issuers.push(*issuer),
                        None => issuers_of.push((source, vec![*issuer])),
                    }
                }
            }
        }
        let mut seeds = fastrand::Rng::with_seed(seed);
        let use_source = |(settings, issuers): (&FetchedSource, Vec<IssuerId>)| {
            let seed = seeds.u64(..);
            let owners: Vec<_> = issuers.iter().filter_map(|id| policy.issuer(*id)).collect();
            let mut running = running.iter().map(|used| &used.source);
            let source = match running.find(|source| source.is_for(settings, &owners)) {
                Some(source) => source.clone(),
                None => Arc::new(KeySource::start(settings, &owners, context, seed)),
            };
            UsedSource { source, issuers }
        };
        let sources: Vec<UsedSource> = issuers_of.into_iter().map(use_source).collect();
        let of_issuer = sources.iter().flat_map(|used| {
            let issuers = used.issuers.iter();
            issuers.map(|issuer| (*issuer, used.source.clone()))
        });
        let built = Self {
            of_issuer: of_issuer.collect(),
            sources,
            snapshot: ArcSwap::from_pointee(snapshot),
            context: context.clone(),
        };
        built.rebuild_snapshot();
        built
    }

    /// Policy and current keys. Until keys change, this only loads a pointer. The first request
    /// after a change builds the next snapshot.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        let snapshot = self.snapshot.load();
        if snapshot.revision() == self.context.revision.load(Ordering::Acquire) {
            return snapshot;
        }
        self.rebuild_snapshot();
        self.snapshot.load()
    }

    /// Several threads may do this at a time. The one that stores last has read its keys after the
    /// others have stored theirs: `rcu` tries again if it finds another snapshot than it began
    /// with.
    fn rebuild_snapshot(&self) {
        self.snapshot.rcu(|snapshot| {
            // Read before the keys. If they change meanwhile, the snapshot is built once more.
            let revision = self.context.revision.load(Ordering::Acquire);
            let mut next = Snapshot::clone(snapshot);
            for UsedSource { source, issuers } in &self.sources {
                next = next.with_keys(issuers, source.keys().as_ref());
            }
            next.at_revision(revision)
        });
    }

    /// Takes the place of the sources of the configuration before. Those that are not used any more
    /// save nothing from now on, and leave the cache; new ones begin to save.
    pub(crate) async fn take_over(&self, before: &Self) {
        for UsedSource { source: old, .. } in &before.sources {
            let sources = || self.sources.iter().map(|used| &used.source);
            if !sources().any(|source| Arc::ptr_eq(source, old)) {
                old.store.iter().for_each(Store::end);
            }
            if !sources().any(|source| source.settings() == old.settings()) {
                self.context.cache.forget(old.settings()).await;
            }
        }
        self.begin_saving();
    }

    fn begin_saving(&self) {
        self.stores().for_each(Store::begin);
    }

    fn stores(&self) -> impl Iterator<Item = &Store> {
        let sources = self.sources.iter();
        sources.filter_map(|used| used.source.store.as_ref())
    }

    pub(crate) async fn wait_for_keys(&self, issuers: &[IssuerId]) {
        for issuer in issuers {
            if let Some(source) = self.of_issuer.get(issuer) {
                source.wait_for_keys().await;
            }
        }
    }

    /// Asks for a key that a call needs and that its issuer's keys lack.
    #[must_use]
    pub fn request_key(&self, missing: &MissingKey, call_time: CallTime) -> KeyRequest {
        let Some(source) = self.of_issuer.get(&missing.issuer) else {
            return KeyRequest::Refused;
        };
        source.request_key(missing.tried.as_ref(), call_time)
    }

    /// Starts a fetch of this issuer's source, or of all sources, as soon as the budget of each
    /// permits. Returns when, for each source.
    #[must_use]
    pub fn fetch_for_operator(&self, issuer: Option<IssuerId>) -> Vec<(String, FetchStart)> {
        let is_chosen = |used: &&UsedSource| issuer.is_none_or(|id| used.issuers.contains(&id));
        let chosen = self.sources.iter().filter(is_chosen);
        let fetch = |UsedSource { source, .. }: &UsedSource| {
            let origin = source.settings().origin.to_string();
            (origin, source.fetch_for_operator())
        };
        chosen.map(fetch).collect()
    }

    /// The fetched keys of an issuer that are in use now.
    #[must_use]
    pub fn keys_of(&self, issuer: IssuerId) -> Option<Arc<KeySet>> {
        Some(self.of_issuer.get(&issuer)?.keys()?.set)
    }

    /// The status of each source that is fetched.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        let status = |used: &UsedSource| used.source.status(&used.issuers);
        self.sources.iter().map(status).collect()
    }

    /// Waits until everything that was fetched is in the state directory.
    pub(crate) async fn saved(&self) {
        for store in self.stores() {
            store.saved().await;
        }
    }

    /// Ends the tasks of all sources. Calls that wait for a fetch are judged again at once.
    pub(crate) fn stop(&self) {
        for used in &self.sources {
            used.source.stop();
        }
    }
}

impl std::fmt::Debug for KeySources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sources", self.sources.len())
    }
}

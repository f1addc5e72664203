//! All sources of a configuration, as the rest of the server sees them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::error;

use crate::authenticator::{IssuerKeys, Sought};
use crate::clock::Clock;
use crate::policy::{IssuerId, Policy};

use super::cache::KeySetCache;
use super::keeper::{Keeper, Publish, Seeking, Tools};
use super::store::Store;
use super::{Fetch, FetchedSource, Refresh, Source, SourceStatus};

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
    /// Chooses the random parts of waiting times.
    pub seed: u64,
}

/// The sources of all issuers.
pub struct KeySources {
    keepers: Vec<Arc<Keeper>>,
    of_issuer: HashMap<IssuerId, Arc<Keeper>>,
    /// Digests what strangers choose, under keys of this process.
    digests: RandomState,
}

impl KeySources {
    /// Publishes the keys of every source, now and whenever they change. The tasks that do so end when the returned set
    /// is dropped.
    #[must_use]
    pub fn start(sources: &[(IssuerId, Source)], setup: &Setup) -> (Arc<Self>, JoinSet<()>) {
        let mut shared: Vec<(&FetchedSource, Vec<IssuerId>)> = Vec::new();
        for (issuer, source) in sources {
            match source {
                Source::Fixed(keys) => {
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
        let keepers = keepers(shared, setup);
        let mut tasks = JoinSet::new();
        for keeper in &keepers {
            tasks.spawn(keep_for_ever(keeper.clone(), setup.clock.clone()));
        }
        let of_issuer = keepers.iter().flat_map(|keeper| {
            let issuers = keeper.issuers.iter();
            issuers.map(|issuer| (*issuer, keeper.clone()))
        });
        let sources = Self {
            of_issuer: of_issuer.collect(),
            digests: RandomState::new(),
            keepers,
        };
        (Arc::new(sources), tasks)
    }

    /// Has a key looked for that a request needs, and tells what the request is to do.
    #[must_use]
    pub fn seek(&self, sought: &Sought) -> Seeking {
        let Some(keeper) = self.of_issuer.get(&sought.issuer) else {
            return Seeking::Refused;
        };
        let kid = self.digests.hash_one(&sought.kid);
        keeper.seek(kid, sought.keys.as_ref())
    }

    /// Starts a fetch of this issuer's source, or of all sources, where no cool-down is running. What became of each.
    #[must_use]
    pub fn refresh(&self, issuer: Option<IssuerId>) -> Vec<(String, Refresh)> {
        let keepers = self.keepers.iter();
        let chosen =
            keepers.filter(|keeper| issuer.is_none_or(|issuer| keeper.issuers.contains(&issuer)));
        chosen
            .map(|keeper| (keeper.source.origin.to_string(), keeper.refresh()))
            .collect()
    }

    /// What there is to know of each source that is fetched.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        let keepers = self.keepers.iter();
        keepers.map(|keeper| SourceStatus::of(keeper)).collect()
    }

    /// Waits until everything that was fetched is in the state directory.
    pub async fn saved(&self) {
        for keeper in &self.keepers {
            keeper.saved().await;
        }
    }
}

fn keepers(shared: Vec<(&FetchedSource, Vec<IssuerId>)>, setup: &Setup) -> Vec<Arc<Keeper>> {
    let tools = Tools {
        clock: setup.clock.clone(),
        cache: KeySetCache::new(setup.fetch.clone()),
        publish: setup.publish.clone(),
    };
    let mut seeds = fastrand::Rng::with_seed(setup.seed);
    let keeper = |(source, issuers): (&FetchedSource, Vec<IssuerId>)| {
        let directory = setup.state_dir.as_deref();
        let store = directory.filter(|_| source.origin.is_remote());
        let names = issuers
            .iter()
            .filter_map(|issuer| setup.policy.issuer(*issuer));
        let names: Vec<&str> = names.map(|issuer| &*issuer.expectations.issuer).collect();
        let store = store.map(|directory| Store::new(directory, source, &names));
        let seed = seeds.u64(..);
        Arc::new(Keeper::new(
            source.clone(),
            issuers,
            store,
            seed,
            tools.clone(),
        ))
    };
    shared.into_iter().map(keeper).collect()
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
        write!(f, "{} sources", self.keepers.len())
    }
}

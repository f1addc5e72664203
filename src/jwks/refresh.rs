//! The tasks that fetch keys at the start and again when they grow old.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::jose::KeySet;
use crate::policy::IssuerId;

use super::cache::KeySetCache;
use super::{Fetcher, Origin, Source};

/// First wait after a failed fetch; doubled up to [`MAX_RETRY`] while fetches fail.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(60);

/// Receives new keys for issuers.
pub type Publish = Arc<dyn Fn(&[IssuerId], &Arc<KeySet>) + Send + Sync>;

/// How an origin is refreshed, and for whom.
struct Schedule {
    issuers: Vec<IssuerId>,
    refresh: Duration,
    timeout: Duration,
}

/// Publishes the keys of every source, now and whenever they change. The tasks end when the returned set is
/// dropped.
pub fn keep_fresh(sources: &[(IssuerId, Source)], publish: &Publish) -> JoinSet<()> {
    let mut schedules: HashMap<&Origin, Schedule> = HashMap::new();
    for (issuer, source) in sources {
        match source {
            Source::Fixed(keys) => publish(&[*issuer], keys),
            Source::Fetched {
                origin,
                refresh,
                timeout,
            } => {
                let schedule = schedules.entry(origin).or_insert_with(|| Schedule {
                    issuers: Vec::new(),
                    refresh: *refresh,
                    timeout: *timeout,
                });
                schedule.issuers.push(*issuer);
                schedule.refresh = schedule.refresh.min(*refresh);
                schedule.timeout = schedule.timeout.max(*timeout);
            }
        }
    }
    let mut tasks = JoinSet::new();
    let origins = u64::try_from(schedules.len()).unwrap_or(u64::MAX);
    let cache = KeySetCache::new(origins, Fetcher::default());
    for (origin, schedule) in schedules {
        tasks.spawn(follow(
            origin.clone(),
            schedule,
            cache.clone(),
            publish.clone(),
        ));
    }
    tasks
}

/// Fetches one origin for ever. A failure leaves the last good keys in use.
async fn follow(origin: Origin, schedule: Schedule, cache: KeySetCache, publish: Publish) {
    let mut retry = MIN_RETRY;
    loop {
        match cache.refresh(&origin, schedule.timeout).await {
            Ok(keys) => {
                let (entries, skipped) = (keys.entries(), keys.skipped().len());
                info!(source = %origin, keys = entries, skipped, "keys fetched");
                warn_of_skipped(&origin, &keys);
                publish(&schedule.issuers, &keys);
                retry = MIN_RETRY;
                tokio::time::sleep(schedule.refresh).await;
            }
            Err(error) => {
                let next = retry.min(schedule.refresh);
                let error = error.with_causes();
                warn!(source = %origin, error, retry_in = ?next, "keys could not be fetched");
                tokio::time::sleep(next).await;
                retry = (retry * 2).min(MAX_RETRY);
            }
        }
    }
}

fn warn_of_skipped(origin: &Origin, keys: &KeySet) {
    for key in keys.skipped() {
        // A key id is text from elsewhere: escaped, and cut to a length that a log line bears.
        let kid: String = key
            .kid
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(64)
            .collect();
        warn!(source = %origin, ?kid, reason = %key.reason, "key skipped");
    }
}

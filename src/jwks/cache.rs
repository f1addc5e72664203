//! The key-set cache: one entry an origin, however many issuers share it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;

use crate::jose::KeySet;

use super::{FetchError, Fetcher, Origin};

/// Key sets by origin. An entry is replaced only by a set that is usable; a failed fetch leaves it.
#[derive(Clone)]
pub(super) struct KeySetCache {
    sets: Cache<Origin, Arc<KeySet>>,
    fetcher: Fetcher,
}

impl KeySetCache {
    /// A cache for this many origins; none is ever evicted for want of room.
    pub(super) fn new(origins: u64, fetcher: Fetcher) -> Self {
        Self {
            sets: Cache::new(origins),
            fetcher,
        }
    }

    /// Fetches a set and puts it into the cache. Fetches of one origin run one after the other, each in a
    /// task of its own: a caller that goes away does not cancel it.
    pub(super) async fn refresh(
        &self,
        origin: &Origin,
        timeout: Duration,
    ) -> Result<Arc<KeySet>, FetchError> {
        let (cache, origin) = (self.clone(), origin.clone());
        let fetch = tokio::spawn(async move {
            let fetched = cache
                .sets
                .entry(origin.clone())
                .and_try_compute_with(|_| async {
                    let keys = cache.fetcher.fetch(&origin, timeout).await?;
                    Ok::<_, FetchError>(Op::Put(Arc::new(keys)))
                });
            fetched
                .await?
                .into_entry()
                .map(moka::Entry::into_value)
                .ok_or(FetchError::Abandoned)
        });
        fetch.await.map_err(|_| FetchError::Abandoned)?
    }
}

//! The key-set cache: one entry a source, however many issuers share it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::sync::Semaphore;

use crate::jose::{ExposedKey, KeySet, PublicDocument};
use crate::memory::{Account, Pool, Reservation};

use super::fetch::{Content, Fetch, FetchError, Validators};
use super::source::shown;
use super::store::Documents;
use super::{Fetched, FetchedSource};

/// Memory that each source has in any case, whatever others take: an ordinary set takes a tenth of
/// it. The configuration bounds the number of sources.
const OWN: usize = 64 * 1024;

/// Key sets by source. An entry is replaced only by a set that is usable; a failed fetch leaves it.
#[derive(Clone)]
pub(super) struct KeySetCache {
    entries: Cache<FetchedSource, CachedKeys>,
    fetch: Arc<dyn Fetch>,
    memory: Pool,
    /// One source at a time reads its documents: while it does, they take many times their length.
    reader: Arc<Semaphore>,
}

/// A key set, and the documents that it was read from, without what must not be kept.
#[derive(Clone)]
struct CachedKeys {
    keys: Arc<KeySet>,
    documents: Documents,
    validators: Validators,
    /// Documents of which more could not be read than before: they are believed when they are found
    /// a second time.
    unconfirmed: Option<(Documents, Reservation)>,
    /// Its source's account, and its own part of it.
    account: Account,
    memory: Reservation,
}

pub(super) struct FetchedKeys {
    pub(super) keys: Arc<KeySet>,
    pub(super) documents: Documents,
    /// True if the source has other documents than before.
    pub(super) changed: bool,
    pub(super) fresh_for: Option<Duration>,
}

impl KeySetCache {
    /// An empty cache. It has no capacity of its own: its entries draw on this memory, and there
    /// are no more of them than the configuration has sources.
    pub(super) fn new(fetch: Arc<dyn Fetch>, memory: Pool) -> Self {
        Self {
            entries: Cache::builder().build(),
            fetch,
            memory,
            reader: Arc::new(Semaphore::new(1)),
        }
    }

    /// Takes documents of an earlier process as if they had been fetched.
    pub(super) async fn restore(
        &self,
        source: &FetchedSource,
        documents: Vec<Vec<u8>>,
    ) -> Result<Arc<KeySet>, FetchError> {
        let account = self.memory.account(OWN);
        let _text = draw(&account, length(&documents))?;
        let _turn = self.reader.acquire().await;
        let (public, _) = without_private(&documents);
        let entry = CachedKeys::read(&documents, public, Validators::default(), &account)?;
        let keys = entry.keys.clone();
        self.entries.insert(source.clone(), entry).await;
        Ok(keys)
    }

    pub(super) async fn forget(&self, source: &FetchedSource) {
        self.entries.invalidate(source).await;
    }

    pub(super) async fn fetch(&self, source: &FetchedSource) -> Result<FetchedKeys, FetchError> {
        let (mut fresh_for, mut changed) = (None, true);
        let entry = self.entries.entry_by_ref(source);
        let refreshed = entry.and_try_compute_with(|known| async {
            let known = known.map(moka::Entry::into_value);
            let validators = known.as_ref().map(|known| &known.validators);
            let fetched = self.fetch.fetch(source, validators).await?;
            fresh_for = fetched.fresh_for;
            let account = match &known {
                Some(known) => known.account.clone(),
                None => self.memory.account(OWN),
            };
            let length = match &fetched.content {
                Content::Documents { documents, .. } => length(documents),
                Content::NotModified => 0,
            };
            let _text = draw(&account, length)?;
            let _turn = self.reader.acquire().await;
            let entry = CachedKeys::after(known.as_ref(), fetched, &account)?;
            changed = known.is_none_or(|known| !Arc::ptr_eq(&known.keys, &entry.keys));
            Ok::<_, FetchError>(Op::Put(entry))
        });
        let entry = refreshed.await?.into_entry().ok_or(FetchError::Abandoned)?;
        let entry = entry.into_value();
        Ok(FetchedKeys {
            keys: entry.keys,
            documents: entry.documents,
            changed,
            fresh_for,
        })
    }
}

/// Fetches the keys of a source once, within its `timeout`, and keeps nothing.
pub(crate) async fn fetch_keys(
    fetch: &dyn Fetch,
    source: &FetchedSource,
) -> Result<Arc<KeySet>, FetchError> {
    let timeout = source.timing.timeout;
    let fetched = tokio::time::timeout(timeout, fetch.fetch(source, None)).await;
    let fetched = fetched.map_err(|_| FetchError::Timeout(timeout))??;
    let memory = Account::unbounded();
    Ok(CachedKeys::after(None, fetched, &memory)?.keys)
}

impl CachedKeys {
    /// The entry after a fetch. The same documents keep the same keys, so that tokens which they
    /// verified stay verified.
    fn after(known: Option<&Self>, fetched: Fetched, memory: &Account) -> Result<Self, FetchError> {
        let Content::Documents {
            documents,
            validators,
        } = fetched.content
        else {
            return known.cloned().ok_or(FetchError::Abandoned);
        };
        let (public, exposed) = without_private(&documents);
        match known {
            Some(known) if known.stands_for(&public, &exposed) => Ok(Self {
                validators,
                unconfirmed: None,
                ..known.clone()
            }),
            Some(known) => {
                let read = Self::read(&documents, public, validators, memory)?;
                Ok(read.unless_damaged(known))
            }
            None => Self::read(&documents, public, validators, memory),
        }
    }

    /// Returns true if it was read from these public documents, with these exposed keys.
    fn stands_for(&self, public: &[Vec<u8>], exposed: &[ExposedKey]) -> bool {
        *self.documents == public && self.keys.exposed() == exposed
    }

    /// A file of a directory that is being written must not cost the keys that it had.
    fn unless_damaged(self, known: &Self) -> Self {
        let damaged = self.keys.unread() > known.keys.unread();
        let unconfirmed = known.unconfirmed.as_ref().map(|(documents, _)| documents);
        if damaged && unconfirmed != Some(&self.documents) {
            return Self {
                unconfirmed: Some((self.documents, self.memory)),
                ..known.clone()
            };
        }
        self
    }

    /// Reads the documents, and keeps what is public of them, where there is memory for it. What is
    /// replaced goes later.
    fn read(
        documents: &[Vec<u8>],
        public: Vec<Vec<u8>>,
        validators: Validators,
        memory: &Account,
    ) -> Result<Self, FetchError> {
        let keys = KeySet::from_documents(documents.iter().map(Vec::as_slice));
        let keys = keys.map_err(|source| FetchError::KeySet {
            url: validators.url.as_ref().map(shown),
            source,
        })?;
        let reserved = draw(memory, keys.heap_size() + length(&public))?;
        Ok(Self {
            keys: Arc::new(keys),
            documents: Arc::new(public),
            validators,
            unconfirmed: None,
            account: memory.clone(),
            memory: reserved,
        })
    }
}

fn draw(memory: &Account, bytes: usize) -> Result<Reservation, FetchError> {
    let reserved = memory.try_reserve(bytes);
    reserved.ok_or(FetchError::Memory { bytes })
}

/// Bytes of documents that one entry holds.
fn length(documents: &[Vec<u8>]) -> usize {
    documents.iter().map(Vec::capacity).sum()
}

/// The documents as they may be kept, and the keys that they gave away.
fn without_private(documents: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<ExposedKey>) {
    let documents = documents.iter().map(|text| PublicDocument::of(text));
    let (public, exposed): (Vec<_>, Vec<_>) = documents
        .map(|document| (document.text, document.exposed))
        .unzip();
    (public, exposed.concat())
}

//! The cache of tokens whose signatures were checked, on moka. It is bounded by its memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use aws_lc_rs::cmac;
use moka::sync::Cache;
use prometheus_client::metrics::counter::Counter;

use crate::authenticator::{Snapshot, VerifiedTokens};
use crate::jose::{KeySet, shared};
use crate::policy::IssuerId;
use crate::token::{BearerToken, Moment, VerifiedToken};

/// Memory of a token that the setting counts, in bytes. One of 1 KiB of text takes no more.
const TOKEN: usize = 4096;
/// Memory of an entry beside its token. Measured: 350 bytes (tests/properties/memory.rs).
const ENTRY: usize = 512;
/// A token takes at most one part in this many of the cache.
const LARGEST_DIVISOR: usize = 64;
/// A token takes at most so many bytes, which is a thousand values. A flood of tokens of 220 KiB
/// took three times the capacity for moments, probably because moka frees evicted entries only when
/// every thread has left the cache.
const LARGEST: usize = 64 * 1024;

/// Verified tokens under a keyed digest of all their bytes: AES-CMAC (NIST SP 800-38B), 128 bits.
///
/// The key is random in each process, so nobody can look for tokens that collide. No token is kept
/// as text.
pub struct TokenCache {
    key: cmac::Key,
    tokens: Option<Cache<[u8; 16], CachedToken>>,
    /// The largest token that is remembered, in bytes.
    largest: usize,
    /// Bytes that were added since moka last evicted entries beyond the capacity.
    unsettled: AtomicUsize,
    hits: Counter,
    misses: Counter,
}

#[derive(Clone)]
struct CachedToken {
    issuer: IssuerId,
    /// The keys that verified the token. An entry counts only while its issuer has these very keys,
    /// and does not keep them alive.
    keys: Weak<KeySet>,
    token: Arc<VerifiedToken>,
    /// In bytes.
    weight: u32,
}

impl TokenCache {
    /// A cache for this many tokens of up to 4 KiB in memory. 0 remembers nothing.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(entries: u64) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Self::within(entries, usize::MAX)
    }

    /// A cache that takes no more than so many bytes either.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn within(entries: u64, memory: usize) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = cmac::Key::generate(cmac::AES_128)?;
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        let capacity = entries.saturating_mul(TOKEN).min(memory);
        let tokens = (capacity > 0).then(|| {
            Cache::builder()
                .max_capacity(u64::try_from(capacity).unwrap_or(u64::MAX))
                .weigher(|_, entry: &CachedToken| entry.weight)
                .build()
        });
        Ok(Self {
            key,
            tokens,
            largest: (capacity / LARGEST_DIVISOR).clamp(TOKEN, LARGEST),
            unsettled: AtomicUsize::new(0),
            hits: Counter::default(),
            misses: Counter::default(),
        })
    }

    /// Counts tokens that it finds and those that it does not.
    pub(crate) fn counting(mut self, hits: &Counter, misses: &Counter) -> Self {
        (self.hits, self.misses) = (hits.clone(), misses.clone());
        self
    }

    /// The approximate number of tokens: the last ones may not be counted yet.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.tokens.as_ref().map_or(0, Cache::entry_count)
    }

    /// Their approximate memory, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.tokens.as_ref().map_or(0, Cache::weighted_size)
    }

    /// Evicts entries beyond the capacity if many bytes were added. moka itself does so only after
    /// hundreds of entries, which would be far beyond the capacity if they are large.
    fn evict_excess(&self, tokens: &Cache<[u8; 16], CachedToken>, added: usize) {
        let unsettled = self.unsettled.fetch_add(added, Ordering::Relaxed);
        if unsettled.saturating_add(added) > self.largest {
            self.unsettled.store(0, Ordering::Relaxed);
            tokens.run_pending_tasks();
        }
    }
}

/// The memory of an entry, in bytes.
fn cost(token: &VerifiedToken) -> usize {
    ENTRY + shared(size_of::<VerifiedToken>()) + token.heap_size()
}

impl VerifiedTokens for TokenCache {
    type Digest = Option<[u8; 16]>;

    fn digest(&self, token: &BearerToken<'_>) -> Self::Digest {
        self.tokens.as_ref()?;
        let text = token.as_str().as_bytes();
        cmac::sign(&self.key, text).ok()?.as_ref().try_into().ok()
    }

    fn find(
        &self,
        digest: &Self::Digest,
        snapshot: &Snapshot,
        moment: Moment,
    ) -> Option<(IssuerId, Arc<VerifiedToken>)> {
        let (tokens, digest) = (self.tokens.as_ref()?, digest.as_ref()?);
        let entry = tokens.get(digest).filter(|entry| {
            let current = snapshot.keys(entry.issuer, moment);
            // As long as there is a weak reference, no other keys can have the same address.
            current.is_some_and(|keys| std::ptr::eq(Arc::as_ptr(&keys.set), entry.keys.as_ptr()))
        });
        let counter = if entry.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.inc();
        entry.map(|entry| (entry.issuer, entry.token))
    }

    fn remember(
        &self,
        digest: Self::Digest,
        issuer: IssuerId,
        keys: &Arc<KeySet>,
        token: &Arc<VerifiedToken>,
    ) {
        let (Some(tokens), Some(digest)) = (&self.tokens, digest) else {
            return;
        };
        let cost = cost(token);
        let Ok(weight) = u32::try_from(cost) else {
            return;
        };
        if cost > self.largest {
            return;
        }
        let (keys, token) = (Arc::downgrade(keys), token.clone());
        let entry = CachedToken {
            issuer,
            keys,
            token,
            weight,
        };
        tokens.insert(digest, entry);
        self.evict_excess(tokens, cost);
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenCache")
    }
}

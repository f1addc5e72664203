//! The cache of tokens whose signatures were checked, on moka.

use std::sync::{Arc, Weak};

use aws_lc_rs::cmac;
use moka::sync::Cache;
use prometheus_client::metrics::counter::Counter;

use crate::authenticator::{Snapshot, VerifiedTokens};
use crate::jose::KeySet;
use crate::policy::IssuerId;
use crate::token::{BearerToken, Moment, VerifiedToken};

/// Verified tokens under a keyed digest of all their bytes: AES-CMAC (NIST SP 800-38B), 128 bits. The key is made at random in each process, so
/// nobody can look for tokens that collide, and no token is kept as text.
pub struct TokenCache {
    key: cmac::Key,
    tokens: Option<Cache<[u8; 16], Entry>>,
    hits: Counter,
    misses: Counter,
}

/// The digest of a token, and its weight in the cache.
#[derive(Clone, Copy, Debug)]
pub struct TokenDigest {
    bytes: [u8; 16],
    weight: u32,
}

#[derive(Clone)]
struct Entry {
    issuer: IssuerId,
    /// The keys that verified the token. An entry counts only while its issuer has these very keys, and does not keep
    /// them alive.
    keys: Weak<KeySet>,
    token: Arc<VerifiedToken>,
    weight: u32,
}

impl TokenCache {
    /// A cache for this many tokens of up to 1 KiB; longer ones count for several, so that the number
    /// bounds memory too. 0 remembers nothing.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new(entries: u64) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = cmac::Key::generate(cmac::AES_128)?;
        let tokens = (entries > 0).then(|| {
            Cache::builder()
                .max_capacity(entries)
                .weigher(|_, entry: &Entry| entry.weight)
                .build()
        });
        Ok(Self {
            key,
            tokens,
            hits: Counter::default(),
            misses: Counter::default(),
        })
    }

    /// The same, which counts what it finds and what it does not.
    #[must_use]
    pub fn counting(mut self, hits: &Counter, misses: &Counter) -> Self {
        (self.hits, self.misses) = (hits.clone(), misses.clone());
        self
    }

    /// How many tokens it holds, at a guess: what was added last may not be counted yet.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.tokens.as_ref().map_or(0, Cache::entry_count)
    }
}

impl VerifiedTokens for TokenCache {
    type Digest = Option<TokenDigest>;

    fn digest(&self, token: &BearerToken<'_>) -> Self::Digest {
        self.tokens.as_ref()?;
        let text = token.as_str().as_bytes();
        let bytes = cmac::sign(&self.key, text).ok()?.as_ref().try_into().ok()?;
        let weight = u32::try_from(text.len().div_ceil(1024)).ok()?;
        Some(TokenDigest { bytes, weight })
    }

    fn find(
        &self,
        digest: &Self::Digest,
        snapshot: &Snapshot,
        moment: Moment,
    ) -> Option<(IssuerId, Arc<VerifiedToken>)> {
        let (tokens, digest) = (self.tokens.as_ref()?, digest.as_ref()?);
        let entry = tokens.get(&digest.bytes).filter(|entry| {
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
        if let (Some(tokens), Some(digest)) = (&self.tokens, digest) {
            let (keys, token) = (Arc::downgrade(keys), token.clone());
            tokens.insert(
                digest.bytes,
                Entry {
                    issuer,
                    keys,
                    token,
                    weight: digest.weight,
                },
            );
        }
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenCache")
    }
}

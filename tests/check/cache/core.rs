//! The core and a cache without a server, for the rows about the token cache.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use watchword::authenticator::{IssuerKeys, Question, Snapshot, VerifiedTokens, authenticate};
use watchword::clock::Moment;
use watchword::grpc::TokenCache;
use watchword::jose::KeySet;
use watchword::jwks::Source;
use watchword::policy::IssuerId;
use watchword::request::{Header, Request};
use watchword::token::{BearerToken, UnixTime, VerifiedToken};

use super::super::settings::{Issuer, Settings};
use super::super::site::NOW;
use super::super::tokens::{ED, claims_with};

/// The core with a cache, without a server around it.
pub(super) struct Core {
    snapshot: Snapshot,
}

impl Core {
    pub(super) fn new() -> Self {
        let config = settings().config();
        let (issuer, source) = &config.sources[0];
        let Source::Fixed(keys) = source else {
            panic!("inline keys");
        };
        let keys = IssuerKeys::lasting(keys.clone());
        let snapshot = Snapshot::new(config.policy.clone()).with_keys(&[*issuer], Some(&keys));
        Self { snapshot }
    }

    /// The reason of the verdict on this token.
    pub(super) fn judge<C: VerifiedTokens>(&self, cache: &C, token: &str) -> &'static str {
        let value = format!("Bearer {token}");
        let request = Request {
            method: b"GET",
            path: b"/orders",
            host: b"api.example.com",
            headers: vec![Header {
                name: b"authorization",
                value: value.as_bytes(),
            }],
            context: Vec::new(),
        };
        let now = UnixTime::EPOCH.plus(Duration::from_secs(NOW as u64));
        authenticate(&self.snapshot, &Question::from(request), now, cache).reason()
    }

    /// True if the cache has this token.
    pub(super) fn remembers<C: VerifiedTokens>(&self, cache: &C, token: &str) -> bool {
        let token = BearerToken::new(token.as_bytes(), 16384).expect("a token's text");
        cache
            .find(&cache.digest(&token), &self.snapshot, Moment::default())
            .is_some()
    }
}

/// A token cache that calls a function before it stores a token.
pub(super) struct ObservedCache<F> {
    cache: TokenCache,
    before_storing: F,
}

impl<F: Fn()> ObservedCache<F> {
    pub(super) fn new(before_storing: F) -> Self {
        let cache = TokenCache::new(1000).expect("random numbers");
        Self {
            cache,
            before_storing,
        }
    }
}

impl<F: Fn()> VerifiedTokens for ObservedCache<F> {
    type Digest = <TokenCache as VerifiedTokens>::Digest;

    fn digest(&self, token: &BearerToken<'_>) -> Self::Digest {
        self.cache.digest(token)
    }

    fn find(
        &self,
        digest: &Self::Digest,
        snapshot: &Snapshot,
        moment: Moment,
    ) -> Option<(IssuerId, Arc<VerifiedToken>)> {
        self.cache.find(digest, snapshot, moment)
    }

    fn remember(
        &self,
        digest: Self::Digest,
        issuer: IssuerId,
        keys: &Arc<KeySet>,
        token: &Arc<VerifiedToken>,
    ) {
        (self.before_storing)();
        self.cache.remember(digest, issuer, keys, token);
    }
}

pub(super) fn settings() -> Settings {
    let issuer = Issuer::corp(&[&ED]).algorithms("EdDSA");
    Settings::of(issuer.header("x-auth-subject", "sub"))
}

/// Good tokens of many subjects.
pub(super) fn good_tokens(count: usize) -> Vec<(String, String)> {
    let subject = |number: usize| format!("subject-{number}");
    let token = |number: usize| ED.sign(&claims_with("sub", json!(subject(number))));
    (0..count)
        .map(|number| (subject(number), token(number)))
        .collect()
}

//! Tokens of a sequence, and when they may and must pass.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;
use watchword::jose::{ContentEncryption, KeyAlgorithm};
use watchword_test_support::mint::{self, Signer};

use super::super::keys::NOW;
use super::super::tokens::Seal;

pub(super) const ISSUERS: [&str; 3] = ["a", "b", "c"];
/// The source of each issuer: the first two share one.
pub(super) const SOURCE_OF: [usize; 3] = [0, 0, 1];
pub(super) const KEYS: usize = 4;
pub(super) const MAX_STALE: Duration = Duration::from_secs(300);
/// When short tokens expire, leeway included.
const SHORT_END: i64 = NOW + 300 + 30;
/// The resolution of timers.
const TICK: Duration = Duration::from_millis(2);

/// The way in which a token is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Good,
    /// Valid for minutes.
    Short,
    /// Without the scope that a rule may demand.
    Narrow,
    /// Signed by a stranger, under the `kid` of the key.
    Forged,
    /// Signed by a stranger, under a `kid` of its own.
    Strange,
    /// A good one, encrypted with a shared key, or to a public one.
    Sealed,
    SealedToPublic,
    /// A forged one, encrypted.
    SealedForged,
    /// Claims, encrypted to a public key and not signed.
    SealedClaims,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) issuer: usize,
    pub(super) key: usize,
}

/// The configuration, in three bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant(pub(super) usize);

impl Variant {
    /// Tokens of issuer `c` must be encrypted. Otherwise they must not.
    pub(super) fn c_is_sealed(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn demands_scope(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) fn lacks_b(self) -> bool {
        self.0 & 4 != 0
    }
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Good,
        Self::Short,
        Self::Narrow,
        Self::Forged,
        Self::Strange,
        Self::Sealed,
        Self::SealedToPublic,
        Self::SealedForged,
        Self::SealedClaims,
    ];

    fn is_sealed(self) -> bool {
        matches!(
            self,
            Self::Sealed | Self::SealedToPublic | Self::SealedForged | Self::SealedClaims
        )
    }

    fn is_genuine(self) -> bool {
        !matches!(
            self,
            Self::Forged | Self::Strange | Self::SealedForged | Self::SealedClaims
        )
    }
}

impl Token {
    pub(super) fn text(self) -> &'static str {
        &TOKENS[&self]
    }

    /// Returns true if the token passes whenever its key is in use.
    pub(super) fn is_permitted(self, variant: Variant, calendar: i64) -> bool {
        let is_known = self.issuer != 1 || !variant.lacks_b();
        let must_be_sealed = self.issuer == 2 && variant.c_is_sealed();
        let has_scope = self.kind != Kind::Narrow || !variant.demands_scope();
        let is_current = self.kind != Kind::Short || calendar < SHORT_END;
        self.kind.is_genuine()
            && self.kind.is_sealed() == must_be_sealed
            && is_known
            && has_scope
            && is_current
    }

    fn make(self) -> String {
        let stranger = Signer::fixed("EdDSA", &format!("s{}", self.key), 99);
        let own = &SIGNERS[self.key];
        let mut claims = mint::claims(NOW);
        claims["iss"] = format!("https://{}.example", ISSUERS[self.issuer]).into();
        claims["exp"] = (NOW + 1_000_000_000).into();
        // The calendar may say a time before they were made.
        claims.as_object_mut().expect("claims").remove("iat");
        let seal = |recipient, algorithm, encryption| Seal {
            recipient,
            algorithm,
            encryption,
        };
        let shared = seal("shared-32", KeyAlgorithm::Dir, ContentEncryption::A256Gcm);
        let public = seal("sealed-1", KeyAlgorithm::EcdhEs, ContentEncryption::A128Gcm);
        let forged = stranger.with_kid(own.kid());
        match self.kind {
            Kind::Good => own.sign(&claims),
            Kind::Short => {
                claims["exp"] = (NOW + 300).into();
                own.sign(&claims)
            }
            Kind::Narrow => {
                claims["scope"] = "orders.read".into();
                own.sign(&claims)
            }
            Kind::Forged => forged.sign(&claims),
            Kind::Strange => stranger.sign(&claims),
            Kind::Sealed => shared.apply(&own.sign(&claims), &[]),
            Kind::SealedToPublic => public.apply(&own.sign(&claims), &[]),
            Kind::SealedForged => public.apply(&forged.sign(&claims), &[]),
            Kind::SealedClaims => public.apply(&claims.to_string(), &[]),
        }
    }
}

static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| {
    let numbers = (0..KEYS).map(|key| u8::try_from(key).expect("few keys"));
    let signer = |key: u8| Signer::fixed("EdDSA", &format!("k{key}"), 10 + key);
    numbers.map(signer).collect()
});

static TOKENS: LazyLock<HashMap<Token, String>> = LazyLock::new(|| {
    let mut tokens = HashMap::new();
    for kind in Kind::ALL {
        for issuer in 0..ISSUERS.len() {
            for key in 0..KEYS {
                let token = Token { kind, issuer, key };
                tokens.insert(token, token.make());
            }
        }
    }
    tokens
});

/// The document that publishes these keys, one bit for each.
pub(super) fn document(keys: u8) -> serde_json::Value {
    let published = SIGNERS.iter().enumerate();
    let published = published.filter(|(key, _)| keys & (1 << key) != 0);
    let signers: Vec<&Signer> = published.map(|(_, signer)| signer).collect();
    mint::key_set(&signers)
}

/// The keys that may be in use at some moment between two others, both included; `None` stands for
/// no keys. `brought` has what each fetch brought, and when.
pub(super) fn in_use(brought: &[(Instant, u8)], from: Instant, to: Instant) -> Vec<Option<u8>> {
    let mut all = Vec::new();
    if brought.first().is_none_or(|(first, _)| from <= *first) {
        all.push(None);
    }
    for (at, (since, keys)) in brought.iter().enumerate() {
        let next = brought.get(at + 1).map(|(next, _)| *next);
        let too_old = *since + MAX_STALE;
        let until = next.map_or(too_old, |next| next.min(too_old));
        if *since <= to && from <= until + TICK {
            all.push(Some(*keys));
        }
        let is_gap = next.is_none_or(|next| too_old <= next && from <= next);
        if is_gap && too_old <= to + TICK {
            all.push(None);
        }
    }
    all
}

//! Keys and tokens, made once; schedules choose among them.

use std::sync::LazyLock;

use serde_json::Value;
use watchword_test_support::mint::{self, Signer};

/// The calendar's time when a schedule starts.
pub(crate) const NOW: i64 = 1_700_000_000;
/// When short-lived tokens expire, leeway included.
pub(crate) const SHORT_END: i64 = NOW + 300 + 30;
/// The number of keys. The last has no `kid`; the one before shares that of key 0.
pub(crate) const KEYS: usize = 6;
/// The issuers; the first two share a source.
pub(crate) const ISSUERS: [&str; 3] = ["a", "b", "c"];

/// A token, with the facts that the model needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) issuer: usize,
    pub(crate) made: Made,
}

/// The way in which a token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Made {
    /// By this key, valid for years.
    By(usize),
    /// By this key, valid for minutes.
    ShortBy(usize),
    /// By a stranger's key, under the `kid` of this one.
    ForgedAs(usize),
    /// By a stranger's key, under a `kid` of its own.
    Strange(usize),
}

struct Mint {
    keys: Vec<Signer>,
    tokens: Vec<Vec<(Made, String)>>,
}

const STRANGERS: usize = 50;

static MINT: LazyLock<Mint> = LazyLock::new(|| {
    let mut keys: Vec<Signer> = (0..KEYS - 2)
        .map(|key| Signer::generate("EdDSA", &format!("k{key}")))
        .collect();
    keys.push(Signer::generate("EdDSA", "k0"));
    keys.push(Signer::generate("EdDSA", ""));
    let stranger = Signer::generate("EdDSA", "stranger");
    let tokens = ISSUERS.iter().map(|issuer| {
        let long = claims(issuer, NOW + 1_000_000_000);
        let short = claims(issuer, NOW + 300);
        let by = (0..KEYS).map(|key| (Made::By(key), keys[key].sign(&long)));
        let short = (0..KEYS).map(|key| (Made::ShortBy(key), keys[key].sign(&short)));
        let forged = (0..KEYS).map(|key| {
            let forger = stranger.with_kid(keys[key].kid());
            (Made::ForgedAs(key), forger.sign(&long))
        });
        let strange = (0..STRANGERS).map(|which| {
            let stranger = stranger.with_kid(&format!("s{which}"));
            (Made::Strange(which), stranger.sign(&long))
        });
        by.chain(short).chain(forged).chain(strange).collect()
    });
    let tokens = tokens.collect();
    Mint { keys, tokens }
});

impl Token {
    pub(crate) fn text(self) -> &'static str {
        let tokens = &MINT.tokens[self.issuer];
        &tokens
            .iter()
            .find(|(made, _)| *made == self.made)
            .unwrap()
            .1
    }

    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        let key = random.usize(..KEYS);
        let made = match random.u8(..10) {
            0..=5 => Made::By(key),
            6 => Made::ShortBy(key),
            7 => Made::ForgedAs(key),
            _ => Made::Strange(random.usize(..STRANGERS)),
        };
        Self {
            issuer: random.usize(..ISSUERS.len()),
            made,
        }
    }
}

/// The document that publishes these keys.
pub(crate) fn document(keys: &[usize]) -> Vec<u8> {
    let signers: Vec<&Signer> = keys.iter().map(|key| &MINT.keys[*key]).collect();
    mint::key_set(&signers).to_string().into_bytes()
}

fn claims(issuer: &str, expires: i64) -> Value {
    let mut claims = mint::claims(NOW);
    claims["iss"] = format!("https://{issuer}.example").into();
    claims["exp"] = expires.into();
    // The calendar may be set back to a time before they were made.
    let members = claims.as_object_mut().unwrap();
    members.retain(|name, _| name != "iat" && name != "nbf");
    claims
}

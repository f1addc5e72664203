//! Tokens that are good, as recipes: what is signed, by whom, and what is encrypted around it.
//!
//! Target `token`: any text as a token. What Watchword accepts, the second opinion confirms.

use std::sync::LazyLock;

use serde_json::{Value, json};
use watchword::jose::{ContentEncryption, KeyAlgorithm};
use watchword_test_support::mint;

use super::keys::{IssuerKey, NOW, issuer, recipient_key};
use super::second_opinion;
use super::world::WORLD;

/// The key and the algorithms that a token is encrypted with.
#[derive(Clone, Copy)]
pub struct Seal {
    pub recipient: &'static str,
    pub algorithm: KeyAlgorithm,
    pub encryption: ContentEncryption,
}

/// A good token, and the way to make it and others like it.
pub struct Recipe {
    pub issuer: &'static IssuerKey,
    pub seal: Option<Seal>,
    /// False for claims that are encrypted and not signed.
    pub is_signed: bool,
    pub header: Value,
    pub claims: Value,
    pub token: String,
}

impl Recipe {
    fn new(name: &'static str, seal: Option<Seal>, is_signed: bool) -> Self {
        let issuer = issuer(name);
        let mut claims = mint::claims(NOW);
        claims["iss"] = json!(issuer.url());
        claims["exp"] = json!(NOW + 3600);
        let mut recipe = Self {
            header: issuer.signer.header(),
            issuer,
            seal,
            is_signed,
            claims,
            token: String::new(),
        };
        let signed = recipe.signed(&recipe.header.to_string(), &recipe.claims.to_string());
        recipe.token = recipe.sealed(&signed);
        recipe
    }

    /// The content before it is encrypted: signed, or the claims themselves.
    pub fn signed(&self, header: &str, claims: &str) -> String {
        if self.is_signed {
            self.issuer.signer.sign_text(header, claims.as_bytes())
        } else {
            claims.to_owned()
        }
    }

    /// Encrypts a content to the recipe's key; as it is, if the recipe does not encrypt.
    pub fn sealed(&self, content: &str) -> String {
        match &self.seal {
            None => content.to_owned(),
            Some(seal) => seal.apply(content, &[("cty", "JWT")]),
        }
    }
}

impl Seal {
    pub fn apply(&self, content: &str, members: &[(&str, &str)]) -> String {
        let key = recipient_key(self.recipient);
        let kid = key.jwk["kid"].as_str();
        let mut all: Vec<_> = kid.map(|kid| ("kid", kid)).into_iter().collect();
        all.extend(members);
        let (algorithm, encryption) = (self.algorithm, self.encryption);
        let sealed = key
            .encryption
            .encrypt(content.as_bytes(), algorithm, encryption, &all);
        sealed.expect("a key that suits")
    }
}

/// All recipes: each issuer, and each algorithm for encryption. Nested tokens are of `sealed`.
pub static RECIPES: LazyLock<Vec<Recipe>> = LazyLock::new(|| {
    let plain = ["hs", "ed", "es", "rs"].map(|name| Recipe::new(name, None, true));
    let nested = seals().map(|seal| Recipe::new("sealed", Some(seal), true));
    let trusted = |algorithm, encryption| Seal {
        recipient: "trusted-1",
        algorithm,
        encryption,
    };
    let direct = trusted(KeyAlgorithm::Dir, ContentEncryption::A256Gcm);
    let wrapped = trusted(KeyAlgorithm::A256Kw, ContentEncryption::A128CbcHs256);
    let trusted = [(direct, false), (wrapped, false), (direct, true)];
    let trusted = trusted.map(|(seal, is_signed)| Recipe::new("trusted", Some(seal), is_signed));
    plain.into_iter().chain(nested).chain(trusted).collect()
});

/// A seal for each algorithm and key of the issuer `sealed`; content encryption takes turns.
pub fn seals() -> impl Iterator<Item = Seal> {
    let pairs = KeyAlgorithm::ALL.into_iter().flat_map(|algorithm| {
        let recipients: &[&str] = match algorithm.name() {
            "dir" => &["shared-32", "shared-64"],
            name if name.starts_with("RSA") => &["rsa"],
            name if name.starts_with("ECDH") => &["sealed-1", "x-1"],
            name if name.starts_with("A128") => &["shared-16"],
            name if name.starts_with("A192") => &["shared-24"],
            _ => &["shared-32"],
        };
        recipients
            .iter()
            .map(move |recipient| (algorithm, *recipient))
    });
    pairs.enumerate().map(|(at, (algorithm, recipient))| Seal {
        recipient,
        algorithm,
        encryption: match (algorithm, recipient) {
            (KeyAlgorithm::Dir, "shared-32") => ContentEncryption::A128CbcHs256,
            (KeyAlgorithm::Dir, _) => ContentEncryption::A256CbcHs512,
            _ => ContentEncryption::ALL[at % ContentEncryption::ALL.len()],
        },
    })
}

/// Any text in place of a token.
pub fn token(data: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(data) else {
        return false;
    };
    let is_accepted = WORLD.judge(token).is_ok();
    assert!(
        !is_accepted || second_opinion::confirms(token),
        "accepted alone: {token}"
    );
    is_accepted
}

pub fn seeds() -> Vec<Vec<u8>> {
    let tokens = RECIPES.iter().map(|recipe| recipe.token.clone());
    tokens.map(String::into_bytes).collect()
}

//! The keys of all targets: those of issuers, and those that tokens are encrypted to.

use std::sync::LazyLock;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, X25519};
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use serde_json::{Value, json};
use watchword::jose::{DecryptionKey, EncryptionKey};
use watchword_test_support::mint::fixed::{RSA_PEM, rsa_der};
use watchword_test_support::mint::{Signer, b64};
use watchword_test_support::sealed;

use super::unsealed::Secret;

/// The time of all decisions, in seconds since 1970.
pub const NOW: i64 = 1_700_000_000;
pub const AUDIENCE: &str = "orders-api";

/// An issuer of [`super::world`].
pub struct IssuerKey {
    /// The name in the configuration, and the first label of its URL.
    pub name: &'static str,
    pub signer: Signer,
    pub encryption: Encryption,
}

/// The terms of an issuer for encrypted tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    Refused,
    /// Only encrypted tokens, to any key but the last.
    Required,
    /// Also claims that are not signed, encrypted with the last key.
    Trusted,
}

impl IssuerKey {
    pub fn url(&self) -> String {
        format!("https://{}.example", self.name)
    }
}

/// All issuers.
pub static ISSUERS: LazyLock<Vec<IssuerKey>> = LazyLock::new(|| {
    let issuer = |name: &'static str, alg, number, encryption| IssuerKey {
        name,
        signer: Signer::fixed(alg, name, number),
        encryption,
    };
    vec![
        issuer("hs", "HS256", 1, Encryption::Refused),
        issuer("ed", "EdDSA", 2, Encryption::Refused),
        issuer("es", "ES256", 3, Encryption::Refused),
        issuer("rs", "RS256", 0, Encryption::Refused),
        issuer("sealed", "EdDSA", 4, Encryption::Required),
        issuer("trusted", "EdDSA", 5, Encryption::Trusted),
    ]
});

pub fn issuer(name: &str) -> &'static IssuerKey {
    let found = ISSUERS.iter().find(|issuer| issuer.name == name);
    found.expect("an issuer of this name")
}

/// A key that tokens are encrypted to.
pub struct RecipientKey {
    pub name: &'static str,
    /// The private or shared key as a file has it.
    pub document: String,
    /// The JWK to encrypt to.
    pub jwk: Value,
    pub encryption: EncryptionKey,
    pub decryption: DecryptionKey,
    /// The same key for the second opinion.
    pub secret: Secret,
}

/// All keys that tokens are encrypted to; the last is that of the issuer `trusted`.
pub static RECIPIENTS: LazyLock<Vec<RecipientKey>> = LazyLock::new(|| {
    let rsa_jwk = Signer::fixed("RS256", "", 0).jwk();
    let rsa = PrivateDecryptingKey::from_pkcs8(&rsa_der());
    let rsa = OaepPrivateDecryptingKey::new(rsa.expect("an RSA key")).expect("an RSA key");
    let parsed: fn(&str) -> Value = |jwk| serde_json::from_str(jwk).expect("a JWK");
    let scalar = b64(&[9; 32]);
    let private = PrivateKey::from_private_key(&X25519, &[9; 32]).expect("any scalar");
    let point = private.compute_public_key().expect("a point");
    let x25519 = json!({"kty": "OKP", "crv": "X25519", "kid": "x-1", "x": b64(point.as_ref())});
    let with_scalar = |mut jwk: Value| {
        jwk["d"] = json!(scalar);
        jwk.to_string()
    };
    let ec = parsed(sealed::DECRYPTION_KEY);
    let d = super::second_opinion::decoded(ec["d"].as_str().expect("a scalar"));
    let ec_secret = PrivateKey::from_private_key(&ECDH_P256, &d.expect("base64"));
    let shared = |name, number: u8, length: usize| {
        let bytes = vec![number; length];
        let jwk = json!({"kty": "oct", "kid": name, "k": b64(&bytes)});
        recipient(name, jwk.to_string(), jwk, Secret::Shared(bytes))
    };
    vec![
        recipient(
            "rsa",
            RSA_PEM.to_owned(),
            json!({"kty": "RSA", "n": rsa_jwk["n"], "e": rsa_jwk["e"]}),
            Secret::Rsa(rsa),
        ),
        recipient(
            "sealed-1",
            sealed::DECRYPTION_KEY.to_owned(),
            ec,
            Secret::Agreement(&ECDH_P256, ec_secret.expect("a scalar")),
        ),
        recipient(
            "x-1",
            with_scalar(x25519.clone()),
            x25519,
            Secret::Agreement(&X25519, private),
        ),
        shared("shared-16", 16, 16),
        shared("shared-24", 24, 24),
        shared("shared-32", 32, 32),
        shared("shared-64", 64, 64),
        shared("trusted-1", 7, 32),
    ]
});

pub fn recipient_key(name: &str) -> &'static RecipientKey {
    let found = RECIPIENTS.iter().find(|recipient| recipient.name == name);
    found.expect("a key of this name")
}

fn recipient(name: &'static str, document: String, jwk: Value, secret: Secret) -> RecipientKey {
    let encryption = EncryptionKey::parse(jwk.to_string().as_bytes());
    let decryption = DecryptionKey::read_all(document.as_bytes()).pop();
    RecipientKey {
        name,
        jwk,
        encryption: encryption.expect("a key to encrypt to"),
        decryption: decryption.expect("a key that decrypts"),
        secret,
        document,
    }
}

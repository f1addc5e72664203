//! The keys, claims and tokens that most cases start from.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use watchword_test_support::mint::{self, Signer};

use super::settings::{Issuer, Settings};
use super::site::{NOW, Site};

pub(crate) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("RS256", "rsa-key", 0));
pub(crate) static PSS: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("PS256", "pss-key", 1));
pub(crate) static EC: LazyLock<Signer> = LazyLock::new(|| Signer::generate("ES256", "ec-key"));
pub(crate) static ED: LazyLock<Signer> = LazyLock::new(|| Signer::generate("EdDSA", "ed-key"));
/// The value of a claim that nobody asks for, and that is told to nobody but the service behind the
/// proxy.
pub(crate) static CANARY: LazyLock<String> =
    LazyLock::new(|| mint::b64(&[(); 30].map(|()| fastrand::u8(..))));
/// A key that no set holds.
pub(crate) static STRANGER: LazyLock<Signer> =
    LazyLock::new(|| Signer::rsa("RS256", "stranger-key", 2));

/// The baseline: one issuer, four keys, four algorithms, claim headers, no rules.
pub(crate) static CORP: LazyLock<Site> = LazyLock::new(|| Site::start(&Settings::of(corp())));
/// As [`CORP`], for tokens of up to 64 KiB, the most that can be configured.
pub(crate) static ROOMY: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp()).server("max_token_size: 65536")));

/// The baseline's issuer.
pub(crate) fn corp() -> Issuer {
    Issuer::corp(&[&RSA, &PSS, &EC, &ED])
        .algorithms("RS256, PS256, ES256, EdDSA")
        .header("x-auth-subject", "sub")
        .header("x-auth-roles", "realm_access.roles")
}

/// Claims that are good now.
pub(crate) fn claims() -> Value {
    with(mint::claims(NOW), "canary", json!(*CANARY))
}

/// Good claims with one of them set to something else.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    with(claims(), name, value)
}

pub(crate) fn claims_without(name: &str) -> Value {
    without(claims(), name)
}

pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().expect("an object").remove(name);
    object
}

/// The text of an object with one member's value replaced by any text, JSON or not.
pub(crate) fn text_with(object: &Value, name: &str, value: &str) -> String {
    const MARK: &str = "\"(here)\"";
    let marked = with(object.clone(), name, json!("(here)")).to_string();
    marked.replace(MARK, value)
}

/// A good token of the baseline's RSA key.
pub(crate) fn good() -> String {
    RSA.sign(&claims())
}

/// A token of the baseline's RSA key over this payload text.
pub(crate) fn payload(text: &str) -> String {
    RSA.sign_text(&RSA.header().to_string(), text.as_bytes())
}

/// A token of the baseline's RSA key under this header text, signed all the same.
pub(crate) fn headed(header: &str) -> String {
    RSA.sign_text(header, claims().to_string().as_bytes())
}

/// A compact token of any three contents; nothing is signed.
pub(crate) fn compact(header: &str, payload: &[u8], signature: &[u8]) -> String {
    [header.as_bytes(), payload, signature]
        .map(mint::b64)
        .join(".")
}

/// A token's three segments.
pub(crate) fn segments(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().expect("three segments")
}

/// The same token with other bytes for a signature.
pub(crate) fn resigned(token: &str, signature: &[u8]) -> String {
    let [header, payload, _] = segments(token);
    format!("{header}.{payload}.{}", mint::b64(signature))
}

pub(crate) fn unb64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    URL_SAFE_NO_PAD.decode(text)
}

/// base64 with padding, as PEM and `x5c` have it.
pub(crate) fn standard_b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The decoded bytes of a member of a JWK.
pub(crate) fn member(jwk: &Value, name: &str) -> Vec<u8> {
    unb64(jwk[name].as_str().expect("a text member")).expect("base64url")
}

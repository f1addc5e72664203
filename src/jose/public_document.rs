//! A document of keys without private members and shared secrets.
//!
//! An issuer that publishes secrets is compromised, but that is no reason to spread them: only the
//! members that Watchword reads are kept in memory or saved.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

use super::KeySetError;
use super::document::{ValueBudget, is_pem};
use super::json::Json;
use super::pem;

/// Private members and shared secrets (RFC 7518 §6.2.2, §6.3.2 and §6.4.1, RFC 8037 §2, RFC 9964
/// §3).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];
/// The members that Watchword reads, for all key types.
const READ_MEMBERS: [&str; 11] = [
    "alg", "crv", "e", "key_ops", "kid", "kty", "n", "pub", "use", "x", "y",
];
/// The replacement for PEM with a private key. It is refused like the original.
const PRIVATE_PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----\n";

/// A key whose document contains its private members or shared secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedKey {
    /// Its `kid`, if it has a readable one.
    pub kid: Option<Box<str>>,
}

/// A document without secrets. It gives the same key set as the original.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PublicDocument {
    pub(crate) text: Vec<u8>,
    /// The keys whose secrets the original contains.
    pub(crate) exposed: Vec<ExposedKey>,
}

impl ExposedKey {
    /// Returns the key if its JWK contains a secret.
    pub(super) fn find(jwk: &Json) -> Option<Self> {
        let members = jwk.as_object()?;
        if !PRIVATE_MEMBERS.iter().any(|name| members.contains(name)) {
            return None;
        }
        let kid = members.get("kid").and_then(Json::as_str);
        Some(Self {
            kid: kid.map(Into::into),
        })
    }
}

impl PublicDocument {
    pub(crate) fn of(text: &[u8]) -> Self {
        if is_pem(text) {
            return Self::without_keys(match pem::entries(text) {
                Ok(_) => text.to_vec(),
                Err(KeySetError::PrivateKey) => PRIVATE_PEM.to_vec(),
                Err(_) => unreadable(text),
            });
        }
        match ValueBudget::full().json_keys(text) {
            Ok(keys) => Self::of_keys(&keys),
            Err(_) => Self::without_keys(unreadable(text)),
        }
    }

    fn of_keys(keys: &[Json]) -> Self {
        let mut text = String::from("{\"keys\":");
        for (index, key) in keys.iter().enumerate() {
            text.push(if index == 0 { '[' } else { ',' });
            public_key(key).write_ascii(&mut text);
        }
        text.push_str(if keys.is_empty() { "[]}" } else { "]}" });
        text.shrink_to_fit();
        Self {
            text: text.into_bytes(),
            exposed: keys.iter().filter_map(ExposedKey::find).collect(),
        }
    }

    fn without_keys(text: Vec<u8>) -> Self {
        let exposed = Vec::new();
        Self { text, exposed }
    }
}

/// Keeps the members that Watchword reads. A value that is not an object is not a key, and becomes
/// null.
fn public_key(key: &Json) -> Json {
    match key.as_object() {
        Some(members) => Json::Object(members.subset(&READ_MEMBERS)),
        None => Json::Null,
    }
}

/// A replacement for an unreadable text, which may contain a secret. It differs for each text.
fn unreadable(text: &[u8]) -> Vec<u8> {
    let mut shown = String::from("unreadable ");
    for byte in digest(&SHA256, text).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown.into_bytes()
}

#[cfg(test)]
mod tests;

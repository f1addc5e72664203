//! A document of keys as it may be kept: without private members and shared secrets.
//!
//! An issuer that publishes them is compromised, but that is no reason to spread them: what is kept
//! in memory or saved has the members that are read, and no others.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

use super::KeySetError;
use super::document::{self, Form, ValueBudget};
use super::json::Json;
use super::pem;

/// Private members and shared secrets (RFC 7518 §6.2.2, §6.3.2 and §6.4.1, RFC 8037 §2), and `priv`
/// of newer key types.
const PRIVATE_MEMBERS: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];
/// The members that are read of a key, whatever its type.
const READ_MEMBERS: [&str; 10] = [
    "alg", "crv", "e", "key_ops", "kid", "kty", "n", "use", "x", "y",
];
/// What is kept of PEM with a private key: it is refused as the whole was.
const PRIVATE_PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----\n";

/// A key that its document gives away: it holds private members or a shared secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedKey {
    /// Its `kid`, where it has a readable one.
    pub kid: Option<Box<str>>,
}

/// A document that gives away no key. It is judged as the document that it was made from.
#[derive(Debug, PartialEq, Eq)]
pub struct PublicDocument {
    /// The text.
    pub text: Vec<u8>,
    /// The keys that the document gave away.
    pub exposed: Vec<ExposedKey>,
}

impl ExposedKey {
    /// The key, where its JWK gives it away.
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
    /// The document without what must not be kept.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match document::form(text) {
            Form::Pem => Self::without_keys(match pem::entries(text) {
                Ok(_) => text.to_vec(),
                Err(KeySetError::PrivateKey) => PRIVATE_PEM.to_vec(),
                Err(_) => unreadable(text),
            }),
            Form::Json => match ValueBudget::full().json_keys(text) {
                Ok(keys) => Self::of_keys(&keys),
                Err(_) => Self::without_keys(unreadable(text)),
            },
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

/// The members that are read. What is no object is no key, and what it is does not matter.
fn public_key(key: &Json) -> Json {
    match key.as_object() {
        Some(members) => Json::Object(members.subset(&READ_MEMBERS)),
        None => Json::Null,
    }
}

/// Stands for a text that cannot be read, and differs for each: it may hold anything.
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

//! One document of keys: a JWK set, a single JWK (RFC 7517), or PEM.

use super::KeySetError;
use super::json::Json;
use super::jwk::SkipReason;
use super::pem;

/// What stands in a document where a key is expected.
pub(super) enum Entry {
    /// A key, not yet judged.
    Key(Json),
    /// The key of a certificate authority: a key only where nothing else is.
    Authority(Json),
    /// Nothing that can be judged as a key.
    Unusable(SkipReason),
}

impl Entry {
    /// The key to be judged; `alone` where the key set has no other entry.
    pub(super) fn jwk(self, alone: bool) -> Result<Json, SkipReason> {
        match self {
            Self::Key(jwk) => Ok(jwk),
            Self::Authority(jwk) if alone => Ok(jwk),
            Self::Authority(_) => Err(SkipReason::NotForVerifying),
            Self::Unusable(reason) => Err(reason),
        }
    }
}

/// How a document is to be read.
pub(super) enum Form {
    Json,
    Pem,
}

/// What begins with `{` is JSON, and else PEM if it has a block. The rest is told that it is not
/// JSON, a byte order mark included (RFC 8259 §8.1).
pub(super) fn form(text: &[u8]) -> Form {
    let white = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\n' | b'\r');
    let first = text.iter().find(|byte| !white(byte));
    if first != Some(&b'{') && pem::is_pem(text) {
        Form::Pem
    } else {
        Form::Json
    }
}

/// The entries of a document of either kind.
pub(super) fn entries(text: &[u8]) -> Result<Vec<Entry>, KeySetError> {
    match form(text) {
        Form::Pem => pem::entries(text).map_err(|pem::PrivateKey| KeySetError::PrivateKey),
        Form::Json => json_entries(text),
    }
}

/// The entries of a JWK set, or the one JWK that the document is.
pub(super) fn json_entries(text: &[u8]) -> Result<Vec<Entry>, KeySetError> {
    let keys = json_keys(text)?;
    Ok(keys.into_iter().map(Entry::Key).collect())
}

/// What stands where keys are expected.
pub(super) fn json_keys(text: &[u8]) -> Result<Vec<Json>, KeySetError> {
    let json = Json::parse(text)?;
    let members = json.as_object().ok_or(KeySetError::Shape)?;
    let keys = match members.get("keys") {
        Some(keys) => keys.as_array().ok_or(KeySetError::Shape)?,
        None if members.contains("kty") => std::slice::from_ref(&json),
        None => return Err(KeySetError::Shape),
    };
    Ok(keys.to_vec())
}

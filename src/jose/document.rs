//! One document of keys: a JWK set, a single JWK (RFC 7517), or PEM.

use super::KeySetError;
use super::json::Json;
use super::jwk::SkipReason;
use super::pem;

/// What stands in a document where a key is expected.
pub(super) enum DocumentEntry {
    /// A key, not yet judged.
    Key(Json),
    /// The key of a certificate authority: a key only where nothing else is.
    Authority(Json),
    /// Nothing that can be judged as a key.
    Unusable(SkipReason),
}

impl DocumentEntry {
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

/// Most values of JSON in all documents of a set: 256 keys with all usual members have a third of them.
pub(super) const MAX_VALUES: usize = 16384;

/// How much of a set may still be read: values of JSON, in all its documents.
pub(super) struct ValueBudget {
    values: usize,
}

impl ValueBudget {
    /// What a whole set has.
    pub(super) fn full() -> Self {
        Self { values: MAX_VALUES }
    }

    /// The entries of a document of either kind.
    pub(super) fn entries(&mut self, text: &[u8]) -> Result<Vec<DocumentEntry>, KeySetError> {
        match form(text) {
            Form::Pem => pem::entries(text),
            Form::Json => self.json_entries(text),
        }
    }

    /// The entries of a JWK set, or the one JWK that the document is.
    pub(super) fn json_entries(&mut self, text: &[u8]) -> Result<Vec<DocumentEntry>, KeySetError> {
        let keys = self.json_keys(text)?;
        Ok(keys.into_iter().map(DocumentEntry::Key).collect())
    }

    /// What stands where keys are expected.
    pub(super) fn json_keys(&mut self, text: &[u8]) -> Result<Box<[Json]>, KeySetError> {
        let (json, values) = Json::parse_counted(text, self.values)?;
        self.values = self.values.saturating_sub(values);
        let Json::Object(members) = json else {
            return Err(KeySetError::Shape);
        };
        if !members.contains("keys") {
            let is_key = members.contains("kty");
            let key = is_key.then_some(Json::Object(members));
            return Ok(Box::new([key.ok_or(KeySetError::Shape)?]));
        }
        match members.into_member("keys") {
            Some(Json::Array(keys)) => Ok(keys),
            _ => Err(KeySetError::Shape),
        }
    }
}

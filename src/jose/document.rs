//! One document of keys: a JWK set, a single JWK (RFC 7517), or PEM.

use super::KeySetError;
use super::json::Json;
use super::jwk::SkipReason;
use super::pem;

pub(super) enum DocumentEntry {
    Key(Json),
    /// The key of a certificate authority. It is used only if it is alone.
    Authority(Json),
    Unusable(SkipReason),
}

impl DocumentEntry {
    /// Returns the key to check. `alone` says that the key set has no other entry.
    pub(super) fn jwk(self, alone: bool) -> Result<Json, SkipReason> {
        match self {
            Self::Key(jwk) => Ok(jwk),
            Self::Authority(jwk) if alone => Ok(jwk),
            Self::Authority(_) => Err(SkipReason::NotForVerifying),
            Self::Unusable(reason) => Err(reason),
        }
    }
}

/// A text that starts with `{` is JSON; another is PEM if it has a block. The rest fails as JSON,
/// even after a byte order mark (RFC 8259 §8.1).
pub(super) fn is_pem(text: &[u8]) -> bool {
    let white = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\n' | b'\r');
    let first = text.iter().find(|byte| !white(byte));
    first != Some(&b'{') && pem::has_block(text)
}

/// The limit of JSON values in all documents of a set. 256 keys with all usual members have a third
/// of it.
pub(super) const MAX_VALUES: usize = 16384;

/// The number of JSON values that may still be read from the documents of a set.
pub(super) struct ValueBudget {
    values: usize,
}

impl ValueBudget {
    pub(super) fn full() -> Self {
        Self { values: MAX_VALUES }
    }

    pub(super) fn entries(&mut self, text: &[u8]) -> Result<Vec<DocumentEntry>, KeySetError> {
        if is_pem(text) {
            pem::entries(text)
        } else {
            let keys = self.json_keys(text)?;
            Ok(keys.into_iter().map(DocumentEntry::Key).collect())
        }
    }

    /// Reads the elements of `keys`, or a document that is one JWK.
    pub(super) fn json_keys(&mut self, text: &[u8]) -> Result<Box<[Json]>, KeySetError> {
        let (json, values) = Json::parse_counted(text, self.values)?;
        self.values = self.values.saturating_sub(values);
        let Json::Object(members) = json else {
            return Err(KeySetError::Shape);
        };
        if !members.contains("keys") {
            return if members.contains("kty") {
                Ok(Box::new([Json::Object(members)]))
            } else if members.contains("jwks_uri") {
                Err(KeySetError::Metadata)
            } else {
                Err(KeySetError::Shape)
            };
        }
        match members.into_member("keys") {
            Some(Json::Array(keys)) => Ok(keys),
            _ => Err(KeySetError::Shape),
        }
    }
}

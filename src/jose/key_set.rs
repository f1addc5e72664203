//! A key set (RFC 7517 §5). Keys are read one by one, so an unusable key does not affect the
//! others.

mod memory;

use super::Algorithm;
use super::document::{DocumentEntry, MAX_VALUES, ValueBudget};
use super::json::{Json, JsonError};
use super::jwk::{PreparedKey, SkipReason};
use super::public_document::ExposedKey;

/// The limit of keys that are tried for one token. Bounds the work that a token without `kid` can
/// cause.
const MAX_CANDIDATES: usize = 8;
/// The limit of keys that share a `kid` and an algorithm. If there are more, none of them is used.
const MAX_SAME_KID: usize = 2;
pub(super) const MAX_KEYS: usize = 256;

/// The keys that are ready to verify, and those that are not used.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<PreparedKey>,
    skipped: Vec<UnusableKey>,
    exposed: Vec<ExposedKey>,
    entries: usize,
    unread: usize,
}

/// A usable key, as its issuer published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey<'a> {
    /// Its `kid`, if it has one.
    pub kid: Option<&'a str>,
    /// The names of the algorithms that it verifies.
    pub algorithms: Vec<&'static str>,
}

/// A key that is not used.
#[derive(Debug)]
pub struct UnusableKey {
    /// Its `kid`, if it has a readable one.
    pub kid: Option<Box<str>>,
    /// The reason for which it is not used.
    pub reason: SkipReason,
}

/// The documents are not a usable key set.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum KeySetError {
    #[error(transparent)]
    Json(JsonError),
    #[error("neither a JWK set ({{\"keys\": […]}}) nor a JWK")]
    Shape,
    /// The metadata of an authorization server (RFC 8414).
    #[error("issuer metadata, which only name the URL of the keys: did you mean `discovery`?")]
    Metadata,
    #[error("a private key: only public keys belong here")]
    PrivateKey,
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
    #[error("more than {MAX_VALUES} JSON values in the key set")]
    TooManyValues,
    #[error("no usable key{}", reasons(.0))]
    NoUsableKey(Vec<UnusableKey>),
    /// The secret is shorter than the algorithm's hash (RFC 7518 §3.2).
    #[error("a secret for {} must have at least {} bytes", .0.name(), .0.secret_length())]
    ShortSecret(Algorithm),
}

impl KeySet {
    /// Reads documents that are JWK sets, single JWKs, or PEM. Unusable keys are skipped and
    /// listed, and so is an unreadable document among several. The limits apply to all documents
    /// together.
    ///
    /// # Errors
    /// [`KeySetError`] if the only document is unreadable, there are too many keys, or none is
    /// usable.
    pub fn from_documents<'a>(
        documents: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, KeySetError> {
        let documents: Vec<_> = documents.into_iter().collect();
        let several = documents.len() > 1;
        let mut budget = ValueBudget::full();
        let mut entries = Vec::new();
        let mut unread = 0;
        for document in documents {
            let reason = match budget.entries(document) {
                Ok(found) => {
                    entries.extend(found);
                    if entries.len() > MAX_KEYS {
                        return Err(KeySetError::TooMany);
                    }
                    continue;
                }
                Err(error) if !several => return Err(error),
                Err(error @ (KeySetError::TooMany | KeySetError::TooManyValues)) => {
                    return Err(error);
                }
                Err(KeySetError::PrivateKey) => SkipReason::PrivateKey,
                Err(_) => SkipReason::Malformed,
            };
            entries.push(DocumentEntry::Unusable(reason));
            unread += 1;
        }
        let set = Self::from_entries(entries)?;
        Ok(Self { unread, ..set })
    }

    fn from_entries(entries: Vec<DocumentEntry>) -> Result<Self, KeySetError> {
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let alone = entries.len() == 1;
        let mut set = Self {
            entries: entries.len(),
            ..Self::default()
        };
        for (number, entry) in entries.into_iter().enumerate() {
            let jwk = entry.jwk(alone).map_err(|reason| (None, reason));
            let exposed = jwk.as_ref().ok().and_then(ExposedKey::find);
            set.exposed.extend(exposed);
            match jwk.and_then(|jwk| PreparedKey::from_jwk(&jwk, number)) {
                Ok(keys) => set.keys.extend(keys),
                Err((kid, reason)) => set.skipped.push(UnusableKey { kid, reason }),
            }
        }
        set.drop_crowded_kids();
        if set.keys.is_empty() {
            return Err(KeySetError::NoUsableKey(set.skipped));
        }
        Ok(set)
    }

    /// One shared secret for the given HMAC algorithms.
    ///
    /// # Errors
    /// [`KeySetError::ShortSecret`] if the secret is shorter than an algorithm's hash.
    pub fn from_secret(algorithms: &[Algorithm], secret: &[u8]) -> Result<Self, KeySetError> {
        let keys = algorithms.iter().map(|algorithm| {
            PreparedKey::from_secret(*algorithm, secret).ok_or(KeySetError::ShortSecret(*algorithm))
        });
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            entries: 1,
            ..Self::default()
        })
    }

    /// The number of keys in the set, unused ones included.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    /// The usable keys, in the order of publication.
    pub fn keys(&self) -> impl Iterator<Item = PublishedKey<'_>> {
        self.published().map(|prepared| PublishedKey {
            kid: prepared.first().and_then(PreparedKey::kid),
            algorithms: prepared.iter().map(|key| key.algorithm.name()).collect(),
        })
    }

    /// The prepared keys of each published one.
    fn published(&self) -> impl Iterator<Item = &[PreparedKey]> {
        self.keys.chunk_by(|one, next| one.entry == next.entry)
    }

    /// The usable keys, as a JWK set without private members and shared secrets.
    pub(crate) fn to_public_json(&self) -> String {
        let keys = self.published();
        let keys = keys.filter_map(|prepared| prepared.first()?.public.as_deref());
        let keys = keys.cloned().map(Json::Object).collect();
        let mut text = String::from("{\"keys\":");
        Json::Array(keys).write_ascii(&mut text);
        text.push('}');
        text
    }

    /// The keys that are not used, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[UnusableKey] {
        &self.skipped
    }

    /// The keys whose private part or shared secret the documents contain. They are used
    /// nevertheless.
    pub(crate) fn exposed(&self) -> &[ExposedKey] {
        &self.exposed
    }

    /// The keys that may have signed a token with this `kid` and algorithm: those with the same
    /// `kid`, then those without one. For a token without `kid`, all keys for the algorithm.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &PreparedKey> {
        let keys = self.keys.iter();
        let fitting = keys.filter(move |key| key.algorithm == algorithm);
        let exact = fitting.clone();
        let exact = exact.filter(move |key| kid.is_some() && key.kid() == kid);
        let others = fitting.filter(move |key| kid.is_none() || key.kid.is_none());
        exact.chain(others).take(MAX_CANDIDATES)
    }

    /// Returns true if a key has exactly this `kid`, even if its type is not supported. If none of
    /// these fits the token's algorithm, the algorithm is wrong, not the `kid`.
    pub(super) fn knows_kid(&self, kid: Option<&str>) -> bool {
        let unsupported = self.skipped.iter();
        let unsupported = unsupported.filter(|key| key.reason == SkipReason::Unsupported);
        let unsupported = unsupported.map(|key| key.kid.as_deref());
        let mut known = self.keys.iter().map(PreparedKey::kid).chain(unsupported);
        kid.is_some() && known.any(|known| known == kid)
    }

    /// Two keys may share a `kid` and an algorithm (a rotation under one name); more than two are
    /// all dropped, whatever their order. Keys without `kid` beyond [`MAX_CANDIDATES`] are dropped
    /// too.
    fn drop_crowded_kids(&mut self) {
        let keys = self.keys.iter().enumerate();
        let crowded: Vec<_> = keys.map(|(at, key)| self.is_crowded(at, key)).collect();
        for (key, is_crowded) in std::mem::take(&mut self.keys).into_iter().zip(crowded) {
            if !is_crowded {
                self.keys.push(key);
                continue;
            }
            let kid = key.kid;
            let reason = match kid {
                Some(_) => SkipReason::Duplicate,
                None => SkipReason::Crowded,
            };
            self.skipped.push(UnusableKey { kid, reason });
        }
    }

    fn is_crowded(&self, at: usize, key: &PreparedKey) -> bool {
        let same = |other: &&PreparedKey| other.algorithm == key.algorithm && other.kid == key.kid;
        match key.kid {
            Some(_) => self.keys.iter().filter(same).count() > MAX_SAME_KID,
            None => self.keys.iter().take(at).filter(same).count() >= MAX_CANDIDATES,
        }
    }
}

/// Keys are counted, never printed.
impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keys, skipped) = (self.keys.len(), self.skipped.len());
        write!(f, "{keys} prepared keys, {skipped} skipped")
    }
}

impl From<JsonError> for KeySetError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Values { .. } => Self::TooManyValues,
            other => Self::Json(other),
        }
    }
}

fn reasons(skipped: &[UnusableKey]) -> String {
    let mut text = String::new();
    for (index, key) in skipped.iter().take(4).enumerate() {
        text.push_str(if index == 0 { ": " } else { "; " });
        text.push_str(&key.reason.to_string());
    }
    text
}

#[cfg(test)]
mod tests;

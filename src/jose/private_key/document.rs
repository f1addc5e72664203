//! A document of keys, private or public: PEM, a JWK, or a JWK set.

use zeroize::Zeroizing;

use super::{KeyDescription, PrivateKey, PrivateKeyError, PublicKey, pem};
use crate::jose::Json;
use crate::jose::document::{ValueBudget, is_pem};
use crate::jose::key_set::MAX_KEYS;

/// A key of a document.
pub(crate) enum ReadKey {
    Private(Box<PrivateKey>),
    Public(PublicKey),
}

impl ReadKey {
    /// Every key, in order; its problem instead, if it cannot be used.
    ///
    /// # Errors
    /// [`PrivateKeyError`] if the document as a whole cannot be read, or has no key.
    pub(crate) fn read_all(
        text: &[u8],
    ) -> Result<Vec<Result<Self, PrivateKeyError>>, PrivateKeyError> {
        let keys = if is_pem(text) {
            pem::keys(text)?
        } else {
            let keys = Vec::from(ValueBudget::full().json_keys(text)?);
            let keys: Vec<Zeroizing<Json>> = keys.into_iter().map(Zeroizing::new).collect();
            if keys.len() > MAX_KEYS {
                return Err(PrivateKeyError::TooMany);
            }
            keys.iter().map(|jwk| Self::from_jwk(jwk)).collect()
        };
        if keys.is_empty() {
            return Err(PrivateKeyError::Empty);
        }
        Ok(keys)
    }

    pub(crate) fn description(&self) -> &KeyDescription {
        match self {
            Self::Private(key) => key.description(),
            Self::Public(key) => key.description(),
        }
    }

    /// The same key with a `kid`.
    #[must_use]
    pub(crate) fn with_kid(self, kid: &str) -> Self {
        let description = KeyDescription {
            kid: Some(kid.into()),
            ..self.description().clone()
        };
        match self {
            Self::Private(key) => Self::Private(Box::new(key.described(description))),
            Self::Public(key) => Self::Public(key.described(description)),
        }
    }

    /// The public half; `None` for a shared secret.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => Some(key.clone()),
        }
    }
}

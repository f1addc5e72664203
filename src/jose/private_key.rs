//! Private and shared keys: those that decrypt tokens, and those that the commands make and use.
//!
//! Every key is checked when it is read: its private part fits the public one, which passes the
//! checks of public keys. Secrets are wiped when they are dropped, and never printed.

mod check;
mod curve;
mod der;
mod document;
mod error;
mod generate;
mod jwk;
mod pem;
mod public_half;
mod sign;
mod write;

use zeroize::Zeroizing;

pub(super) use curve::{EcCurve, OkpCurve};
pub(crate) use document::ReadKey;
pub(crate) use error::PrivateKeyError;
pub(crate) use generate::NewKey;
pub(crate) use public_half::PublicKey;

pub(super) type SecretBytes = Zeroizing<Vec<u8>>;

/// A private or shared key, with everything that its JWK says of it.
pub(crate) struct PrivateKey {
    description: KeyDescription,
    material: KeyMaterial,
}

/// The members of a JWK that are not the key itself (RFC 7517 §4). All are absent for PEM.
#[derive(Clone, Default)]
pub(crate) struct KeyDescription {
    pub(crate) kid: Option<Box<str>>,
    pub(crate) alg: Option<Box<str>>,
    /// `use`
    pub(crate) purpose: Option<Box<str>>,
    /// `key_ops`
    pub(crate) operations: Option<Box<[Box<str>]>>,
}

/// The key itself. Numbers are big-endian.
pub(super) enum KeyMaterial {
    Rsa(RsaMaterial),
    /// All three have the full length of the field.
    Ec {
        curve: EcCurve,
        x: Vec<u8>,
        y: Vec<u8>,
        d: SecretBytes,
    },
    /// Both have 32 bytes.
    Okp {
        curve: OkpCurve,
        x: Vec<u8>,
        d: SecretBytes,
    },
    Oct(SecretBytes),
}

/// An RSA key of two primes (RFC 8017 §3), without leading zeros.
pub(super) struct RsaMaterial {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
    pub(super) d: SecretBytes,
    pub(super) p: SecretBytes,
    pub(super) q: SecretBytes,
    pub(super) dp: SecretBytes,
    pub(super) dq: SecretBytes,
    pub(super) qi: SecretBytes,
}

impl PrivateKey {
    /// Every key of a document, in order: PEM, a JWK, or a JWK set. A key that cannot be used has
    /// its problem instead; that of a public key is [`PrivateKeyError::PublicOnly`].
    ///
    /// # Errors
    /// [`PrivateKeyError`] if the document as a whole cannot be read, or has no key.
    pub(crate) fn read_all(
        text: &[u8],
    ) -> Result<Vec<Result<Self, PrivateKeyError>>, PrivateKeyError> {
        let keys = ReadKey::read_all(text)?.into_iter();
        let private = |key: Result<ReadKey, PrivateKeyError>| match key? {
            ReadKey::Private(key) => Ok(*key),
            ReadKey::Public(_) => Err(PrivateKeyError::PublicOnly),
        };
        Ok(keys.map(private).collect())
    }

    /// # Errors
    /// [`PrivateKeyError`]: the first check that fails.
    fn checked(
        description: KeyDescription,
        material: KeyMaterial,
    ) -> Result<Self, PrivateKeyError> {
        material.check()?;
        Ok(Self {
            description,
            material,
        })
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.description.kid.as_deref()
    }

    pub(crate) fn alg(&self) -> Option<&str> {
        self.description.alg.as_deref()
    }

    /// `use`
    pub(crate) fn purpose(&self) -> Option<&str> {
        self.description.purpose.as_deref()
    }

    /// `key_ops`
    pub(crate) fn operations(&self) -> Option<&[Box<str>]> {
        self.description.operations.as_deref()
    }

    pub(super) fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The same key with another description.
    #[must_use]
    pub(crate) fn described(self, description: KeyDescription) -> Self {
        Self {
            description,
            ..self
        }
    }

    pub(crate) fn description(&self) -> &KeyDescription {
        &self.description
    }

    /// The type and size, in words: `RSA 2048`, `EC P-256`, `oct 256`.
    pub(crate) fn kind(&self) -> String {
        match (&self.material, self.public()) {
            (KeyMaterial::Oct(secret), _) => format!("oct {}", 8 * secret.len()),
            (_, public) => public.map(|public| public.kind()).unwrap_or_default(),
        }
    }

    /// The public half; `None` for a shared secret.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        let material = self.material.public()?;
        Some(PublicKey::of(self.description.clone(), material))
    }
}

crate::escape::redact! { "PrivateKey" for PrivateKey; }

#[cfg(test)]
mod tests;

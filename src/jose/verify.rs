//! From token text to a payload whose signature holds (RFC 7515 §5.2).

use super::compact::Compact;
use super::header::JoseHeader;
use super::jwk::PreparedKey;
use super::{Algorithm, JwsError, KeySet};

/// A well-formed compact JWS. Nothing in it is proved yet.
pub struct Jws<'a> {
    pub(super) signing_input: &'a str,
    pub(super) header: JoseHeader,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A JWS whose signature was verified; only [`Jws::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedJws {
    header: JoseHeader,
}

impl<'a> Jws<'a> {
    /// Takes a compact token apart. A JWE is refused by its algorithm: none is implemented.
    ///
    /// # Errors
    /// [`JwsError::Malformed`], [`JwsError::CritUnsupported`], or [`JwsError::AlgNotAllowed`] for a JWE.
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        let compact = Compact::split(token)?;
        let header = compact.header()?;
        compact.open(header)
    }

    /// The header, unverified.
    #[must_use]
    pub fn header(&self) -> &JoseHeader {
        &self.header
    }

    /// The payload, unverified.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Verifies the signature with the keys that the header's `kid` and algorithm select. The algorithm
    /// must be allowed by the caller and fit the key; the token has no say in either.
    ///
    /// # Errors
    /// [`JwsError`]: algorithm, key, or signature.
    pub fn verify(self, keys: &KeySet, allowed: &[Algorithm]) -> Result<VerifiedJws, JwsError> {
        let good = self
            .candidates(keys, allowed)?
            .any(|key| self.is_signed_with(key));
        if good {
            return Ok(VerifiedJws {
                header: self.header,
            });
        }
        Err(JwsError::SignatureInvalid)
    }

    /// The keys that the signature is tried with; at least one.
    ///
    /// # Errors
    /// [`JwsError`]: algorithm or key, or no signature at all.
    pub(crate) fn candidates<'s>(
        &'s self,
        keys: &'s KeySet,
        allowed: &[Algorithm],
    ) -> Result<impl Iterator<Item = &'s PreparedKey> + use<'s, 'a>, JwsError> {
        let algorithm = self.header.algorithm().ok_or(JwsError::AlgNotAllowed)?;
        if !allowed.contains(&algorithm) {
            return Err(JwsError::AlgNotAllowed);
        }
        if self.signature.is_empty() {
            return Err(JwsError::Malformed);
        }
        let kid = self.header.kid();
        let mut candidates = keys.candidates(kid, algorithm).peekable();
        if candidates.peek().is_none() {
            let known = keys.knows_kid(kid);
            return Err(if known {
                JwsError::AlgNotAllowed
            } else {
                JwsError::KeyNotFound
            });
        }
        Ok(candidates)
    }

    /// Whether the signature is of this key.
    pub(crate) fn is_signed_with(&self, key: &PreparedKey) -> bool {
        key.verifies(self.signing_input.as_bytes(), &self.signature)
    }
}

impl VerifiedJws {
    /// The header that was signed.
    #[must_use]
    pub fn header(&self) -> &JoseHeader {
        &self.header
    }
}

/// The parts of a token are never printed.
impl std::fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jws(redacted)")
    }
}

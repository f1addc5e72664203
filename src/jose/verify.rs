//! Verifies the signature of a token (RFC 7515 §5.2).

#[cfg(test)]
mod tests;

use super::compact::Compact;
use super::header::JoseHeader;
use super::jwk::PreparedKey;
use super::{Algorithm, JoseError, KeySet};

/// A well-formed compact JWS, not verified.
pub struct Jws<'a> {
    pub(super) signing_input: &'a str,
    pub(super) header: JoseHeader,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A JWS with a valid signature. Only [`Jws::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedJws {
    header: JoseHeader,
}

impl<'a> Jws<'a> {
    /// Parses a compact token.
    ///
    /// # Errors
    /// [`JoseError::Malformed`], also for an encrypted token; [`JoseError::TooLarge`] or
    /// [`JoseError::CritUnsupported`].
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        match Compact::split(token)? {
            Compact::Jws(segments) => segments.open(segments.header()?),
            Compact::Jwe(_) => Err(JoseError::Malformed),
        }
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

    /// Verifies the signature with the keys that the header's `kid` and algorithm select. The
    /// caller must allow the algorithm, and it must fit the key.
    ///
    /// # Errors
    /// [`JoseError`]: algorithm, key, or signature.
    pub fn verify(self, keys: &KeySet, allowed: &[Algorithm]) -> Result<VerifiedJws, JoseError> {
        let good = self
            .candidates(keys, allowed)?
            .any(|key| self.is_signed_with(key));
        if good {
            return Ok(VerifiedJws {
                header: self.header,
            });
        }
        Err(JoseError::SignatureInvalid)
    }

    /// The keys to verify the signature with; at least one.
    ///
    /// # Errors
    /// [`JoseError`]: algorithm or key, or an empty signature.
    pub(crate) fn candidates<'s>(
        &'s self,
        keys: &'s KeySet,
        allowed: &[Algorithm],
    ) -> Result<impl Iterator<Item = &'s PreparedKey> + use<'s, 'a>, JoseError> {
        let algorithm = self.header.algorithm().ok_or(JoseError::AlgNotAllowed)?;
        if !allowed.contains(&algorithm) {
            return Err(JoseError::AlgNotAllowed);
        }
        if self.signature.is_empty() {
            return Err(JoseError::Malformed);
        }
        let kid = self.header.kid();
        let mut candidates = keys.candidates(kid, algorithm).peekable();
        if candidates.peek().is_none() {
            let known = keys.knows_kid(kid);
            return Err(if known {
                JoseError::AlgNotAllowed
            } else {
                JoseError::KeyNotFound
            });
        }
        Ok(candidates)
    }

    pub(crate) fn is_signed_with(&self, key: &PreparedKey) -> bool {
        key.verifies(self.signing_input.as_bytes(), &self.signature)
    }
}

impl VerifiedJws {
    /// The signed header.
    #[must_use]
    pub fn header(&self) -> &JoseHeader {
        &self.header
    }
}

// Token content is never printed.
crate::escape::redact! { "Jws" for Jws<'_>; }

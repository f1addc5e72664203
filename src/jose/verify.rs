//! From token text to a payload whose signature holds (RFC 7515 §5.2).

use super::compact::{self, Compact};
use super::header::Header;
use super::{Algorithm, JwsError, KeySet};

/// A well-formed compact JWS. Nothing in it is proved yet.
pub struct Jws<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A JWS whose signature was verified; only [`Jws::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedJws {
    header: Header,
}

impl<'a> Jws<'a> {
    /// Takes a compact token apart. A JWE is refused by its algorithm: none is implemented.
    ///
    /// # Errors
    /// [`JwsError::Malformed`], [`JwsError::CritUnsupported`], or [`JwsError::AlgNotAllowed`] for a JWE.
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        match Compact::split(token)? {
            Compact::Jwe { header } => {
                Header::parse(header)?;
                Err(JwsError::AlgNotAllowed)
            }
            Compact::Jws {
                signing_input,
                header,
                payload,
                signature,
            } => {
                let header = Header::parse(header)?;
                Ok(Self {
                    signing_input,
                    header,
                    payload: compact::decode(payload)?,
                    signature: compact::decode(signature)?,
                })
            }
        }
    }

    /// The header, unverified.
    #[must_use]
    pub fn header(&self) -> &Header {
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
        let signing_input = self.signing_input.as_bytes();
        let good = candidates.any(|key| key.verifies(signing_input, &self.signature));
        drop(candidates);
        if good {
            return Ok(VerifiedJws {
                header: self.header,
            });
        }
        Err(JwsError::SignatureInvalid)
    }
}

impl VerifiedJws {
    /// The header that was signed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }
}

/// The parts of a token are never printed.
impl std::fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jws(redacted)")
    }
}

//! A token before and after its signature was checked.

use crate::jose::{Algorithm, Jws, KeySet};

use super::claims::{Claims, missing};
use super::{BearerToken, Denial};

/// A well-formed token. Its claims are readable, but anybody may have written them.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    jws: Jws<'a>,
    claims: Claims,
}

/// A token whose signature holds. Only [`UnverifiedToken::verify`] makes one; it says nothing of time,
/// audience, or what a rule asks for.
#[derive(Debug)]
pub struct VerifiedToken {
    typ: Option<Box<str>>,
    claims: Claims,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token: form, header, and payload as a claims object.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], [`Denial::CritUnsupported`], or [`Denial::AlgNotAllowed`] for a JWE.
    pub fn parse(token: &BearerToken<'a>) -> Result<Self, Denial> {
        let jws = Jws::parse(token.as_str())?;
        let claims = Claims::parse(jws.payload())?;
        Ok(Self { jws, claims })
    }

    /// The `iss` that the token claims; good for nothing but choosing whose keys to try.
    ///
    /// # Errors
    /// [`Denial::ClaimMissing`] or [`Denial::ClaimInvalid`].
    pub fn issuer(&self) -> Result<&str, Denial> {
        self.claims.text("iss")?.ok_or_else(|| missing("iss"))
    }

    /// Checks the signature with an issuer's keys.
    ///
    /// # Errors
    /// The denials that correspond to [`crate::jose::JwsError`].
    pub fn verify(self, keys: &KeySet, allowed: &[Algorithm]) -> Result<VerifiedToken, Denial> {
        let verified = self.jws.verify(keys, allowed)?;
        let typ = verified.header().typ().map(Into::into);
        Ok(VerifiedToken {
            typ,
            claims: self.claims,
        })
    }
}

impl VerifiedToken {
    /// The media type from the header.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// What the issuer says.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

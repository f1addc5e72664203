//! A token before and after its signature was checked.

use crate::jose::{Algorithm, Jws, KeySet};

use super::claims::{Claims, missing};
use super::{BearerToken, Denial, UnixTime};

/// A well-formed token. Its claims are readable, but anybody may have written them.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    jws: Jws<'a>,
    claims: Claims,
}

/// A token whose signature holds, with its registered claims read. Only [`UnverifiedToken::verify`] makes one; it
/// says nothing of time, audience, or what a rule asks for.
pub struct VerifiedToken {
    pub(super) typ: Option<Box<str>>,
    pub(super) issuer: Box<str>,
    pub(super) audiences: Vec<Box<str>>,
    pub(super) expires: UnixTime,
    pub(super) not_before: Option<UnixTime>,
    pub(super) issued: Option<UnixTime>,
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

    /// The name of its key, as it says.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jws.header().kid()
    }

    /// Whether it is signed with one of these algorithms, as it says.
    #[must_use]
    pub fn is_allowed(&self, algorithms: &[Algorithm]) -> bool {
        let algorithm = self.jws.header().algorithm();
        algorithm.is_some_and(|algorithm| algorithms.contains(&algorithm))
    }

    /// Checks the signature with an issuer's keys, and then the form of the registered claims.
    ///
    /// # Errors
    /// The denials that correspond to [`crate::jose::JwsError`]; [`Denial::ClaimMissing`] and
    /// [`Denial::ClaimInvalid`] for registered claims that are absent or of the wrong type.
    pub fn verify(self, keys: &KeySet, allowed: &[Algorithm]) -> Result<VerifiedToken, Denial> {
        let verified = self.jws.verify(keys, allowed)?;
        VerifiedToken::read(verified.header().typ(), self.claims)
    }
}

impl VerifiedToken {
    fn read(typ: Option<&str>, claims: Claims) -> Result<Self, Denial> {
        // Not needed here, but a claim that cannot be read is never taken for an absent one.
        claims.text("sub")?;
        claims.text("jti")?;
        Ok(Self {
            typ: typ.map(|typ| media_type(typ).into()),
            issuer: claims.text("iss")?.ok_or_else(|| missing("iss"))?.into(),
            audiences: claims
                .texts("aud")?
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            expires: claims.time("exp")?.ok_or_else(|| missing("exp"))?,
            not_before: claims.time("nbf")?,
            issued: claims.time("iat")?,
            claims,
        })
    }

    /// Whether the token names one of these audiences.
    #[must_use]
    pub fn is_for(&self, audiences: &[Box<str>]) -> bool {
        self.audiences
            .iter()
            .any(|audience| audiences.contains(audience))
    }

    /// What the issuer says.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Claims are never printed.
impl std::fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifiedToken(redacted)")
    }
}

/// RFC 7515 §4.1.9: compared without regard to case; `application/` may be left out.
fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => typ,
    }
}

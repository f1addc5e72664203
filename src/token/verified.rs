//! A token before and after its signature was checked.

use crate::jose::{Algorithm, Jws, KeySet, allocated};

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
    pub(super) registered: Registered,
    claims: Claims,
}

/// Registered claims, each of its type (RFC 7519 §4.1). Says nothing of who wrote them.
pub(crate) struct Registered {
    pub(super) issuer: Box<str>,
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) expires: UnixTime,
    pub(super) not_before: Option<UnixTime>,
    pub(super) issued: Option<UnixTime>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token: form, header, and payload as a claims object.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], [`Denial::TokenTooLarge`] for too many values, [`Denial::CritUnsupported`], or
    /// [`Denial::AlgNotAllowed`] for a JWE.
    pub fn parse(token: &BearerToken<'a>) -> Result<Self, Denial> {
        Self::read(Jws::parse(token.as_str())?)
    }

    /// Reads the payload of a token as a claims object.
    pub(crate) fn read(jws: Jws<'a>) -> Result<Self, Denial> {
        let claims = Claims::parse(jws.payload())?;
        Ok(Self { jws, claims })
    }

    /// The token as it was signed, by whomever.
    pub(crate) fn jws(&self) -> &Jws<'a> {
        &self.jws
    }

    /// What somebody says.
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
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
        Ok(VerifiedToken {
            typ: verified.header().typ().map(media_type).map(Into::into),
            registered: Registered::read(&self.claims)?,
            claims: self.claims,
        })
    }
}

impl Registered {
    /// # Errors
    /// [`Denial::ClaimMissing`] and [`Denial::ClaimInvalid`] for the first that is absent or of the wrong type.
    pub(crate) fn read(claims: &Claims) -> Result<Self, Denial> {
        // Not needed here, but a claim that cannot be read is never taken for an absent one.
        claims.text("sub")?;
        claims.text("jti")?;
        Ok(Self {
            issuer: claims.text("iss")?.ok_or_else(|| missing("iss"))?.into(),
            audiences: audiences(claims)?.into(),
            expires: claims.time("exp")?.ok_or_else(|| missing("exp"))?,
            not_before: claims.time("nbf")?,
            issued: claims.time("iat")?,
        })
    }
}

/// The audiences that a token names.
pub(crate) fn audiences(claims: &Claims) -> Result<Vec<Box<str>>, Denial> {
    let named = claims.texts("aud")?.unwrap_or_default();
    Ok(named.into_iter().map(Into::into).collect())
}

impl VerifiedToken {
    /// The audiences that the token names.
    #[must_use]
    pub fn audiences(&self) -> &[Box<str>] {
        &self.registered.audiences
    }

    /// `exp`
    #[must_use]
    pub fn expires(&self) -> UnixTime {
        self.registered.expires
    }

    /// Bytes that it holds beyond its own size, with what the allocator adds.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        let Registered {
            issuer, audiences, ..
        } = &self.registered;
        let named = audiences.iter().map(|name| allocated(name.len()));
        let typ = self.typ.as_ref().map_or(0, |typ| allocated(typ.len()));
        let registered = allocated(issuer.len())
            + allocated(size_of_val::<[Box<str>]>(audiences))
            + named.sum::<usize>();
        typ + registered + self.claims.heap_size()
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
pub(crate) fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => typ,
    }
}

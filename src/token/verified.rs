//! A token before and after its signature is checked.

use crate::jose::{Algorithm, DecryptedContent, Jws, KeySet, allocated};

use super::claims::{Claims, claim_missing};
use super::{BearerToken, Denial, UnixTime};

/// A well-formed token. Its claims are not verified.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    jws: Jws<'a>,
    claims: Claims,
}

/// A token with a valid signature and well-formed registered claims, made by
/// [`UnverifiedToken::verify`]; or, from a trusted issuer, claims that were encrypted with a shared
/// key. Times, audiences and the demands of rules are not checked yet.
pub struct VerifiedToken {
    pub(super) typ: Option<Box<str>>,
    pub(super) registered: Registered,
    claims: Claims,
}

/// Registered claims, each of the right type (RFC 7519 §4.1). Not verified.
pub(crate) struct Registered {
    pub(super) issuer: Box<str>,
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) expires: UnixTime,
    pub(super) not_before: Option<UnixTime>,
    pub(super) issued: Option<UnixTime>,
}

impl<'a> UnverifiedToken<'a> {
    /// Parses a token: segments, header, and claims.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], [`Denial::TokenTooLarge`] for too many values,
    /// [`Denial::CritUnsupported`].
    pub fn parse(token: &BearerToken<'a>) -> Result<Self, Denial> {
        Self::read(Jws::parse(token.as_str())?)
    }

    pub(crate) fn read(jws: Jws<'a>) -> Result<Self, Denial> {
        let claims = Claims::parse(jws.payload())?;
        Ok(Self { jws, claims })
    }

    pub(crate) fn jws(&self) -> &Jws<'a> {
        &self.jws
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The unverified `iss`. It only selects the issuer whose keys are tried.
    pub(crate) fn issuer(&self) -> Result<&str, Denial> {
        self.claims.issuer()
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.jws.header().kid()
    }

    /// Returns true if its header names one of these algorithms.
    pub(crate) fn is_allowed(&self, algorithms: &[Algorithm]) -> bool {
        let algorithm = self.jws.header().algorithm();
        algorithm.is_some_and(|algorithm| algorithms.contains(&algorithm))
    }

    /// Verifies the signature with an issuer's keys, and then checks the types of the registered
    /// claims.
    ///
    /// # Errors
    /// The denials that correspond to [`crate::jose::JoseError`]; [`Denial::ClaimMissing`] and
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
    pub(crate) fn read(claims: &Claims) -> Result<Self, Denial> {
        // Not used here, but an unreadable claim must not pass as an absent one.
        claims.text("sub")?;
        claims.text("jti")?;
        Ok(Self {
            issuer: claims.issuer()?.into(),
            audiences: audiences(claims)?.into(),
            expires: claims.time("exp")?.ok_or_else(|| claim_missing("exp"))?,
            not_before: claims.time("nbf")?,
            issued: claims.time("iat")?,
        })
    }
}

pub(crate) fn audiences(claims: &Claims) -> Result<Vec<Box<str>>, Denial> {
    let named = claims.texts("aud")?.unwrap_or_default();
    Ok(named.into_iter().map(Into::into).collect())
}

impl VerifiedToken {
    /// The claims of a content that was encrypted with a key that only the issuer shares, which
    /// says who made them. The caller has checked that the issuer is trusted to do so.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`] if the key is not a shared one: anybody can encrypt to a public
    /// key. As [`UnverifiedToken::verify`] for registered claims.
    pub(crate) fn trusted(
        content: &DecryptedContent,
        claims: Claims,
        typ: Option<&str>,
    ) -> Result<Self, Denial> {
        if !content.is_from_shared_key() {
            return Err(Denial::TokenMalformed);
        }
        Ok(Self {
            typ: typ.map(media_type).map(Into::into),
            registered: Registered::read(&claims)?,
            claims,
        })
    }

    pub(crate) fn audiences(&self) -> &[Box<str>] {
        &self.registered.audiences
    }

    pub(crate) fn expires(&self) -> UnixTime {
        self.registered.expires
    }

    /// Heap bytes, allocator overhead included.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        let audiences = self.audiences();
        let texts = audiences
            .iter()
            .chain(&self.typ)
            .chain([&self.registered.issuer]);
        let texts: usize = texts.map(|text| allocated(text.len())).sum();
        allocated(size_of_val(audiences)) + texts + self.claims.heap_size()
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }
}

// Claims are never printed.
crate::escape::redact! { "VerifiedToken" for VerifiedToken; }

/// RFC 7515 §4.1.9: case is ignored, and `application/` is optional.
pub(crate) fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::VerifiedToken;
    use crate::jose::{
        ContentEncryption, DecryptionKey, EncryptionKey, Json, Jwe, KeyAlgorithm, NewKey,
        PrivateKey,
    };
    use crate::token::{Claims, Denial};

    /// Anybody can encrypt claims to a public key.
    #[test]
    fn only_claims_from_a_shared_key_can_be_trusted() {
        let claims = br#"{"iss":"a","exp":1}"#;
        for (kind, algorithm, expected) in [
            (NewKey::Oct(32), KeyAlgorithm::Dir, Ok("a")),
            (
                NewKey::P256,
                KeyAlgorithm::EcdhEs,
                Err(Denial::TokenMalformed),
            ),
        ] {
            let key = PrivateKey::generate(kind).unwrap();
            let sender = match key.public() {
                None => key.to_jwk().to_string(),
                Some(public) => {
                    let mut jwk = String::new();
                    Json::Object(public.to_jwk()).write_ascii(&mut jwk);
                    jwk
                }
            };
            let sender = EncryptionKey::parse(sender.as_bytes()).unwrap();
            let token = sender.encrypt(claims, algorithm, ContentEncryption::A256Gcm, &[]);
            let token = token.unwrap();
            let key = DecryptionKey::new(&key).unwrap();
            let content = Jwe::parse(&token).unwrap().decrypt(&key, 100).unwrap();
            let trusted = VerifiedToken::trusted(&content, Claims::parse(&content).unwrap(), None);
            let issuer = trusted.map(|token| token.registered.issuer.to_string());
            assert_eq!(issuer, expected.map(str::to_owned));
        }
    }
}

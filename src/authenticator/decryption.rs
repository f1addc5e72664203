//! Decrypts encrypted tokens, reads their content, and checks it against the issuer's terms.
//!
//! A token that decrypts proves nothing about its origin, since anybody can encrypt to a public
//! key. The content must be a signed token that passes everything else; see [`TokenContent`].

use std::sync::Arc;

use crate::jose::{Compact, DecryptedContent, JoseError, Json, Jwe, JweHeader, JwsSegments};
use crate::policy::{Issuer, IssuerId, Policy};
use crate::token::{BearerToken, Claims, Denial, claim_invalid, media_type};

/// The time at which an encrypted token is decrypted, or the result.
#[derive(Clone, Debug, Default)]
pub enum Decryption {
    /// During the decision.
    #[default]
    Now,
    /// After the decision, if it takes a private key. The decision then contains the work
    /// ([`super::Decision::to_decrypt`]).
    Later,
    /// Before the decision, with this result.
    Done(Arc<DecryptedToken>),
    /// Never, for this reason.
    Refused(Denial),
}

/// A token to decrypt with a private key.
pub struct DecryptionWork {
    policy: Arc<Policy>,
    token: Box<str>,
}

/// The result of [`DecryptionWork`]: the decrypted token, or a denial.
pub struct DecryptedToken {
    /// The policy whose keys were tried.
    policy: Arc<Policy>,
    token: Box<str>,
    result: Result<OpenedJwe, Denial>,
}

/// A decrypted token: its content, its header, and the issuers that it may be from.
#[derive(Debug)]
pub(crate) struct OpenedJwe {
    header: JweHeader,
    content: DecryptedContent,
    /// The issuers that use the key that decrypted it, and accept its algorithms.
    issuers: Vec<IssuerId>,
}

/// The content of a decrypted token, by its form.
pub(crate) enum TokenContent<'a> {
    /// A signed token, which is verified like one that was not encrypted.
    Signed(JwsSegments<'a>),
    /// Claims without a signature, from a shared key. [`OpenedJwe::check_trust`] must pass.
    Claims(Claims),
}

impl DecryptionWork {
    pub(super) fn new(policy: &Arc<Policy>, token: &BearerToken<'_>) -> Self {
        Self {
            policy: policy.clone(),
            token: token.as_str().into(),
        }
    }

    /// The estimated memory of the work and its result, in bytes: the token, its segments, its
    /// content before and after it is inflated, and its header.
    #[must_use]
    pub fn memory(&self) -> usize {
        4 * self.token.len() + self.policy.max_token_size()
    }

    /// Decrypts the token. Takes up to 12 ms for each key of RSA-8192.
    #[must_use]
    pub fn decrypt(self) -> DecryptedToken {
        let jwe = Jwe::parse(&self.token).map_err(Denial::from);
        let result = jwe.and_then(|jwe| OpenedJwe::open(&self.policy, jwe));
        DecryptedToken {
            policy: self.policy,
            token: self.token,
            result,
        }
    }
}

impl DecryptedToken {
    /// The result, if it belongs to this token, and the keys of this policy were tried.
    pub(super) fn result(
        &self,
        token: &BearerToken<'_>,
        policy: &Arc<Policy>,
    ) -> Option<Result<&OpenedJwe, Denial>> {
        let is_of = Arc::ptr_eq(&self.policy, policy) && *self.token == *token.as_str();
        is_of.then(|| self.result.as_ref().map_err(Clone::clone))
    }
}

impl OpenedJwe {
    /// Decrypts a token with the first key that can.
    ///
    /// # Errors
    /// [`Denial::DecryptFailed`] if no key can; as [`Policy::decryption_candidates`] if there is no
    /// key to try; [`Denial::TokenTooLarge`] for content that is too large when it is inflated.
    pub(crate) fn open(policy: &Policy, jwe: Jwe<'_>) -> Result<Self, Denial> {
        for candidate in policy.decryption_candidates(&jwe)?.keys {
            match jwe.decrypt(candidate.key, policy.max_token_size()) {
                Ok(content) => {
                    return Ok(Self {
                        content,
                        issuers: candidate.issuers,
                        header: jwe.into_header(),
                    });
                }
                Err(JoseError::DecryptFailed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Denial::DecryptFailed)
    }

    /// Reads the content: a signed token, or claims from a shared key. RFC 7519 §5.2: a `cty` must
    /// name a token.
    pub(crate) fn content(&self, max_size: usize) -> Result<TokenContent<'_>, Denial> {
        let cty = self.header.cty().map(media_type);
        let is_token = cty.is_none_or(|cty| cty == "jwt" || cty.ends_with("+jwt"));
        if !is_token {
            return Err(Denial::TokenTypeInvalid);
        }
        if self.content.first() == Some(&b'{') && self.content.is_from_shared_key() {
            return Ok(TokenContent::Claims(Claims::parse(&self.content)?));
        }
        let token = BearerToken::new(&self.content, max_size)?;
        match Compact::split(token.as_str())? {
            Compact::Jws(segments) => Ok(TokenContent::Signed(segments)),
            // One level of encryption.
            Compact::Jwe(_) => Err(Denial::TokenMalformed),
        }
    }

    /// Checks that the issuer of the content uses the key that decrypted it.
    pub(crate) fn check_issuer(&self, id: IssuerId) -> Result<(), Denial> {
        let is_recipient = self.issuers.contains(&id);
        is_recipient.then_some(()).ok_or(Denial::KeyNotFound)
    }

    /// Checks that the issuer is trusted to make claims without a signature.
    pub(crate) fn check_trust(issuer: &Issuer) -> Result<(), Denial> {
        let terms = issuer.encryption.as_ref();
        let is_trusted = terms.is_some_and(|terms| terms.trusts_claims);
        is_trusted.then_some(()).ok_or(Denial::TokenMalformed)
    }

    /// Checks that the claims that the header repeats equal those in the content (RFC 7519 §5.3).
    pub(crate) fn check_repeated(&self, claims: &Claims) -> Result<(), Denial> {
        let mut repeated = self.header.repeated_claims();
        let differing = repeated.find(|(name, value)| {
            let inside = claims.get(name);
            !inside.is_some_and(|inside| are_same(inside, value))
        });
        differing.map_or(Ok(()), |(name, _)| Err(claim_invalid(name)))
    }

    pub(crate) fn header(&self) -> &JweHeader {
        &self.header
    }

    /// The content, decrypted and authentic.
    pub(super) fn decrypted(&self) -> &DecryptedContent {
        &self.content
    }
}

/// Compares two claims. One audience may be a string or an array (RFC 7519 §4.1.3).
fn are_same(one: &Json, other: &Json) -> bool {
    fn single(value: &Json) -> &Json {
        match value.as_array() {
            Some([element @ Json::String(_)]) => element,
            _ => value,
        }
    }
    single(one) == single(other)
}

// Token text is never printed.
crate::escape::redact! {
    "DecryptionWork" for DecryptionWork;
    "DecryptedToken" for DecryptedToken;
}

#[cfg(test)]
mod tests;

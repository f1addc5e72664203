//! The step for encrypted tokens: which key, what content, and what must be true of it.
//!
//! A token that decrypts proves nothing about its origin, since anybody can encrypt to a public
//! key. The content must be a signed token that passes everything else; see [`TokenContent`].

use std::sync::Arc;

use crate::jose::{Compact, DecryptedContent, JoseError, Json, Jwe, JweHeader, JwsSegments};
use crate::policy::{Issuer, IssuerId, Policy};
use crate::token::{BearerToken, Claims, Denial, claim_invalid, media_type};

/// When an encrypted token is decrypted.
#[derive(Clone, Debug, Default)]
pub enum Decryption {
    /// In the course of the decision.
    #[default]
    Now,
    /// After the decision, if it takes a private key: the decision contains the work
    /// ([`super::Decision::to_decrypt`]).
    Later,
    /// Before the decision, with this result.
    Done(Arc<DecryptedToken>),
    /// Not at all, for this reason.
    Refused(Denial),
}

/// A token that is to be decrypted with a private key.
pub struct DecryptionWork {
    policy: Arc<Policy>,
    token: Box<str>,
}

/// A decrypted token, or the reason for which it cannot be decrypted.
pub struct DecryptedToken {
    /// The policy whose keys were tried.
    policy: Arc<Policy>,
    token: Box<str>,
    result: Result<OpenedJwe, Denial>,
}

/// The content of an encrypted token, with the facts that are needed to judge it.
#[derive(Debug)]
pub(crate) struct OpenedJwe {
    header: JweHeader,
    content: DecryptedContent,
    /// The issuers that use the key and accept the algorithms.
    issuers: Vec<IssuerId>,
}

/// The content of an encrypted token.
pub(crate) enum TokenContent<'a> {
    /// A signed token, which is judged like one that was not encrypted.
    Signed(JwsSegments<'a>),
    /// Claims without a signature. Only an issuer that shares the key, and says so, is trusted.
    Claims(Claims),
}

impl DecryptionWork {
    pub(super) fn new(policy: &Arc<Policy>, token: &BearerToken<'_>) -> Self {
        Self {
            policy: policy.clone(),
            token: token.as_str().into(),
        }
    }

    /// The memory that the work and its result take, in bytes: the token, its parts and its
    /// content, which may be inflated.
    #[must_use]
    pub fn memory(&self) -> usize {
        2 * self.token.len() + self.policy.max_token_size()
    }

    /// Decrypts the token. Takes up to 50 ms: four keys of RSA-8192.
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
    /// The result, if it is of this token, and the keys of this policy were tried.
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
    /// Tries the keys that may decrypt the token.
    pub(crate) fn open(policy: &Policy, jwe: Jwe<'_>) -> Result<Self, Denial> {
        for candidate in policy.decryption_candidates(&jwe)? {
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

    /// Reads the content: a signed token, or, with a shared key, claims. RFC 7519 §5.2: `cty` says
    /// `JWT` if it is a token.
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

    /// The issuer of the content must be one that the token was encrypted for.
    pub(crate) fn check_issuer(&self, id: IssuerId) -> Result<(), Denial> {
        let is_recipient = self.issuers.contains(&id);
        is_recipient.then_some(()).ok_or(Denial::KeyNotFound)
    }

    /// Claims without a signature are accepted only if the issuer shares the key, and is trusted to
    /// make them.
    pub(crate) fn check_trust(&self, issuer: &Issuer) -> Result<(), Denial> {
        let terms = issuer.encryption.as_ref();
        let is_trusted = terms.is_some_and(|terms| terms.trusts_claims);
        is_trusted.then_some(()).ok_or(Denial::TokenMalformed)
    }

    /// RFC 7519 §5.3: claims that the header repeats are the same as in the content.
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

/// RFC 7519 §4.1.3: one audience may be written as a string or as an array.
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

//! The step from a token's text to a verified token: the cache, decryption, and the signature.

use std::sync::Arc;

use crate::jose::{Compact, Jwe, JwsSegments};
use crate::policy::{Issuer, IssuerId};
use crate::token::{BearerToken, Denial, UnverifiedToken, VerifiedToken};

use super::{
    Decryption, DecryptionWork, FoundToken, IssuerKeys, Judgement, MissingKey, OpenedJwe,
    TokenContent, VerifiedTokens,
};

/// A verified token, its issuer, and the issuer's keys.
type Verified<'s> = (IssuerId, &'s IssuerKeys, Arc<VerifiedToken>);

impl<'s, 'q, C: VerifiedTokens> Judgement<'_, 's, 'q, C> {
    /// Finds the token in the cache, or verifies it and stores it there.
    pub(super) fn verify(
        &mut self,
        found: &FoundToken<'s, 'q>,
    ) -> Result<(IssuerId, Arc<VerifiedToken>), Denial> {
        let moment = self.now.monotonic;
        let digest = self.cache.digest(&found.token);
        if let Some((id, token)) = self.cache.find(&digest, self.snapshot, moment) {
            let keys = self.snapshot.keys(id, moment);
            self.decision.stale = keys.is_some_and(|keys| keys.stale);
            return Ok((id, token));
        }
        let (id, keys, token) = match Compact::split(found.token.as_str())? {
            Compact::Jws(segments) => self.verify_signed(&segments, None)?,
            Compact::Jwe(segments) => {
                let jwe = segments.open(segments.header()?)?;
                self.verify_encrypted(&found.token, jwe)?
            }
        };
        self.decision.stale = keys.stale;
        self.cache.remember(digest, id, &keys.set, &token);
        Ok((id, token))
    }

    /// Verifies a signed token: the content of `envelope`, or one that was not encrypted.
    fn verify_signed(
        &mut self,
        segments: &JwsSegments<'_>,
        envelope: Option<&OpenedJwe>,
    ) -> Result<Verified<'s>, Denial> {
        let token = UnverifiedToken::read(segments.open(segments.header()?)?)?;
        let (id, issuer) = self.issuer(token.issuer()?)?;
        match envelope {
            Some(opened) => opened.check_issuer(id)?,
            None if issuer.requires_encryption() => return Err(Denial::EncryptionRequired),
            None => {}
        }
        if !token.is_allowed(&issuer.algorithms) {
            return Err(Denial::AlgNotAllowed);
        }
        let keys = self.keys(id)?;
        let verified = token.verify(&keys.set, &issuer.algorithms);
        let token = Arc::new(verified.inspect_err(|denial| {
            if denial.depends_on_keys() {
                self.decision.missing_key = Some(MissingKey {
                    issuer: id,
                    tried: Some(keys.set.clone()),
                });
            }
        })?);
        if let Some(opened) = envelope {
            opened.check_repeated(token.claims())?;
        }
        Ok((id, keys, token))
    }

    /// Decrypts a token, now or later, and verifies its content.
    fn verify_encrypted(
        &mut self,
        token: &BearerToken<'_>,
        jwe: Jwe<'_>,
    ) -> Result<Verified<'s>, Denial> {
        let policy = &self.snapshot.policy;
        if jwe.algorithm().is_symmetric() {
            return self.verify_content(&OpenedJwe::open(policy, jwe)?);
        }
        let opened = match &self.question.decryption {
            Decryption::Now => return self.verify_content(&OpenedJwe::open(policy, jwe)?),
            Decryption::Refused(denial) => return Err(denial.clone()),
            Decryption::Done(done) => done.result(token, policy),
            Decryption::Later => None,
        };
        if let Some(opened) = opened {
            return self.verify_content(opened?);
        }
        // Denied now, without the work, if no key suits.
        policy.decryption_candidates(&jwe)?;
        self.decision.to_decrypt = Some(DecryptionWork::new(policy, token));
        Err(Denial::Overloaded)
    }

    /// Verifies the content of a decrypted token.
    fn verify_content(&mut self, opened: &OpenedJwe) -> Result<Verified<'s>, Denial> {
        match opened.content(self.snapshot.policy.max_token_size())? {
            TokenContent::Signed(segments) => self.verify_signed(&segments, Some(opened)),
            TokenContent::Claims(claims) => {
                let (id, issuer) = self.issuer(claims.issuer()?)?;
                opened.check_issuer(id)?;
                OpenedJwe::check_trust(issuer)?;
                opened.check_repeated(&claims)?;
                let keys = self.keys(id)?;
                let token =
                    VerifiedToken::trusted(opened.decrypted(), claims, opened.header().typ())?;
                Ok((id, keys, Arc::new(token)))
            }
        }
    }

    fn issuer(&mut self, url: &str) -> Result<(IssuerId, &'s Issuer), Denial> {
        let issuer = self.snapshot.policy.issuer_by_url(url);
        let (id, issuer) = issuer.ok_or(Denial::IssuerNotAllowed)?;
        self.decision.issuer = Some(issuer);
        Ok((id, issuer))
    }

    fn keys(&mut self, issuer: IssuerId) -> Result<&'s IssuerKeys, Denial> {
        let keys = self.snapshot.keys(issuer, self.now.monotonic);
        keys.ok_or_else(|| {
            let tried = None;
            self.decision.missing_key = Some(MissingKey { issuer, tried });
            Denial::JwksUnavailable
        })
    }
}

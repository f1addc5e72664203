//! The core: makes a decision from a request, a snapshot of policy and keys, and the time.
//!
//! The steps, in order: rule → token text → verified token → claims and rule at `now` → verdict. No
//! clock, no I/O, no runtime. Each step returns a type that only it can make, so skipping a step
//! does not compile.

mod decision;
mod decryption;
mod question;
mod snapshot;

pub use decision::{Allow, Decision, MissingKey, Verdict};
pub use decryption::{DecryptedToken, Decryption, DecryptionWork};
pub use question::Question;
pub use snapshot::{IssuerKeys, Snapshot};

pub(crate) use decryption::{OpenedJwe, TokenContent};
pub(crate) use question::RawToken;

use std::sync::Arc;

use bytes::Bytes;

use crate::jose::{Compact, Jwe, JwsSegments, KeySet};
use crate::policy::{Credential, Demand, Issuer, IssuerId, NoRule, Requirement, TokenFrom};
use crate::token::{
    BearerToken, CurrentTime, Denial, Moment, Removal, UnverifiedToken, VerifiedToken,
};

/// A cache of tokens whose signatures were checked. Times, audiences and rules are still checked on
/// every request.
pub trait VerifiedTokens {
    /// The digest under which a token is stored.
    type Digest;

    /// Computes a keyed digest of all the token's bytes.
    fn digest(&self, token: &BearerToken<'_>) -> Self::Digest;

    /// Returns the token if it was verified with exactly the keys that its issuer has now.
    fn find(
        &self,
        digest: &Self::Digest,
        snapshot: &Snapshot,
        moment: Moment,
    ) -> Option<(IssuerId, Arc<VerifiedToken>)>;

    /// Stores a token that `keys` verified.
    fn remember(
        &self,
        digest: Self::Digest,
        issuer: IssuerId,
        keys: &Arc<KeySet>,
        token: &Arc<VerifiedToken>,
    );
}

/// Decides one question.
pub fn authenticate<'s, C: VerifiedTokens>(
    snapshot: &'s Snapshot,
    question: &Question<'_>,
    now: impl Into<CurrentTime>,
    cache: &C,
) -> Decision<'s> {
    let mut judgement = Judgement {
        snapshot,
        question,
        now: now.into(),
        cache,
        decision: Decision::default(),
    };
    match judgement.decide() {
        Ok(allow) => judgement.decision.verdict = Verdict::Allow(allow),
        Err(denial) if snapshot.policy.is_shadow(judgement.decision.rule) => {
            judgement.decision.verdict = Verdict::Allow(judgement.anonymous());
            judgement.decision.shadowed = Some(denial);
        }
        Err(denial) => judgement.decision.verdict = Verdict::Deny(denial),
    }
    judgement.decision
}

/// A decision in progress. It has the rule and the issuer once they are known, so denials carry
/// them too.
struct Judgement<'j, 's, 'q, C> {
    snapshot: &'s Snapshot,
    question: &'j Question<'q>,
    now: CurrentTime,
    cache: &'j C,
    decision: Decision<'s>,
}

/// A token's text and its place in the request; no place if the caller passed the token itself.
struct FoundToken<'s, 'q> {
    token: BearerToken<'q>,
    place: Option<&'s TokenFrom>,
}

impl<'s, 'q, C: VerifiedTokens> Judgement<'_, 's, 'q, C> {
    fn decide(&mut self) -> Result<Allow, Denial> {
        if let Some(request) = &self.question.request {
            let selected = self.snapshot.policy.rules().select(request);
            self.decision.rule = selected.inspect_err(|cause| {
                if let NoRule::Spelling(near_miss) = cause {
                    self.decision.near_miss = Some(*near_miss);
                }
            })?;
        }
        match self.decision.rule.map(|rule| &rule.requirement) {
            Some(Requirement::None) if self.question.demand.is_none() => Ok(self.anonymous()),
            Some(Requirement::None) | None => self.with_token(None),
            Some(Requirement::Token(demand)) => self.with_token(Some(demand)),
        }
    }

    fn with_token(&mut self, demand: Option<&Demand>) -> Result<Allow, Denial> {
        let further = self.question.demand.as_ref();
        let Some(found) = self.find_token()? else {
            let optional = demand.is_some_and(|demand| demand.optional) && further.is_none();
            return match &self.question.request {
                _ if !optional => Err(Denial::TokenMissing),
                Some(request) if self.snapshot.policy.overlooks_token(request) => {
                    Err(Denial::TokenMalformed)
                }
                _ => Ok(self.anonymous()),
            };
        };
        let (id, token) = self.verify(&found)?;
        self.decision.token = Some(token.clone());
        let issuer = self.snapshot.policy.issuer(id).ok_or(Denial::Internal)?;
        self.decision.issuer = Some(issuer);
        if found.place.is_some_and(|place| !place.admits(id)) {
            return Err(Denial::IssuerNotAllowed);
        }
        issuer.expectations.check(&token, self.now.unix)?;
        for demand in demand.into_iter().chain(further) {
            demand.check(id, &token)?;
        }
        let set = issuer.headers.render(token.claims())?;
        Ok(Allow {
            token: Some(token),
            remove: self.to_remove(&set),
            set,
            credential: self.credential(issuer, &found),
        })
    }

    fn anonymous(&self) -> Allow {
        Allow {
            token: None,
            set: Vec::new(),
            remove: self.to_remove(&[]),
            credential: None,
        }
    }

    fn to_remove(&self, set: &[(Bytes, Bytes)]) -> Vec<Bytes> {
        let request = self.question.request.as_ref();
        let headers = request.map_or(&[][..], |request| &request.headers);
        let managed = self.snapshot.policy.managed_headers();
        managed.to_remove(set, headers)
    }

    fn credential(&self, issuer: &Issuer, found: &FoundToken<'_, '_>) -> Option<Removal> {
        let (request, place) = (self.question.request.as_ref()?, found.place?);
        (!issuer.forward_token).then(|| place.location.removal(request))
    }

    fn find_token(&self) -> Result<Option<FoundToken<'s, 'q>>, Denial> {
        let policy = &self.snapshot.policy;
        match (&self.question.token, &self.question.request) {
            (Some(RawToken(text)), _) => {
                let token = BearerToken::new(text, policy.max_token_size())?;
                Ok(Some(FoundToken { token, place: None }))
            }
            (None, Some(request)) => {
                let found = policy.credential(request)?;
                Ok(found.map(|Credential { token, place }| FoundToken {
                    token,
                    place: Some(place),
                }))
            }
            (None, None) => Ok(None),
        }
    }

    fn verify(
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
                self.with_decrypted(&found.token, jwe, Self::verify_content)?
            }
        };
        self.decision.stale = keys.stale;
        self.cache.remember(digest, id, &keys.set, &token);
        Ok((id, token))
    }

    /// Verifies a signed token, which was the content of an encrypted one or not.
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

    fn verify_content(&mut self, opened: &OpenedJwe) -> Result<Verified<'s>, Denial> {
        match opened.content(self.snapshot.policy.max_token_size())? {
            TokenContent::Signed(segments) => self.verify_signed(&segments, Some(opened)),
            TokenContent::Claims(claims) => {
                let (id, issuer) = self.issuer(claims.issuer()?)?;
                opened.check_issuer(id)?;
                opened.check_trust(issuer)?;
                opened.check_repeated(&claims)?;
                let keys = self.keys(id)?;
                let token =
                    VerifiedToken::trusted(opened.decrypted(), claims, opened.header().typ())?;
                Ok((id, keys, Arc::new(token)))
            }
        }
    }

    /// Decrypts a token, now or later, and goes on with its content.
    fn with_decrypted<T>(
        &mut self,
        token: &BearerToken<'_>,
        jwe: Jwe<'_>,
        proceed: impl FnOnce(&mut Self, &OpenedJwe) -> Result<T, Denial>,
    ) -> Result<T, Denial> {
        let policy = &self.snapshot.policy;
        if jwe.algorithm().is_symmetric() {
            return proceed(self, &OpenedJwe::open(policy, jwe)?);
        }
        let opened = match &self.question.decryption {
            Decryption::Now => return proceed(self, &OpenedJwe::open(policy, jwe)?),
            Decryption::Refused(denial) => return Err(denial.clone()),
            Decryption::Done(done) => done.result(token, policy),
            Decryption::Later => None,
        };
        if let Some(opened) = opened {
            return proceed(self, opened?);
        }
        // Denied now, without the work, if no key suits.
        policy.decryption_candidates(&jwe)?;
        self.decision.to_decrypt = Some(DecryptionWork::new(policy, token));
        Err(Denial::Overloaded)
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

/// A verified token, its issuer, and the issuer's keys.
type Verified<'s> = (IssuerId, &'s IssuerKeys, Arc<VerifiedToken>);

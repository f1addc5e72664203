//! The core: makes a decision from a request, a snapshot of policy and keys, and the time.
//!
//! The steps, in order: rule → token text → verified token → claims and rule at `now` → verdict. No
//! clock, no I/O, no runtime. Each step returns a type that only it can make, so skipping a step
//! does not compile.

mod decision;
mod decryption;
mod question;
mod snapshot;
mod verification;

pub use decision::{Allow, Decision, MissingKey, Verdict};
pub use decryption::{DecryptedToken, Decryption, DecryptionWork};
pub use question::Question;
pub use snapshot::{IssuerKeys, Snapshot};

pub(crate) use decryption::{OpenedJwe, TokenContent};
pub(crate) use question::RawToken;

use std::sync::Arc;

use bytes::Bytes;

use crate::jose::KeySet;
use crate::policy::{Credential, Demand, Issuer, IssuerId, NoRule, Requirement, TokenFrom};
use crate::token::{BearerToken, CurrentTime, Denial, Moment, Removal, VerifiedToken};

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
}

//! The core: a request, a snapshot of policy and keys, and a time become a decision.
//!
//! One way, start to end: rule → token text → verified token → claims and rule at `now` → verdict.
//! Pure: no clock, no I/O, no runtime. Each step hands on a type that only it can make, so that
//! skipping one does not compile.

use std::sync::Arc;

use bytes::Bytes;

use crate::jose::KeySet;
use crate::policy::{Demand, Issuer, Policy, Requirement, Rule, TokenSource};
use crate::request::Request;
use crate::token::{BearerToken, Denial, Location, UnixTime, UnverifiedToken, VerifiedToken};

/// Policy and keys as they are at one moment. A request is judged by one snapshot from start to end.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Issuers and rules.
    pub policy: Arc<Policy>,
    /// The keys of each issuer, by its position; `None` until they are first available.
    pub keys: Vec<Option<Arc<KeySet>>>,
}

/// Remembers tokens whose signatures were checked. Says nothing of times, audiences or rules, which are
/// judged on every request.
pub trait VerifiedTokens {
    /// The digest under which a token is remembered.
    type Digest;

    /// Digests all bytes of a token, under a key of this process.
    fn digest(&self, token: &BearerToken<'_>) -> Self::Digest;

    /// A token that was verified with exactly these keys, and its issuer's position.
    fn find(
        &self,
        digest: &Self::Digest,
        snapshot: &Snapshot,
    ) -> Option<(usize, Arc<VerifiedToken>)>;

    /// Remembers a token that `keys` verified.
    fn remember(
        &self,
        digest: Self::Digest,
        issuer: usize,
        keys: &Arc<KeySet>,
        token: &Arc<VerifiedToken>,
    );
}

/// The outcome, with what led to it.
#[derive(Debug)]
pub struct Decision<'s> {
    /// The rule that was applied, with its position; `None` where there are no rules, or none was reached.
    pub rule: Option<(usize, &'s Rule)>,
    /// The issuer, with its position, once the token's signature was checked or its issuer chosen.
    pub issuer: Option<(usize, &'s Issuer)>,
    /// Allow or deny.
    pub verdict: Verdict,
}

/// May the request pass?
#[derive(Debug)]
pub enum Verdict {
    /// It may.
    Allow(Allow),
    /// It may not.
    Deny(Denial),
}

/// An allow. Only the checks in this module make one.
#[derive(Debug)]
pub struct Allow {
    token: Option<Arc<VerifiedToken>>,
    set: Vec<(Bytes, Bytes)>,
    remove: Vec<Bytes>,
    consumed: Option<Location>,
}

impl Allow {
    /// The token that was accepted; `None` for an anonymous request.
    #[must_use]
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.token.as_deref()
    }

    /// Headers to set on the request that goes upstream, replacing any of the same name.
    #[must_use]
    pub fn set(&self) -> &[(Bytes, Bytes)] {
        &self.set
    }

    /// Headers to remove from it; never one that is set.
    #[must_use]
    pub fn remove(&self) -> &[Bytes] {
        &self.remove
    }

    /// Where the credential must be taken out before the request goes upstream.
    #[must_use]
    pub fn consumed(&self) -> Option<&Location> {
        self.consumed.as_ref()
    }
}

/// Judges one request.
pub fn authenticate<'s, C: VerifiedTokens>(
    snapshot: &'s Snapshot,
    request: &Request<'_>,
    now: UnixTime,
    cache: &C,
) -> Decision<'s> {
    let mut decision = Decision {
        rule: None,
        issuer: None,
        verdict: Verdict::Deny(Denial::Internal),
    };
    let verdict = Judgement {
        snapshot,
        request,
        now,
        cache,
        decision: &mut decision,
    }
    .run();
    decision.verdict = verdict.map_or_else(Verdict::Deny, Verdict::Allow);
    decision
}

/// A judgement under way; notes rule and issuer as they become known, so that denials carry them too.
struct Judgement<'j, 's, 'r, C> {
    snapshot: &'s Snapshot,
    request: &'j Request<'r>,
    now: UnixTime,
    cache: &'j C,
    decision: &'j mut Decision<'s>,
}

/// A token's text and the place where it stood.
struct Found<'s, 'r> {
    token: BearerToken<'r>,
    source: &'s TokenSource,
}

impl<'s, 'r, C: VerifiedTokens> Judgement<'_, 's, 'r, C> {
    fn run(mut self) -> Result<Allow, Denial> {
        let rule = self.snapshot.policy.rules().select(self.request)?;
        self.decision.rule = rule;
        match rule.map(|(_, rule)| &rule.requirement) {
            Some(Requirement::None) => Ok(self.anonymous()),
            Some(Requirement::Token(demand)) => self.with_token(Some(demand)),
            None => self.with_token(None),
        }
    }

    fn with_token(&mut self, demand: Option<&Demand>) -> Result<Allow, Denial> {
        let Some(found) = self.find_token()? else {
            let optional = demand.is_some_and(|demand| demand.optional);
            return if optional {
                Ok(self.anonymous())
            } else {
                Err(Denial::TokenMissing)
            };
        };
        let (index, token) = self.verify(&found)?;
        let issuer = self
            .snapshot
            .policy
            .issuers()
            .get(index)
            .ok_or(Denial::Internal)?;
        self.decision.issuer = Some((index, issuer));
        if !found.source.admits(index) {
            return Err(Denial::IssuerNotAllowed);
        }
        issuer.expectations.check(&token, self.now)?;
        if let Some(demand) = demand {
            demand.check(index, token.claims())?;
        }
        let set = issuer.headers.render(token.claims())?;
        let remove = self.snapshot.policy.managed().to_remove(&set, self.request);
        let consumed = (!issuer.forward_token).then(|| found.source.location.clone());
        Ok(Allow {
            token: Some(token),
            set,
            remove,
            consumed,
        })
    }

    fn anonymous(&self) -> Allow {
        let remove = self.snapshot.policy.managed().to_remove(&[], self.request);
        Allow {
            token: None,
            set: Vec::new(),
            remove,
            consumed: None,
        }
    }

    /// Looks at every place, so that a second credential anywhere is noticed.
    fn find_token(&self) -> Result<Option<Found<'s, 'r>>, Denial> {
        let policy = &self.snapshot.policy;
        let mut found = None;
        for source in policy.sources() {
            let Some(text) = source.location.find(self.request)? else {
                continue;
            };
            if found.is_some() {
                return Err(Denial::TokenMalformed);
            }
            let token = BearerToken::new(text, policy.max_token_size())?;
            found = Some(Found { token, source });
        }
        Ok(found)
    }

    fn verify(&mut self, found: &Found<'s, 'r>) -> Result<(usize, Arc<VerifiedToken>), Denial> {
        let digest = self.cache.digest(&found.token);
        if let Some(known) = self.cache.find(&digest, self.snapshot) {
            return Ok(known);
        }
        let token = UnverifiedToken::parse(&found.token)?;
        let issuer = self.snapshot.policy.issuer_by_url(token.issuer()?);
        let (index, issuer) = issuer.ok_or(Denial::IssuerNotAllowed)?;
        self.decision.issuer = Some((index, issuer));
        let keys = self.snapshot.keys.get(index).and_then(Option::as_ref);
        let keys = keys.ok_or(Denial::JwksUnavailable)?;
        let token = Arc::new(token.verify(keys, &issuer.algorithms)?);
        self.cache.remember(digest, index, keys, &token);
        Ok((index, token))
    }
}

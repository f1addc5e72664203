//! The core: makes a decision from a request, a snapshot of policy and keys, and the time.
//!
//! The steps, in order: rule → token text → verified token → claims and rule at `now` → verdict. No
//! clock, no I/O, no runtime. Each step returns a type that only it can make, so skipping a step
//! does not compile.

mod question;
mod snapshot;

pub use question::{Question, RawToken};
pub use snapshot::{IssuerKeys, Snapshot};

use std::sync::Arc;

use bytes::Bytes;

use crate::jose::KeySet;
use crate::policy::{Demand, Issuer, IssuerId, NearMiss, NoRule, Requirement, Rule, TokenFrom};
use crate::token::{
    BearerToken, CurrentTime, Denial, Moment, Removal, UnverifiedToken, VerifiedToken,
};

/// A cache of tokens whose signatures were checked. Times, audiences and rules are still checked on
/// every request.
pub trait VerifiedTokens {
    /// The key of the cache.
    type Digest;

    /// Returns a keyed digest of all the token's bytes.
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

/// A verdict, with the facts that logs and metrics need.
#[derive(Debug)]
pub struct Decision<'s> {
    /// The rule that applies; `None` if there are no rules, or the request was denied before one
    /// was chosen.
    pub rule: Option<&'s Rule>,
    /// The token's issuer, if it got far enough to be known.
    pub issuer: Option<&'s Issuer>,
    /// The rule that another spelling of the request would match, if that is why it is denied.
    pub near_miss: Option<NearMiss<'s>>,
    /// Allow or deny.
    pub verdict: Verdict,
    /// The denial that shadow mode turned into an allow.
    pub shadowed: Option<Denial>,
    /// The token, if its signature is valid, whatever the verdict.
    pub token: Option<Arc<VerifiedToken>>,
    /// The key to fetch, if a newer key set could turn the denial into an allow.
    pub missing_key: Option<MissingKey>,
    /// True if the token was verified with keys that are overdue for a refresh.
    pub stale: bool,
}

impl Decision<'_> {
    /// The reason for operators: `allowed`, `anonymous`, or the code of the denial, even a shadowed
    /// one.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match &self.shadowed {
            Some(denial) => denial.code(),
            None => self.verdict.reason(),
        }
    }
}

/// A key that a token needs and that its issuer's key set lacks.
#[derive(Clone)]
pub struct MissingKey {
    /// The key's issuer.
    pub issuer: IssuerId,
    /// The keys that the token was judged by; `None` if there were none.
    pub tried: Option<Arc<KeySet>>,
}

/// Leaves out the key set, which is long.
impl std::fmt::Debug for MissingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MissingKey({:?})", self.issuer)
    }
}

/// The answer to a question.
#[derive(Debug)]
pub enum Verdict {
    /// The request may pass.
    Allow(Allow),
    /// The request is refused.
    Deny(Denial),
}

impl Verdict {
    /// The reason for operators: `allowed`, `anonymous`, or the code of the denial.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Allow(Allow { token: Some(_), .. }) => Self::ALLOWED,
            Self::Allow(Allow { token: None, .. }) => Self::ANONYMOUS,
            Self::Deny(denial) => denial.code(),
        }
    }

    /// The reason of an allow for a good token.
    pub const ALLOWED: &'static str = "allowed";
    /// The reason of an allow without a token.
    pub const ANONYMOUS: &'static str = "anonymous";
}

/// An allow. Only the checks in this module make one.
pub struct Allow {
    token: Option<Arc<VerifiedToken>>,
    set: Vec<(Bytes, Bytes)>,
    remove: Vec<Bytes>,
    credential: Option<Removal>,
}

/// Header values are claims, so only their number is shown.
impl std::fmt::Debug for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Allow({} headers set)", self.set.len())
    }
}

impl Allow {
    /// The accepted token; `None` for an anonymous request.
    #[must_use]
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.token.as_deref()
    }

    /// Headers to set on the upstream request, replacing any of the same name.
    #[must_use]
    pub fn headers_to_set(&self) -> &[(Bytes, Bytes)] {
        &self.set
    }

    /// Headers to remove from the upstream request; never one that is set.
    #[must_use]
    pub fn headers_to_remove(&self) -> &[Bytes] {
        &self.remove
    }

    /// The part of the upstream request that holds the credential, if it must be removed.
    #[must_use]
    pub fn credential_removal(&self) -> Option<&Removal> {
        self.credential.as_ref()
    }
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
        rule: None,
        near_miss: None,
        issuer: None,
        token: None,
        missing_key: None,
        stale: false,
    };
    let (verdict, shadowed) = match judgement.run() {
        Ok(allow) => (Verdict::Allow(allow), None),
        Err(denial) if snapshot.policy.is_shadow(judgement.rule) => {
            (Verdict::Allow(judgement.anonymous()), Some(denial))
        }
        Err(denial) => (Verdict::Deny(denial), None),
    };
    Decision {
        rule: judgement.rule,
        near_miss: judgement.near_miss,
        issuer: judgement.issuer,
        verdict,
        shadowed,
        token: judgement.token,
        missing_key: judgement.missing_key,
        stale: judgement.stale,
    }
}

/// A decision in progress. Keeps the rule and the issuer once they are known, so denials carry them
/// too.
struct Judgement<'j, 's, 'q, C> {
    snapshot: &'s Snapshot,
    question: &'j Question<'q>,
    now: CurrentTime,
    cache: &'j C,
    rule: Option<&'s Rule>,
    near_miss: Option<NearMiss<'s>>,
    issuer: Option<&'s Issuer>,
    token: Option<Arc<VerifiedToken>>,
    missing_key: Option<MissingKey>,
    stale: bool,
}

/// A token's text and its place in the request; no place if the caller passed the token itself.
struct Found<'s, 'q> {
    token: BearerToken<'q>,
    place: Option<&'s TokenFrom>,
}

impl<'s, 'q, C: VerifiedTokens> Judgement<'_, 's, 'q, C> {
    fn run(&mut self) -> Result<Allow, Denial> {
        if let Some(request) = &self.question.request {
            let selected = self.snapshot.policy.rules().select(request);
            self.rule = selected.inspect_err(|cause| {
                if let NoRule::Spelling(near_miss) = cause {
                    self.near_miss = Some(*near_miss);
                }
            })?;
        }
        let demanded = self.question.demand.is_some();
        match self.rule.map(|rule| &rule.requirement) {
            Some(Requirement::None) if !demanded => Ok(self.anonymous()),
            Some(Requirement::None) | None => self.with_token(None),
            Some(Requirement::Token(demand)) => self.with_token(Some(demand)),
        }
    }

    fn with_token(&mut self, demand: Option<&Demand>) -> Result<Allow, Denial> {
        let further = self.question.demand.as_ref();
        let Some(found) = self.find_token()? else {
            let optional = demand.is_some_and(|demand| demand.optional) && further.is_none();
            return if !optional {
                Err(Denial::TokenMissing)
            } else if self.overlooks_token() {
                Err(Denial::TokenMalformed)
            } else {
                Ok(self.anonymous())
            };
        };
        let (id, token) = self.verify(&found)?;
        self.token = Some(token.clone());
        let policy = self.snapshot.policy();
        let issuer = policy.issuer(id).ok_or(Denial::Internal)?;
        self.issuer = Some(issuer);
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
        let headers = self.question.request.as_ref();
        let headers = headers.map_or(&[][..], |request| &request.headers);
        self.snapshot
            .policy
            .managed_headers()
            .to_remove(set, headers)
    }

    fn credential(&self, issuer: &Issuer, found: &Found<'_, '_>) -> Option<Removal> {
        let (request, place) = (self.question.request.as_ref()?, found.place?);
        (!issuer.forward_token).then(|| place.location.removal(request))
    }

    fn overlooks_token(&self) -> bool {
        let request = self.question.request.as_ref();
        request.is_some_and(|request| self.snapshot.policy().overlooks_token(request))
    }

    fn find_token(&self) -> Result<Option<Found<'s, 'q>>, Denial> {
        let policy = self.snapshot.policy();
        match (&self.question.token, &self.question.request) {
            (Some(RawToken(text)), _) => {
                let token = BearerToken::new(text, policy.max_token_size())?;
                Ok(Some(Found { token, place: None }))
            }
            (None, Some(request)) => {
                let found = policy.credential(request)?;
                Ok(found.map(|found| Found {
                    token: found.token,
                    place: Some(found.place),
                }))
            }
            (None, None) => Ok(None),
        }
    }

    fn verify(&mut self, found: &Found<'s, 'q>) -> Result<(IssuerId, Arc<VerifiedToken>), Denial> {
        let moment = self.now.monotonic;
        let digest = self.cache.digest(&found.token);
        if let Some((id, token)) = self.cache.find(&digest, self.snapshot, moment) {
            self.stale = self
                .snapshot
                .keys(id, moment)
                .is_some_and(|keys| keys.stale);
            return Ok((id, token));
        }
        let token = UnverifiedToken::parse(&found.token)?;
        let issuer = self.snapshot.policy().issuer_by_url(token.issuer()?);
        let (id, issuer) = issuer.ok_or(Denial::IssuerNotAllowed)?;
        self.issuer = Some(issuer);
        if !token.is_allowed(&issuer.algorithms) {
            return Err(Denial::AlgNotAllowed);
        }
        let missing_key = |tried| MissingKey { issuer: id, tried };
        let Some(keys) = self.snapshot.keys(id, moment) else {
            self.missing_key = Some(missing_key(None));
            return Err(Denial::JwksUnavailable);
        };
        let missing_key = missing_key(Some(keys.set.clone()));
        let verified = token.verify(&keys.set, &issuer.algorithms);
        let token = Arc::new(verified.inspect_err(|denial| {
            self.missing_key = denial.depends_on_keys().then_some(missing_key);
        })?);
        self.stale = keys.stale;
        self.cache.remember(digest, id, &keys.set, &token);
        Ok((id, token))
    }
}

//! A rule's demands on a token.

use crate::jose::Json;
use crate::token::{Audiences, ClaimPath, Claims, Denial, VerifiedToken};

use super::IssuerId;

#[derive(Debug)]
pub(crate) enum Requirement {
    /// `require: none`: the request passes as anonymous, and a token is ignored.
    None,
    Token(Demand),
}

/// The demands on a token that is valid for its issuer.
#[derive(Debug)]
pub(crate) struct Demand {
    /// True if a request without a token passes as anonymous. A bad token is still denied.
    pub(crate) optional: bool,
    /// The accepted issuers; empty for any.
    pub(crate) issuers: Vec<IssuerId>,
    /// The token must name one of these audiences, in addition to one of the issuer's.
    pub(crate) audiences: Audiences,
    /// Scopes that the token must have, all of them.
    pub(crate) scopes: Vec<Box<str>>,
    /// Tests on claims; all must pass.
    pub(crate) claims: Vec<ClaimRule>,
}

#[derive(Debug)]
pub(crate) struct ClaimRule {
    pub(crate) path: ClaimPath,
    pub(crate) test: ClaimTest,
}

/// A comparison by type and value, without coercion. Numbers are equal if their text is.
#[derive(Debug)]
pub(crate) enum ClaimTest {
    Equals(Vec<Json>),
    /// The claim is an array that contains one of these.
    Contains(Vec<Json>),
    /// The claim is an array that contains all of these.
    ContainsAll(Vec<Json>),
}

impl Requirement {
    pub(crate) fn admits_anonymous(&self) -> bool {
        match self {
            Self::None => true,
            Self::Token(demand) => demand.optional,
        }
    }
}

impl Demand {
    /// Checks a token that is valid for its issuer.
    ///
    /// # Errors
    /// [`Denial::IssuerNotAllowed`], [`Denial::AudienceMismatch`], [`Denial::InsufficientScope`],
    /// [`Denial::PolicyDenied`], or [`Denial::ClaimInvalid`] for a scope of an impossible type.
    pub(crate) fn check(&self, issuer: IssuerId, token: &VerifiedToken) -> Result<(), Denial> {
        let claims = token.claims();
        self.check_issuer(issuer)?;
        self.audiences.check(token.audiences())?;
        self.check_scopes(claims)?;
        self.claims.iter().try_for_each(|rule| rule.check(claims))
    }

    pub(crate) fn check_issuer(&self, issuer: IssuerId) -> Result<(), Denial> {
        let accepted = self.issuers.is_empty() || self.issuers.contains(&issuer);
        accepted.then_some(()).ok_or(Denial::IssuerNotAllowed)
    }

    pub(crate) fn check_scopes(&self, claims: &Claims) -> Result<(), Denial> {
        if self.scopes.is_empty() {
            return Ok(());
        }
        let scopes = claims.scopes()?;
        if self.scopes.iter().all(|wanted| scopes.contains(&&**wanted)) {
            return Ok(());
        }
        Err(Denial::InsufficientScope {
            scope: self.scopes.join(" ").into(),
        })
    }
}

impl ClaimRule {
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), Denial> {
        let claim = claims.at(&self.path);
        let passes = claim.is_some_and(|claim| self.test.passes(claim));
        passes.then_some(()).ok_or(Denial::PolicyDenied)
    }
}

impl ClaimTest {
    pub(crate) fn values(&self) -> &[Json] {
        let (Self::Equals(values) | Self::Contains(values) | Self::ContainsAll(values)) = self;
        values
    }

    fn passes(&self, claim: &Json) -> bool {
        let elements = claim.as_array();
        let has = |value| elements.is_some_and(|elements| elements.contains(value));
        match self {
            Self::Equals(values) => values.contains(claim),
            Self::Contains(values) => values.iter().any(has),
            Self::ContainsAll(values) => elements.is_some() && values.iter().all(has),
        }
    }
}

//! A rule's demands on a token.

use std::sync::Arc;

use crate::jose::Json;
use crate::token::{Audiences, ClaimPath, Claims, Denial, VerifiedToken};

use super::IssuerId;

/// The requirement of a rule.
#[derive(Debug)]
pub enum Requirement {
    /// `require: none`: the request passes as anonymous, and a token is ignored.
    None,
    /// A token that meets the demand.
    Token(Demand),
}

/// The demands on a token that is valid for its issuer. By default there are none.
#[derive(Debug)]
pub struct Demand {
    /// True if a request without a token passes as anonymous. A bad token is still denied.
    pub optional: bool,
    /// The accepted issuers; empty for any.
    pub issuers: Vec<IssuerId>,
    /// The token must name one of these audiences, in addition to one of the issuer's.
    pub audiences: Audiences,
    /// Scopes that the token must have, all of them.
    pub scopes: Vec<Box<str>>,
    /// `scopes`, separated by spaces, for the challenge.
    pub scope_text: Arc<str>,
    /// Tests on claims; all must pass.
    pub claims: Vec<ClaimRule>,
}

/// A test for one claim.
#[derive(Debug)]
pub struct ClaimRule {
    /// The claim.
    pub path: ClaimPath,
    /// The test.
    pub test: ClaimTest,
}

/// A comparison by type and value, without coercion. Numbers are equal if their text is.
#[derive(Debug)]
pub enum ClaimTest {
    /// The claim is one of these.
    Equals(Vec<Json>),
    /// The claim is an array that contains one of these.
    Contains(Vec<Json>),
    /// The claim is an array that contains all of these.
    ContainsAll(Vec<Json>),
}

impl Requirement {
    /// Returns true if a request may pass without a token.
    #[must_use]
    pub fn admits_anonymous(&self) -> bool {
        match self {
            Self::None => true,
            Self::Token(demand) => demand.optional,
        }
    }
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            optional: false,
            issuers: Vec::new(),
            audiences: Audiences::Any,
            scopes: Vec::new(),
            scope_text: Arc::from(""),
            claims: Vec::new(),
        }
    }
}

impl Demand {
    /// Checks a token that is valid for its issuer.
    ///
    /// # Errors
    /// [`Denial::IssuerNotAllowed`], [`Denial::AudienceMismatch`], [`Denial::InsufficientScope`],
    /// [`Denial::PolicyDenied`], or [`Denial::ClaimInvalid`] for a scope of an impossible type.
    pub fn check(&self, issuer: IssuerId, token: &VerifiedToken) -> Result<(), Denial> {
        let claims = token.claims();
        self.check_issuer(issuer)?;
        self.audiences.check(token.audiences())?;
        self.check_scopes(claims)?;
        self.claims.iter().try_for_each(|rule| rule.check(claims))
    }

    pub(crate) fn check_issuer(&self, issuer: IssuerId) -> Result<(), Denial> {
        if self.issuers.is_empty() || self.issuers.contains(&issuer) {
            Ok(())
        } else {
            Err(Denial::IssuerNotAllowed)
        }
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
            scope: self.scope_text.clone(),
        })
    }
}

impl ClaimRule {
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), Denial> {
        let claim = claims.at(&self.path);
        if claim.is_some_and(|claim| self.test.passes(claim)) {
            Ok(())
        } else {
            Err(Denial::PolicyDenied)
        }
    }
}

impl ClaimTest {
    /// The values to compare with.
    #[must_use]
    pub fn values(&self) -> &[Json] {
        let (Self::Equals(values) | Self::Contains(values) | Self::ContainsAll(values)) = self;
        values
    }

    fn passes(&self, claim: &Json) -> bool {
        match self {
            Self::Equals(values) => values.contains(claim),
            Self::Contains(values) => claim
                .as_array()
                .is_some_and(|found| values.iter().any(|v| found.contains(v))),
            Self::ContainsAll(values) => claim
                .as_array()
                .is_some_and(|found| values.iter().all(|v| found.contains(v))),
        }
    }
}

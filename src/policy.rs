//! Which rule applies to a request, what it asks of a token, and which claims become headers.
//!
//! Everything is prepared at load; judging a request compares and never parses. Refuses to check
//! signatures or to know where keys come from.

mod claim_headers;
mod issuer;
mod pattern;
mod requirement;
mod rules;

pub use claim_headers::{
    ArrayForm, ClaimHeader, ClaimHeaders, HeaderName, HeaderNameError, ManagedHeaders,
};
pub use issuer::{Issuer, TokenSource};
pub use pattern::{HostPattern, PathPattern};
pub use requirement::{ClaimRule, ClaimTest, Demand, Requirement};
pub use rules::{Match, Rule, Rules};

use std::collections::HashMap;

/// The whole policy: issuers, rules, and where tokens are found. Immutable once built.
#[derive(Debug)]
pub struct Policy {
    issuers: Vec<Issuer>,
    by_url: HashMap<Box<str>, usize>,
    rules: Rules,
    sources: Vec<TokenSource>,
    managed: ManagedHeaders,
    max_token_size: usize,
}

impl Policy {
    /// Puts a policy together. Issuers are referred to by their position; the caller has seen to it
    /// that names and `iss` values are unique.
    #[must_use]
    pub fn new(
        issuers: Vec<Issuer>,
        rules: Rules,
        sources: Vec<TokenSource>,
        max_token_size: usize,
    ) -> Self {
        let url = |(index, issuer): (usize, &Issuer)| (issuer.expectations.issuer.clone(), index);
        let by_url = issuers.iter().enumerate().map(url).collect();
        let managed = ManagedHeaders::new(issuers.iter().map(|issuer| &issuer.headers));
        Self {
            issuers,
            by_url,
            rules,
            sources,
            managed,
            max_token_size,
        }
    }

    /// All issuers; a position in this list is what `usize` means wherever an issuer is referred to.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The issuer with exactly this `iss`.
    #[must_use]
    pub fn issuer_by_url(&self, url: &str) -> Option<(usize, &Issuer)> {
        let index = *self.by_url.get(url)?;
        Some((index, self.issuers.get(index)?))
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where tokens are looked for.
    #[must_use]
    pub fn sources(&self) -> &[TokenSource] {
        &self.sources
    }

    /// The header names that clients must never be able to set.
    #[must_use]
    pub fn managed(&self) -> &ManagedHeaders {
        &self.managed
    }

    /// The longest token that is looked at, in bytes.
    #[must_use]
    pub fn max_token_size(&self) -> usize {
        self.max_token_size
    }
}

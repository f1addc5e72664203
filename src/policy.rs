//! Chooses the rule for a request, states its demands on tokens, and turns claims into headers.
//!
//! Configuration is parsed when it is loaded, never on a request. Checks no signatures, and does
//! not know where keys come from.

mod claim_headers;
mod credential;
mod fit;
mod issuer;
mod pattern;
mod requirement;
mod rules;

pub use claim_headers::{
    ArrayForm, ClaimHeader, ClaimHeaders, HeaderName, HeaderNameError, ManagedHeaders,
};
pub use credential::Credential;
pub use fit::Fit;
pub use issuer::{Issuer, IssuerId, TokenFrom};
pub use pattern::{HostPattern, PathPattern};
pub use requirement::{ClaimRule, ClaimTest, Demand, Requirement};
pub use rules::{Match, NearMiss, NoRule, RequestPart, Rule, Rules};

use std::collections::HashMap;

use crate::token::Location;

/// The whole policy: issuers, rules, and the places of tokens. Immutable once built.
#[derive(Debug)]
pub struct Policy {
    issuers: Vec<Issuer>,
    by_url: HashMap<Box<str>, IssuerId>,
    rules: Rules,
    token_from: Vec<TokenFrom>,
    managed: ManagedHeaders,
    max_token_size: usize,
    shadow: bool,
}

impl Policy {
    /// The ids of this many issuers, for parts of a policy that are built before it and refer to
    /// them.
    pub fn issuer_ids(issuers: usize) -> impl Iterator<Item = IssuerId> {
        (0..issuers).map(IssuerId)
    }

    /// Builds a policy. The caller ensures that names and `iss` values are unique.
    #[must_use]
    pub fn new(
        issuers: Vec<Issuer>,
        rules: Rules,
        token_from: Vec<TokenFrom>,
        max_token_size: usize,
        shadow: bool,
    ) -> Self {
        let url =
            |(id, issuer): (usize, &Issuer)| (issuer.expectations.issuer.clone(), IssuerId(id));
        let by_url = issuers.iter().enumerate().map(url).collect();
        let credentials = token_from.iter().filter_map(|place| match &place.location {
            Location::Header { name, .. } => Some(name.clone()),
            Location::Cookie { .. } | Location::Query { .. } => None,
        });
        let headers = issuers.iter().map(|issuer| &issuer.headers);
        let managed = ManagedHeaders::new(headers, credentials.collect());
        Self {
            issuers,
            by_url,
            rules,
            token_from,
            managed,
            max_token_size,
            shadow,
        }
    }

    /// Keeps headers that may change the method or the path (`server.forward_override_headers`).
    #[must_use]
    pub fn forwarding_override_headers(mut self) -> Self {
        self.managed.forward_overrides();
        self
    }

    /// All issuers.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The issuer with this id.
    #[must_use]
    pub fn issuer(&self, id: IssuerId) -> Option<&Issuer> {
        self.issuers.get(id.0)
    }

    /// The issuer with exactly this `iss`.
    #[must_use]
    pub fn issuer_by_url(&self, url: &str) -> Option<(IssuerId, &Issuer)> {
        let id = *self.by_url.get(url)?;
        Some((id, self.issuer(id)?))
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The places of tokens, in the order in which they are searched.
    #[must_use]
    pub fn token_from(&self) -> &[TokenFrom] {
        &self.token_from
    }

    /// The header names that clients must never be able to set.
    #[must_use]
    pub fn managed_headers(&self) -> &ManagedHeaders {
        &self.managed
    }

    /// The size limit of a token, in bytes.
    #[must_use]
    pub fn max_token_size(&self) -> usize {
        self.max_token_size
    }

    /// Returns true if denials under this rule are reported, but not enforced.
    #[must_use]
    pub fn is_shadow(&self, rule: Option<&Rule>) -> bool {
        self.shadow || rule.is_some_and(|rule| rule.shadow)
    }

    /// The names of the rules in shadow mode.
    #[must_use]
    pub fn shadow_rules(&self) -> Vec<&str> {
        let rules = self.rules.iter().filter(|rule| rule.shadow);
        rules.map(|rule| &*rule.name).collect()
    }

    /// Returns true if no denial is enforced, whatever the rule.
    #[must_use]
    pub fn is_all_shadow(&self) -> bool {
        self.shadow
    }
}

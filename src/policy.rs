//! Chooses the rule for a request, states its demands on tokens, and turns claims into headers.
//!
//! Configuration is parsed when it is loaded, never on a request. Checks no signatures, and does
//! not know where keys come from.

mod claim_headers;
mod credential;
mod decryption;
mod fit;
mod header_name;
mod host_pattern;
mod issuer;
mod managed_headers;
mod path_pattern;
mod requirement;
mod rules;

pub use issuer::{Issuer, IssuerId};
pub use rules::{NearMiss, Rule, Rules};

pub(crate) use claim_headers::{ArrayForm, ClaimHeader, ClaimHeaders};
pub(crate) use credential::Credential;
pub(crate) use decryption::{DecryptionCandidates, DecryptionKeys, EncryptionTerms};
pub(crate) use fit::Fit;
pub(crate) use header_name::{HeaderName, is_reserved_for_fetches};
pub(crate) use host_pattern::HostPattern;
pub(crate) use issuer::TokenFrom;
pub(crate) use managed_headers::ManagedHeaders;
pub(crate) use path_pattern::PathPattern;
pub(crate) use requirement::{ClaimRule, ClaimTest, Demand, Requirement};
pub(crate) use rules::{Match, NoRule, RequestPart};

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
    decryption_keys: DecryptionKeys,
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
    pub(crate) fn new(
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
            Location::Cookie(_) | Location::Query(_) => None,
        });
        let headers = issuers.iter().map(|issuer| &issuer.headers);
        let managed = ManagedHeaders::new(headers, credentials.collect());
        Self {
            issuers,
            by_url,
            rules,
            token_from,
            managed,
            decryption_keys: DecryptionKeys::default(),
            max_token_size,
            shadow,
        }
    }

    /// Keeps headers that may change the method or the path (`server.forward_override_headers`).
    pub(crate) fn forwarding_override_headers(mut self) -> Self {
        self.managed.forward_overrides();
        self
    }

    /// Accepts tokens that are encrypted to these keys, on the terms of their issuers.
    pub(crate) fn decrypting_with(mut self, keys: DecryptionKeys) -> Self {
        self.decryption_keys = keys;
        self
    }

    /// All issuers.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    pub(crate) fn issuer(&self, id: IssuerId) -> Option<&Issuer> {
        self.issuers.get(id.0)
    }

    pub(crate) fn issuers_where(
        &self,
        is_wanted: impl Fn(&Issuer) -> bool,
    ) -> impl Iterator<Item = IssuerId> {
        let issuers = Self::issuer_ids(self.issuers.len()).zip(&self.issuers);
        let wanted = issuers.filter(move |(_, issuer)| is_wanted(issuer));
        wanted.map(|(id, _)| id)
    }

    pub(crate) fn names_of(&self, issuers: &[IssuerId]) -> Vec<&str> {
        let issuers = issuers.iter().filter_map(|id| self.issuer(*id));
        issuers.map(|issuer| &*issuer.name).collect()
    }

    /// The issuer with exactly this `iss`.
    pub(crate) fn issuer_by_url(&self, url: &str) -> Option<(IssuerId, &Issuer)> {
        let id = *self.by_url.get(url)?;
        Some((id, self.issuer(id)?))
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The places of tokens, in the order in which they are searched.
    pub(crate) fn token_from(&self) -> &[TokenFrom] {
        &self.token_from
    }

    /// The header names that clients must never be able to set.
    pub(crate) fn managed_headers(&self) -> &ManagedHeaders {
        &self.managed
    }

    pub(crate) fn max_token_size(&self) -> usize {
        self.max_token_size
    }

    /// Returns true if denials under this rule are reported, but not enforced.
    pub(crate) fn is_shadow(&self, rule: Option<&Rule>) -> bool {
        self.shadow || rule.is_some_and(|rule| rule.shadow)
    }

    pub(crate) fn shadow_rules(&self) -> Vec<&str> {
        let rules = self.rules.iter().filter(|rule| rule.shadow);
        rules.map(|rule| &*rule.name).collect()
    }

    /// Returns true if no denial is enforced, whatever the rule.
    pub(crate) fn is_all_shadow(&self) -> bool {
        self.shadow
    }
}

//! One issuer as the configuration describes it, keys apart.

use std::sync::Arc;

use crate::jose::Algorithm;
use crate::token::{Expectations, Location};

use super::ClaimHeaders;

/// An issuer's place in its policy. Made by [`super::Policy`] only, and of no use to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IssuerId(pub(super) usize);

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub struct Issuer {
    /// The name that rules, logs and metadata use.
    pub name: Arc<str>,
    /// What its tokens must say.
    pub expectations: Expectations,
    /// What its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The claims that become headers.
    pub headers: ClaimHeaders,
    /// Whether readiness waits for this issuer's keys.
    pub required: bool,
    /// Whether the credential stays in the request that goes upstream.
    pub forward_token: bool,
}

/// A place where tokens are looked for.
#[derive(Clone, Debug)]
pub struct TokenFrom {
    /// The place.
    pub location: Location,
    /// The issuers whose tokens may stand there; `None`: all.
    pub issuers: Option<Vec<IssuerId>>,
}

impl TokenFrom {
    /// Whether tokens of this issuer may stand here.
    #[must_use]
    pub fn admits(&self, issuer: IssuerId) -> bool {
        self.issuers
            .as_ref()
            .is_none_or(|issuers| issuers.contains(&issuer))
    }
}

//! One issuer as configured, without its keys.

use std::sync::Arc;

use crate::jose::Algorithm;
use crate::token::{Expectations, Location};

use super::{ClaimHeaders, EncryptionTerms};

/// An issuer's index in its policy. Only [`super::Policy`] makes one, and it is valid for that
/// policy only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IssuerId(pub(super) usize);

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub struct Issuer {
    /// The name that rules, logs and metadata use.
    pub name: Arc<str>,
    pub(crate) expectations: Expectations,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The terms for encrypted tokens; `None` if they are refused.
    pub(crate) encryption: Option<EncryptionTerms>,
    pub(crate) headers: ClaimHeaders,
    /// True if readiness waits for this issuer's keys.
    pub required: bool,
    /// True if the credential stays in the upstream request.
    pub(crate) forward_token: bool,
}

/// A place in the request where tokens are accepted.
#[derive(Clone, Debug)]
pub(crate) struct TokenFrom {
    pub(crate) location: Location,
    /// The issuers whose tokens are accepted there; `None` for all.
    pub(crate) issuers: Option<Vec<IssuerId>>,
}

impl TokenFrom {
    pub(crate) fn admits(&self, issuer: IssuerId) -> bool {
        let issuers = self.issuers.as_ref();
        issuers.is_none_or(|issuers| issuers.contains(&issuer))
    }
}

//! The input of a decision.

use crate::policy::Demand;
use crate::request::Request;

use super::Decryption;

/// A request to authorize, or a token to validate.
#[derive(Debug, Default)]
pub struct Question<'q> {
    /// The request that selects the rule; without one, no rule applies.
    pub(crate) request: Option<Request<'q>>,
    /// The token, if the caller passes it; otherwise it is looked up in the request.
    pub(crate) token: Option<RawToken<'q>>,
    /// The caller's own demand, in addition to the rule's. With it, no request passes as anonymous.
    pub(crate) demand: Option<Demand>,
    /// When the token is decrypted, if it is encrypted.
    pub(crate) decryption: Decryption,
}

impl<'q> From<Request<'q>> for Question<'q> {
    fn from(request: Request<'q>) -> Self {
        Self {
            request: Some(request),
            ..Self::default()
        }
    }
}

/// The token text that a caller passes. Never printed.
#[derive(Clone, Copy)]
pub(crate) struct RawToken<'q>(pub(crate) &'q [u8]);

crate::escape::redact! { "RawToken" for RawToken<'_>; }

//! What the core is asked.

use crate::policy::Demand;
use crate::request::Request;

/// What is asked: may this request pass, or is this token good?
#[derive(Debug, Default)]
pub struct Question<'q> {
    /// The request that rules are chosen by; `None`: no rule applies.
    pub request: Option<Request<'q>>,
    /// The token, from a caller who has it in hand; `None`: it is looked for in the request.
    pub token: Option<RawToken<'q>>,
    /// What the caller asks of the token beside the rule. With it, nobody passes as anonymous.
    pub demand: Option<Demand>,
}

impl<'q> From<Request<'q>> for Question<'q> {
    fn from(request: Request<'q>) -> Self {
        Self {
            request: Some(request),
            ..Self::default()
        }
    }
}

/// The text that a caller takes for a token. Never printed.
#[derive(Clone, Copy)]
pub struct RawToken<'q>(pub &'q [u8]);

impl std::fmt::Debug for RawToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawToken(redacted)")
    }
}

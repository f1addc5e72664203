//! The outcome that a case expects.

use super::outcome::Outcome;

/// The verdict that a case must get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    Allow,
    /// This HTTP status and this reason.
    Deny(i32, &'static str),
    /// This HTTP status and one of these reasons: which one depends on random bytes, or on which of
    /// two tasks is faster.
    DenyOneOf(i32, &'static [&'static str]),
}

impl Expect {
    pub(crate) fn is_met(self, outcome: &Outcome) -> bool {
        let denied = |http| !outcome.is_allow() && outcome.http == Some(http);
        match self {
            Self::Allow => outcome.is_allow() && outcome.http.is_none(),
            Self::Deny(http, reason) => denied(http) && reason == outcome.reason,
            Self::DenyOneOf(http, reasons) => {
                denied(http) && reasons.contains(&outcome.reason.as_str())
            }
        }
    }
}

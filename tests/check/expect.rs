//! What a case expects, and when an outcome meets it.

use super::outcome::Outcome;

/// The verdict that a case must get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    Allow,
    /// This HTTP status and one of these reasons, separated by `|`: the catalogue allows several, or lets an earlier
    /// check speak first (size, form, header, algorithm, key, signature, claims).
    Deny(i32, &'static str),
    /// A denial of the bearer, whatever the reason.
    Unauthorized,
}

impl Expect {
    pub(crate) fn is_met(self, outcome: &Outcome) -> bool {
        let denied = |http| !outcome.is_allow() && outcome.http == Some(http);
        match self {
            Self::Allow => outcome.is_allow() && outcome.http.is_none(),
            Self::Deny(http, reasons) => {
                denied(http) && reasons.split('|').any(|reason| reason == outcome.reason)
            }
            Self::Unauthorized => denied(401),
        }
    }
}

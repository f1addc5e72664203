//! What a case expects, and when an outcome meets it.

use super::outcome::Outcome;

/// The verdict that a case must get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    Allow,
    /// This HTTP status and one of these reasons, separated by `|`.
    Deny(i32, &'static str),
    /// 401 with this reason, or with that of an earlier check: refusing sooner is stricter, never wrong.
    DenyBy(&'static str),
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
            Self::DenyBy(reason) => denied(401) && stage(&outcome.reason) <= stage(reason),
            Self::Unauthorized => denied(401),
        }
    }
}

/// The place of a reason in the order of checks: size, form, header, algorithm, key, signature, claims.
/// `token_missing` comes last: a token that was not even seen was not refused.
fn stage(reason: &str) -> usize {
    let stages: [&[&str]; 7] = [
        &["token_too_large"],
        &["token_malformed"],
        &["crit_unsupported"],
        &["alg_not_allowed"],
        &["key_not_found"],
        &["signature_invalid", "decrypt_failed"],
        &[
            "token_type_invalid",
            "token_expired",
            "token_not_yet_valid",
            "issuer_not_allowed",
        ],
    ];
    stages
        .iter()
        .position(|names| names.contains(&reason))
        .unwrap_or(stages.len())
}

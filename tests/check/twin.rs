//! The other front door: whatever `Check` is asked, `Validate` must say the same.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use prost::Message as _;
use watchword::wire::watchword::v1::ValidateResponse;
use watchword::wire::watchword::v1::validate_response::Verdict;

use super::outcome::Outcome;

/// The path of `Validate`.
pub(crate) const VALIDATE: &str = "/watchword.v1.TokenValidation/Validate";

/// Verdicts that were compared, over the whole run.
static COMPARED: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn compared() -> usize {
    COMPARED.load(Ordering::Relaxed)
}

/// The difference between the two verdicts, for a message; `None` if there is none.
pub(crate) fn difference(check: &Outcome, validate: &[u8]) -> Option<String> {
    COMPARED.fetch_add(1, Ordering::Relaxed);
    let (check, validate) = (of_check(check), of_validate(validate));
    (check != validate).then(|| format!("Check says {check:?}, and Validate {validate:?}"))
}

/// The part of a verdict that `Check` and `Validate` have in common.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    allowed: bool,
    /// The reason of a denial, and its HTTP status.
    denial: Option<(String, i32)>,
    challenge: String,
    rule: String,
    anonymous: bool,
    issuer: String,
    headers: Vec<(String, String)>,
    removed: Vec<String>,
}

fn of_check(outcome: &Outcome) -> Said {
    let allowed = outcome.is_allow();
    let fact = |name: &str| outcome.metadata.get(name).cloned().unwrap_or_default();
    let upstream = |(name, _): &(String, String)| allowed && name != "cookie";
    Said {
        allowed,
        denial: outcome.http.map(|http| (outcome.reason.clone(), http)),
        challenge: outcome
            .header("www-authenticate")
            .unwrap_or_default()
            .to_owned(),
        rule: outcome.rule().to_owned(),
        anonymous: outcome.reason == "anonymous",
        issuer: if allowed {
            fact("issuer")
        } else {
            String::new()
        },
        headers: outcome
            .headers
            .iter()
            .filter(|header| upstream(header))
            .cloned()
            .collect(),
        removed: managed(&outcome.removed),
    }
}

fn of_validate(encoded: &[u8]) -> Said {
    let response = ValidateResponse::decode(encoded).expect("a response");
    let mut said = Said {
        allowed: false,
        denial: None,
        challenge: String::new(),
        rule: text(&response.rule),
        anonymous: false,
        issuer: String::new(),
        headers: Vec::new(),
        removed: Vec::new(),
    };
    match response.verdict.expect("an explicit verdict") {
        Verdict::Allow(allow) => {
            said.allowed = true;
            said.anonymous = allow.anonymous;
            said.issuer = text(&allow.issuer_name);
            let headers = allow.headers.iter();
            said.headers = headers
                .map(|header| (text(&header.name), text(&header.value)))
                .collect();
            let removed: Vec<String> = allow.headers_to_remove.iter().map(text).collect();
            said.removed = managed(&removed);
        }
        Verdict::Deny(deny) => {
            said.denial = Some((text(&deny.code), deny.http_status));
            said.challenge = text(&deny.www_authenticate);
        }
    }
    said
}

/// Without `cookie`: `Validate` has no way to say which of several stays.
fn managed(names: &[String]) -> Vec<String> {
    let names = names.iter().filter(|name| *name != "cookie");
    names.cloned().collect()
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

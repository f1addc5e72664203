//! Invariants of every answer, whatever the request was (RSP-07, 21, 22, 24, 28 and 29).

use tonic::Code;
use watchword::wire::envoy::config::core::v3::HeaderValueOption;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;

use super::call::Call;
use super::outcome::Outcome;
use super::pb;

/// gRPC code in the answer, and the HTTP status that must stand beside it.
const PAIRS: [(i32, i32); 5] = [(16, 401), (7, 403), (3, 400), (14, 503), (13, 500)];
/// Headers that a denial may carry.
const REPLY_HEADERS: [&str; 4] = [
    "www-authenticate",
    "content-type",
    "retry-after",
    "cache-control",
];
/// Words of the fixed texts and of these tests' rules. An answer that has one of them does not
/// quote the client.
const VOCABULARY: [&str; 2] = ["bearer", "admin"];

/// All ways in which an answer breaks the contract.
pub(crate) fn violations(call: &Call, outcome: &Outcome, managed: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if outcome.grpc != Code::Ok {
        return vec![format!("the call ended with gRPC {:?}", outcome.grpc)];
    }
    // 5 is error_response, which failure_mode_allow turns into an allow.
    match pb::field_numbers(&outcome.wire) {
        Some(numbers) if numbers.iter().all(|number| (1..=4).contains(number)) => {}
        other => found.push(format!("top-level fields {other:?}")),
    }
    for name in outcome.metadata.keys() {
        if !["reason", "issuer", "rule"].contains(&name.as_str()) {
            found.push(format!("dynamic metadata holds {name}"));
        }
    }
    match outcome.code {
        None => found.push("status is not set, which is an allow".to_owned()),
        Some(0) => allow(call, outcome, managed, &mut found),
        Some(code) => deny(call, outcome, code, &mut found),
    }
    found
}

fn deny(call: &Call, outcome: &Outcome, code: i32, found: &mut Vec<String>) {
    let Some(HttpResponse::DeniedResponse(denied)) = &outcome.response.http_response else {
        return found.push("a denial without denied_response".to_owned());
    };
    let http = outcome.http.unwrap_or_default();
    if !(400..=599).contains(&http) || !PAIRS.contains(&(code, http)) {
        found.push(format!("code {code} with HTTP status {http}"));
    }
    options(&denied.headers, found);
    for (name, _) in &outcome.headers {
        if !REPLY_HEADERS.contains(&name.as_str()) {
            found.push(format!("a denial sets {name}"));
        }
    }
    if outcome.reason.is_empty() || !outcome.body.contains(&outcome.reason) {
        found.push(format!(
            "reason {:?} is not in body {:?}",
            outcome.reason, outcome.body
        ));
    }
    challenge(outcome, http, found);
    let message = outcome
        .response
        .status
        .as_ref()
        .map(|status| status.message.clone());
    let message = String::from_utf8_lossy(&message.unwrap_or_default()).into_owned();
    let values = outcome.headers.iter().map(|(_, value)| value.as_str());
    let told: Vec<_> = values.chain([outcome.body.as_str(), &message]).collect();
    let told = told.join("\n").replace(&outcome.reason, "");
    for word in call.words() {
        let own = word.trim_matches([' ', '"']).to_ascii_lowercase();
        if !VOCABULARY.contains(&own.as_str()) && told.contains(&word) {
            found.push(format!("the denial repeats {word:?} of the request"));
        }
    }
}

/// RFC 6750 §3: every 401 has a challenge, and one that followed no token names no error.
fn challenge(outcome: &Outcome, http: i32, found: &mut Vec<String>) {
    let challenge = outcome.header("www-authenticate");
    let bearer = challenge.is_some_and(|challenge| challenge.starts_with("Bearer"));
    let error = challenge.is_some_and(|challenge| challenge.contains("error="));
    let wrong = match (http, outcome.reason.as_str()) {
        (401, "token_missing") => !bearer || error,
        (401, _) => !bearer || !error,
        (403, "insufficient_scope") => {
            !challenge.is_some_and(|challenge| challenge.contains("error=\"insufficient_scope\""))
        }
        (503, _) => outcome
            .header("retry-after")
            .is_none_or(|wait| wait.parse::<u32>().is_err()),
        _ => false,
    };
    if wrong {
        found.push(format!(
            "HTTP {http} {} with headers {:?}",
            outcome.reason, outcome.headers
        ));
    }
}

fn allow(call: &Call, outcome: &Outcome, managed: &[String], found: &mut Vec<String>) {
    let Some(HttpResponse::OkResponse(ok)) = &outcome.response.http_response else {
        return found.push("an allow without ok_response".to_owned());
    };
    options(&ok.headers, found);
    if !["allowed", "anonymous"].contains(&outcome.reason.as_str()) {
        found.push(format!("an allow with reason {:?}", outcome.reason));
    }
    for (name, value) in &outcome.headers {
        if outcome.removes(name) {
            found.push(format!("{name} is both set and removed"));
        }
        // Envoy takes `value` alone, and a header is text that no hop may trim or fold.
        let visible = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !visible || value.is_empty() || value.trim() != value {
            found.push(format!("{name} has value {value:?}"));
        }
    }
    for name in &outcome.removed {
        if name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            found.push(format!("{name:?} is to be removed"));
        }
    }
    for name in managed {
        if outcome.header(name).is_none() && !outcome.removes(name) {
            found.push(format!("{name} is neither set nor removed"));
        }
    }
    forged(call, outcome, managed, found);
}

/// No value that the client sent survives under a managed name or under another spelling of it.
fn forged(call: &Call, outcome: &Outcome, managed: &[String], found: &mut Vec<String>) {
    for (name, _) in call.client_headers() {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let plain = name.trim().replace(['_', '.', ' '], "-");
        let gone = outcome.removes(&name) || outcome.header(&name).is_some();
        if managed.contains(&plain) && !gone {
            found.push(format!("the client's {name:?} reaches the upstream"));
        }
    }
}

/// Envoy versions read `append` or `append_action`, with different defaults: both must be said.
fn options(options: &[HeaderValueOption], found: &mut Vec<String>) {
    let mut names = Vec::new();
    for option in options {
        let header = option.header.clone().unwrap_or_default();
        let name = String::from_utf8_lossy(&header.key).into_owned();
        if option.append_action != 2 || option.append != Some(false) {
            found.push(format!(
                "{name}: append_action {}, append {:?}",
                option.append_action, option.append
            ));
        }
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(token) || !header.raw_value.is_empty() {
            found.push(format!(
                "header name {name:?}, raw value {:?}",
                header.raw_value
            ));
        }
        if names.contains(&name) {
            found.push(format!("{name} is set twice"));
        }
        names.push(name);
    }
}

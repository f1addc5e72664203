//! Area `response`: invariants of every answer, and headers that no configuration can manage.
//!
//! The invariants are checked for each answer of the whole run (see `invariants`); the rows here
//! send requests of every kind through them, with tell-tale words in every place, and look at the
//! counts.

use serde_json::json;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::tokens::{self, RSA, STRANGER, claims, claims_with};
use super::{HEADERS, bob};

pub(crate) const ROWS: &[Row] = &[
    row!("RSP-07", denial_carries_no_claims),
    row!("RSP-21", every_option_says_overwrite),
    row!("RSP-22", no_answer_is_an_error_response),
    row!("RSP-24", denial_repeats_nothing),
    row!("RSP-28", every_denial_has_an_http_status),
    row!("RSP-29", every_denial_has_a_code),
];

/// Requests that are denied, for reasons of every class.
fn denied() -> Vec<(&'static str, Call, i32, &'static str)> {
    let get = || Call::get("/orders");
    let bearing = |claims| Call::bearing(RSA.sign(&claims));
    vec![
        ("nothing", get(), 401, "token_missing"),
        (
            "noise",
            Call::bearing("telltale-noise"),
            401,
            "token_malformed",
        ),
        (
            "long",
            Call::bearing("x".repeat(70_000)),
            401,
            "token_too_large",
        ),
        (
            "kid",
            Call::bearing(RSA.with_kid("telltale-kid").sign(&claims())),
            401,
            "key_not_found",
        ),
        (
            "stranger",
            Call::bearing(STRANGER.with_kid("rsa-key").sign(&claims())),
            401,
            "signature_invalid",
        ),
        (
            "alg",
            Call::bearing(RSA.with_alg("telltale-alg").sign(&claims())),
            401,
            "alg_not_allowed",
        ),
        (
            "iss",
            bearing(claims_with("iss", json!("https://telltale.example"))),
            401,
            "issuer_not_allowed",
        ),
        (
            "aud",
            bearing(claims_with("aud", json!("telltale-audience"))),
            401,
            "audience_mismatch",
        ),
        (
            "exp",
            bearing(claims_with("exp", json!(1_234_567))),
            401,
            "token_expired",
        ),
        (
            "nbf",
            bearing(tokens::with(
                claims_with("nbf", json!(4_102_444_801_u64)),
                "exp",
                json!(4_102_444_802_u64),
            )),
            401,
            "token_not_yet_valid",
        ),
        (
            "value",
            bearing(claims_with("value", json!("telltale\nvalue"))),
            401,
            "claim_invalid",
        ),
        (
            "no exp",
            bearing(tokens::claims_without("exp")),
            401,
            "claim_missing",
        ),
        (
            "typ",
            Call::bearing(
                RSA.sign_with(&json!({"alg": "RS256", "typ": "telltale+jwt"}), &claims()),
            ),
            401,
            "token_type_invalid",
        ),
        (
            "crit",
            Call::bearing(RSA.sign_with(&json!({"alg": "RS256", "crit": ["telltale"]}), &claims())),
            401,
            "crit_unsupported",
        ),
        (
            "path",
            Call::get("/telltale//path").token(tokens::good()),
            400,
            "request_malformed",
        ),
        (
            "fragment",
            Call::get("/telltale#path").token(tokens::good()),
            400,
            "request_malformed",
        ),
        (
            "grpc",
            get().header("content-type", "application/grpc+proto"),
            401,
            "token_missing",
        ),
    ]
}

fn each_denied(case: &mut Case, look: impl Fn(&mut Case, &str, &super::Outcome)) {
    for (what, call, http, reason) in denied() {
        let forged = call
            .header("x-user-id", "telltale-user")
            .header("x-telltale", "telltale-header");
        let outcome = case.denies(&HEADERS, what, &forged, http, reason);
        look(case, what, &outcome);
    }
}

fn denial_carries_no_claims(case: &mut Case) {
    let managed = HEADERS.managed();
    each_denied(case, |case, what, outcome| {
        let claim = outcome
            .headers
            .iter()
            .any(|(name, _)| managed.contains(name));
        case.holds(&format!("{what}: no claim header"), !claim);
        let known = ["reason", "issuer", "rule"];
        let names = outcome
            .metadata
            .keys()
            .all(|name| known.contains(&name.as_str()));
        case.holds(&format!("{what}: metadata {:?}", outcome.metadata), names);
        let named = outcome
            .metadata
            .get("issuer")
            .is_none_or(|issuer| issuer == "corp");
        case.holds(
            &format!("{what}: the issuer's name is the configuration's"),
            named,
        );
    });
}

fn every_option_says_overwrite(case: &mut Case) {
    for call in [
        bob(),
        bob().header("x-user-id", "admin"),
        Call::get("/public/x"),
    ] {
        case.allows(&HEADERS, "an allow", &call);
    }
    each_denied(case, |_, _, _| {});
}

/// Field 5; the invariants look at the numbers of the fields on the wire.
fn no_answer_is_an_error_response(case: &mut Case) {
    case.allows(&HEADERS, "an allow", &bob());
    each_denied(case, |case, what, outcome| {
        let numbers = super::super::pb::field_numbers(&outcome.wire).unwrap_or_default();
        case.holds(
            &format!("{what}: {numbers:?}"),
            numbers.contains(&2) && !numbers.contains(&5),
        );
    });
}

fn denial_repeats_nothing(case: &mut Case) {
    each_denied(case, |case, what, outcome| {
        let wire = String::from_utf8_lossy(&outcome.wire).into_owned();
        case.holds(&format!("{what}: {wire:?}"), !wire.contains("telltale"));
        let body = outcome.body.as_str();
        if what == "grpc" {
            case.equal("one line for gRPC", body.lines().count(), 1);
            case.equal(
                "content-type",
                outcome.header("content-type"),
                Some("text/plain"),
            );
        } else {
            let body: serde_json::Value = serde_json::from_str(body).expect("a JSON body");
            let members: Vec<_> = body
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect();
            case.equal(
                "members of the body",
                members,
                vec!["error".to_owned(), "reason".to_owned()],
            );
            case.equal(
                "content-type",
                outcome.header("content-type"),
                Some("application/json"),
            );
        }
    });
    // The same reason reads the same, whoever asks.
    let one = HEADERS.ask(&Call::bearing(RSA.with_kid("first-kid").sign(&claims())));
    let other = HEADERS.ask(&Call::bearing(
        RSA.with_kid("other-kid")
            .sign(&claims_with("sub", json!("bob"))),
    ));
    case.equal("byte for byte", one.wire, other.wire);
}

fn every_denial_has_an_http_status(case: &mut Case) {
    each_denied(case, |case, what, outcome| {
        let http = outcome.http.unwrap_or_default();
        case.holds(&format!("{what}: {http}"), (400..=599).contains(&http));
    });
}

fn every_denial_has_a_code(case: &mut Case) {
    each_denied(case, |case, what, outcome| {
        let wanted = match outcome.http {
            Some(401) => Some(16),
            Some(403) => Some(7),
            Some(400) => Some(3),
            _ => None,
        };
        case.equal(what, outcome.code, wanted);
        case.equal(what, outcome.grpc, tonic::Code::Ok);
    });
}

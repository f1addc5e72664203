//! Area `claims`: `nbf`, `iat`, and the time between `iat` and `exp`.

use serde_json::{Value, json};

use super::super::catalogue::{Case, Row, row};
use super::super::site::NOW;
use super::super::tokens::{self, CORP, RSA, claims_with, claims_without, with};
use super::times::{EXACT, LEEWAY, ONE_HOUR, at};

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-16", token_begins_at_nbf_less_leeway),
    row!("CLM-17", token_before_nbf_is_not_yet_valid),
    row!("CLM-18", nbf_of_another_type_is_invalid),
    row!("CLM-20", token_from_the_future_is_invalid),
    row!("CLM-23", lifetime_is_limited),
];

fn token_begins_at_nbf_less_leeway(case: &mut Case) {
    case.accepts(&CORP, "nbf = now + leeway", at("nbf", json!(NOW + LEEWAY)));
    case.accepts(&CORP, "nbf = now", at("nbf", json!(NOW)));
    case.accepts(&EXACT, "nbf = now, no leeway", at("nbf", json!(NOW)));
}

fn token_before_nbf_is_not_yet_valid(case: &mut Case) {
    case.refuses(
        &CORP,
        "a second early",
        at("nbf", json!(NOW + LEEWAY + 1)),
        "token_not_yet_valid",
    );
    case.refuses(
        &EXACT,
        "a second early",
        at("nbf", json!(NOW + 1)),
        "token_not_yet_valid",
    );
    token_that_begins_after_its_end_is_invalid(case);
}

/// Each of the two times is within the leeway, and together they are impossible.
fn token_that_begins_after_its_end_is_invalid(case: &mut Case) {
    let times = |nbf: i64, exp: i64| at_both(json!(nbf), json!(exp));
    case.accepts(&CORP, "begins at its end", times(NOW + 1, NOW + 1));
    case.refuses(&CORP, "a second late", times(NOW + 1, NOW), "claim_invalid");
    case.refuses(&CORP, "over", times(NOW, NOW - LEEWAY - 1), "claim_invalid");
    case.refuses(
        &CORP,
        "to come",
        times(NOW + 600, NOW + 300),
        "claim_invalid",
    );
}

fn at_both(nbf: Value, exp: Value) -> String {
    RSA.sign(&with(claims_with("nbf", nbf), "exp", exp))
}

fn nbf_of_another_type_is_invalid(case: &mut Case) {
    case.accepts(&CORP, "missing", tokens::good());
    for nbf in [
        json!("1"),
        json!(null),
        json!("1700000000"),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
    ] {
        case.refuses(
            &CORP,
            &nbf.to_string(),
            at("nbf", nbf.clone()),
            "claim_invalid",
        );
    }
}

fn token_from_the_future_is_invalid(case: &mut Case) {
    case.accepts(&CORP, "iat = now + leeway", at("iat", json!(NOW + LEEWAY)));
    case.accepts(&CORP, "missing", RSA.sign(&claims_without("iat")));
    case.refuses(
        &CORP,
        "a second more",
        at("iat", json!(NOW + LEEWAY + 1)),
        "claim_invalid",
    );
    for iat in [json!("1"), json!(null), json!(true), json!([]), json!({})] {
        case.refuses(
            &CORP,
            &iat.to_string(),
            at("iat", iat.clone()),
            "claim_invalid",
        );
    }
}

fn lifetime_is_limited(case: &mut Case) {
    let lived =
        |iat: i64, exp: i64| RSA.sign(&with(claims_with("iat", json!(iat)), "exp", json!(exp)));
    case.accepts(&ONE_HOUR, "an hour", lived(NOW - 1800, NOW + 1800));
    case.refuses(
        &ONE_HOUR,
        "an hour and a second",
        lived(NOW - 1800, NOW + 1801),
        "claim_invalid",
    );
    case.refuses(
        &ONE_HOUR,
        "a year",
        lived(NOW - 86400 * 364, NOW + 86400),
        "claim_invalid",
    );
    case.accepts(
        &CORP,
        "a year, no limit",
        lived(NOW - 86400 * 364, NOW + 86400),
    );
    let no_iat = |exp: i64| RSA.sign(&with(claims_without("iat"), "exp", json!(exp)));
    case.accepts(&CORP, "no iat, no limit", no_iat(NOW + 1800));
    for left in [1, 1800, 7200] {
        let what = format!("no iat, {left} s left");
        case.refuses(&ONE_HOUR, &what, no_iat(NOW + left), "claim_missing");
    }
}

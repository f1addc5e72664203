//! Area `claims`: `exp`, `nbf` and `iat`. Present but unreadable is never absent, and no number
//! wraps around.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{
    self, CORP, RSA, claims, claims_with, claims_without, corp, payload, text_with, with,
};

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-06", exp_must_be_there),
    row!("CLM-07", exp_as_text_is_invalid),
    row!("CLM-08", exp_of_another_type_is_invalid),
    row!("CLM-09", fractions_and_exponents_are_legal),
    row!("CLM-11", small_and_negative_times_are_past),
    row!("CLM-12", words_for_numbers_are_malformed),
    row!("CLM-13", milliseconds_are_beyond_any_lifetime),
    row!("CLM-14", token_lives_until_exp_and_leeway),
];

/// The default, in seconds.
pub(super) const LEEWAY: i64 = 30;

/// No token may live longer than an hour.
pub(super) static ONE_HOUR: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp().line("max_lifetime: 1h"))));
/// Clocks are taken to agree.
pub(super) static EXACT: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp().line("leeway: 0s"))));

pub(super) fn at(name: &str, value: Value) -> String {
    RSA.sign(&claims_with(name, value))
}

/// A claim's value as text, JSON or not.
fn raw(name: &str, value: &str) -> String {
    payload(&text_with(&claims(), name, value))
}

fn exp_must_be_there(case: &mut Case) {
    case.refuses(
        &CORP,
        "missing",
        RSA.sign(&claims_without("exp")),
        "claim_missing",
    );
    let other = with(claims_without("exp"), "Exp", json!(NOW + 60));
    case.refuses(&CORP, "Exp", RSA.sign(&other), "claim_missing");
    let nested = with(claims_without("exp"), "x", json!({"exp": NOW + 60}));
    case.refuses(
        &CORP,
        "within another claim",
        RSA.sign(&nested),
        "claim_missing",
    );
}

fn exp_as_text_is_invalid(case: &mut Case) {
    case.accepts(&CORP, "as a number", at("exp", json!(4_102_444_800_u64)));
    for text in ["4102444800", "", "2100-01-01T00:00:00Z", "never"] {
        case.refuses(&CORP, text, at("exp", json!(text)), "claim_invalid");
    }
}

fn exp_of_another_type_is_invalid(case: &mut Case) {
    for exp in [
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!([4_102_444_800_u64]),
    ] {
        case.refuses(
            &CORP,
            &exp.to_string(),
            at("exp", exp.clone()),
            "claim_invalid",
        );
    }
}

fn fractions_and_exponents_are_legal(case: &mut Case) {
    for exp in [
        "4102444800.5",
        "4.1024448e9",
        "41024448E2",
        "4102444800.0",
        "4.1024448E+9",
        "41024448000e-1",
    ] {
        case.accepts(&CORP, exp, raw("exp", exp));
        let later = claims_with("exp", json!(4_102_444_801_u64));
        case.refuses(
            &CORP,
            &format!("nbf {exp}"),
            payload(&text_with(&later, "nbf", exp)),
            "token_not_yet_valid",
        );
    }
    case.accepts(
        &EXACT,
        "half a second left",
        raw("exp", &format!("{NOW}.5")),
    );
    case.refuses(
        &EXACT,
        "half a second late",
        raw("exp", &format!("{}.5", NOW - 1)),
        "token_expired",
    );
    case.refuses(
        &EXACT,
        "half a second early",
        raw("nbf", &format!("{NOW}.5")),
        "token_not_yet_valid",
    );
}

fn small_and_negative_times_are_past(case: &mut Case) {
    for exp in ["0", "-0", "1.5e3", "1e-300", "18446744073709551616e-30"] {
        case.refuses(&CORP, exp, raw("exp", exp), "token_expired");
    }
    // A token cannot have a time before 1970.
    for exp in [
        "-1",
        "-9223372036854775808",
        "-9223372036854775809",
        "-1e300",
    ] {
        case.refuses(&CORP, exp, raw("exp", exp), "claim_invalid");
    }
    // Beyond a double: readers disagree on such numbers.
    for exp in ["1e400", "-1e400"] {
        case.refuses(&CORP, exp, raw("exp", exp), "token_malformed");
    }
    // Beyond every integer type, these are far in the future, not wrapped into the past or the
    // present.
    for nbf in [
        "9223372036854775808",
        "18446744073709551616",
        "1e19",
        "1e300",
    ] {
        case.refuses(
            &CORP,
            &format!("nbf {nbf}"),
            raw("nbf", nbf),
            "claim_invalid",
        );
        case.refuses(
            &CORP,
            &format!("iat {nbf}"),
            raw("iat", nbf),
            "claim_invalid",
        );
    }
}

fn words_for_numbers_are_malformed(case: &mut Case) {
    for exp in [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "inf",
        "1e",
        "0x7fffffff",
        "+4102444800",
        "4102444800L",
    ] {
        case.refuses(&CORP, exp, raw("exp", exp), "token_malformed");
    }
}

/// Documented: without a limit, a time in the year 55 000 is allowed.
fn milliseconds_are_beyond_any_lifetime(case: &mut Case) {
    let token = at("exp", json!((NOW + 300) * 1000));
    case.refuses(&ONE_HOUR, "with a limit", &token, "claim_invalid");
    case.accepts(&CORP, "without a limit", &token);
    let no_iat = tokens::without(claims_with("exp", json!((NOW + 300) * 1000)), "iat");
    case.refuses(
        &ONE_HOUR,
        "with a limit, no iat",
        RSA.sign(&no_iat),
        "claim_missing",
    );
}

fn token_lives_until_exp_and_leeway(case: &mut Case) {
    case.accepts(
        &CORP,
        "exp + leeway - 1",
        at("exp", json!(NOW - LEEWAY + 1)),
    );
    // RFC 7519 §4.1.4: "on or after" the time it is over.
    case.refuses(
        &CORP,
        "exp + leeway",
        at("exp", json!(NOW - LEEWAY)),
        "token_expired",
    );
    case.refuses(
        &CORP,
        "exp + leeway + 1",
        at("exp", json!(NOW - LEEWAY - 1)),
        "token_expired",
    );
    case.accepts(&EXACT, "a second left", at("exp", json!(NOW + 1)));
    case.refuses(&EXACT, "now", at("exp", json!(NOW)), "token_expired");
    // The same token on a clock that moves: a cached token is judged again.
    let site = Site::start(&Settings::of(corp()));
    let token = at("exp", json!(NOW + 60));
    case.accepts(&site, "a minute left", &token);
    site.clock().set(NOW + 60 + LEEWAY - 1);
    case.accepts(&site, "in its last second", &token);
    site.clock().set(NOW + 60 + LEEWAY);
    case.refuses(&site, "a second later", &token, "token_expired");
}

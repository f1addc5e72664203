//! Area `extraction`: the places and the number of tokens. Two credentials count as none.

use std::sync::LazyLock;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, CORP, corp};

pub(crate) mod several;

pub(crate) const ROWS: &[Row] = &[
    row!("EXT-01", no_token_is_missing),
    row!("EXT-02", empty_credential_is_no_token),
    row!("EXT-03", scheme_is_not_case_sensitive),
    row!("EXT-04", one_or_more_spaces_separate),
    row!("EXT-05", outer_white_space_is_trimmed),
    row!("EXT-06", text_after_the_token_is_malformed),
    row!("EXT-13", raw_value_that_is_not_utf8_is_malformed),
    row!("EXT-15", query_is_not_looked_at),
    row!("EXT-18", other_headers_are_not_looked_at),
    row!("EXT-20", underscore_is_another_header),
];

fn authorization(value: impl AsRef<[u8]>) -> Call {
    Call::get("/orders").header("authorization", value)
}

/// RFC 6750 §3.1: no error code without a credential; the harness looks at each challenge.
fn no_token_is_missing(case: &mut Case) {
    for call in [
        Call::get("/orders"),
        Call::get("/orders").header("accept", "*/*"),
        Call::get("/orders").raw_header("accept", "*/*"),
    ] {
        let outcome = case.denies(&CORP, "no header", &call, 401, "token_missing");
        let challenge = outcome.header("www-authenticate").unwrap_or_default();
        case.holds(
            &format!("Bearer without error: {challenge}"),
            challenge.starts_with("Bearer") && !challenge.contains("error"),
        );
    }
    case.denies(
        &CORP,
        "another scheme",
        &authorization("Basic YTpi"),
        401,
        "token_missing",
    );
}

fn empty_credential_is_no_token(case: &mut Case) {
    case.denies(&CORP, "empty", &authorization(""), 401, "token_missing");
    case.denies(&CORP, "spaces", &authorization("  "), 401, "token_missing");
    for value in ["Bearer", "Bearer ", "Bearer   ", "bearer", "Bearer\t"] {
        case.denies(&CORP, value, &authorization(value), 401, "token_malformed");
    }
}

fn scheme_is_not_case_sensitive(case: &mut Case) {
    let good = tokens::good();
    for scheme in ["Bearer", "bearer", "BEARER", "BeArEr"] {
        case.allows(&CORP, scheme, &authorization(format!("{scheme} {good}")));
        let raw = Call::get("/orders").raw_header("Authorization", format!("{scheme} {good}"));
        case.allows(&CORP, &format!("{scheme}, raw"), &raw);
    }
    // A value that begins like the scheme is a misspelled token.
    for (scheme, reason) in [
        ("Bearers", "token_malformed"),
        ("Bearer:", "token_malformed"),
        ("Bear", "token_missing"),
        ("B\u{435}arer", "token_missing"),
        ("JWT", "token_missing"),
    ] {
        let call = authorization(format!("{scheme} {good}"));
        case.denies(&CORP, scheme, &call, 401, reason);
    }
}

/// Documented: RFC 9110 §11.4 has one or more spaces there; a tab is none.
fn one_or_more_spaces_separate(case: &mut Case) {
    let good = tokens::good();
    for spaces in [" ", "  ", "      "] {
        case.allows(
            &CORP,
            spaces,
            &authorization(format!("Bearer{spaces}{good}")),
        );
        let raw = Call::get("/orders").raw_header("authorization", format!("Bearer{spaces}{good}"));
        case.allows(&CORP, &format!("{spaces:?}, raw"), &raw);
    }
    for space in ["\t", " \t", "\t ", "", "\u{a0}", "\n", "\r\n "] {
        let call = authorization(format!("Bearer{space}{good}"));
        case.denies(&CORP, &format!("{space:?}"), &call, 401, "token_malformed");
    }
}

fn outer_white_space_is_trimmed(case: &mut Case) {
    let good = tokens::good();
    for value in [
        format!("Bearer {good} "),
        format!(" Bearer {good}"),
        format!("\t Bearer {good} \t"),
    ] {
        case.allows(&CORP, "spaces and tabs", &authorization(value));
    }
    for value in [
        format!("Bearer {good}\n"),
        format!("\r\nBearer {good}"),
        format!("Bearer {good}\u{a0}"),
    ] {
        case.denies(
            &CORP,
            "other white space",
            &authorization(value),
            401,
            "token_malformed",
        );
    }
}

fn text_after_the_token_is_malformed(case: &mut Case) {
    let good = tokens::good();
    for text in [" extra", ";x=1", "; x=1", " ;", "\"", " Bearer", "?", "#"] {
        case.denies(
            &CORP,
            text,
            &authorization(format!("Bearer {good}{text}")),
            401,
            "token_malformed",
        );
    }
    case.denies(
        &CORP,
        "before it",
        &authorization(format!("Bearer x {good}")),
        401,
        "token_malformed",
    );
    case.denies(
        &CORP,
        "twice",
        &authorization(format!("Bearer Bearer {good}")),
        401,
        "token_malformed",
    );
    case.denies(
        &CORP,
        "as a parameter",
        &authorization(format!("Bearer token={good}")),
        401,
        "token_malformed",
    );
}

fn raw_value_that_is_not_utf8_is_malformed(case: &mut Case) {
    let good = tokens::good();
    for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\0", b"!"] {
        let (start, end) = good.as_bytes().split_at(30);
        for value in [
            [b"Bearer ", start, bytes, end].concat(),
            [b"Bearer ", good.as_bytes(), bytes].concat(),
        ] {
            let raw = Call::get("/orders").raw_header("authorization", &value);
            case.denies(&CORP, "raw", &raw, 401, "token_malformed");
            case.denies(
                &CORP,
                "in the map",
                &authorization(&value),
                401,
                "token_malformed",
            );
        }
    }
    let whole = Call::get("/orders").raw_header("authorization", b"\xff\xfe");
    case.denies(&CORP, "nothing else", &whole, 401, "token_missing");
    let beside = Call::get("/orders")
        .raw_header("x-note", b"caf\xe9")
        .raw_header("authorization", format!("Bearer {good}"));
    case.allows(&CORP, "in a header of nobody's", &beside);
}

fn query_is_not_looked_at(case: &mut Case) {
    let good = tokens::good();
    for path in [
        format!("/orders?access_token={good}"),
        format!("/orders?a=1&access_token={good}&b"),
        format!("/orders?token={good}"),
    ] {
        case.denies(&CORP, "query", &Call::get(&path), 401, "token_missing");
        case.allows(
            &CORP,
            "query beside a header",
            &Call::get(&path).token(&good),
        );
    }
    let site = Site::start(&Settings::of(corp()).server("token_from: [{query: access_token}]"));
    case.allows(
        &site,
        "query, configured",
        &Call::get(format!("/orders?access_token={good}")),
    );
    let twice = Call::get(format!("/orders?access_token={good}&access_token={good}"));
    case.denies(&site, "query, twice", &twice, 401, "token_malformed");
    case.denies(
        &site,
        "header, not configured",
        &Call::bearing(&good),
        401,
        "token_missing",
    );
}

fn other_headers_are_not_looked_at(case: &mut Case) {
    let bearer = format!("Bearer {}", tokens::good());
    for name in [
        "x-forwarded-authorization",
        "x-original-authorization",
        "proxy-authorization",
        "x-authorization",
        "authorization_",
        "authorization ",
        " authorization",
        "x-envoy-authorization",
        "authorisation",
        "cookie",
        "x-access-token",
    ] {
        case.denies(
            &CORP,
            name,
            &Call::get("/orders").header(name, &bearer),
            401,
            "token_missing",
        );
        case.denies(
            &CORP,
            name,
            &Call::get("/orders").raw_header(name, &bearer),
            401,
            "token_missing",
        );
    }
}

/// The token alone in a header of its own.
static CUSTOM: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp()).server("token_from: [{header: x-jwt}]")));

fn underscore_is_another_header(case: &mut Case) {
    let good = tokens::good();
    let get = || Call::get("/orders");
    case.allows(&CUSTOM, "x-jwt", &get().header("x-jwt", &good));
    case.allows(&CUSTOM, "X-JWT, raw", &get().raw_header("X-JWT", &good));
    for name in ["x_jwt", "x.jwt", "xjwt", "x-jwt-", "authorization"] {
        case.denies(
            &CUSTOM,
            name,
            &get().header(name, &good),
            401,
            "token_missing",
        );
    }
    let bearer = get().header("x-jwt", format!("Bearer {good}"));
    case.denies(&CUSTOM, "with a scheme", &bearer, 401, "token_malformed");
    let both = get().header("x-jwt", &good).header("x_jwt", "evil");
    // The service may read the token that was not judged.
    case.denies(&CUSTOM, "x_jwt beside it", &both, 401, "token_malformed");
    case.allows(&CUSTOM, "x-jwt", &get().header("x-jwt", &good));
}

//! Area `response`: the client's headers, and the contents of an answer. These rows check the
//! `CheckResponse`; `tests/envoy` checks Envoy's use of it.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::outcome::Outcome;
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, CORP, RSA, STRANGER, claims, claims_with, claims_without, corp};

pub(crate) mod denials;
pub(crate) mod reserved;
pub(crate) mod values;

pub(crate) const ROWS: &[Row] = &[
    row!("RSP-01", claim_header_overwrites_the_clients),
    row!("RSP-02", absent_claim_removes_the_clients_header),
    row!("RSP-03", other_spellings_are_removed),
    row!("RSP-04", repeated_headers_are_overwritten),
    row!("RSP-05", anonymous_requests_carry_no_identity),
    row!("RSP-06", connection_header_changes_nothing),
    row!("RSP-23", token_is_stripped_or_forwarded),
];

/// Claim headers of every kind, an open path, and the rest for good tokens.
static HEADERS: LazyLock<Site> = LazyLock::new(|| {
    let issuer = corp()
        .header("x-user-id", "sub")
        .header("x-claim", "value")
        .header("x-json", "{claim: value, array: json}")
        .header("x-tenant", "[\"https://example.com/tenant\"]");
    let rules = "\
- {name: public, match: {path: {prefix: /public/}}, require: none}
- {name: optional, match: {path: {prefix: /optional/}}, require: {optional: true}}
- {name: rest}";
    Site::start(
        &Settings::of(issuer)
            .rules(rules)
            .server("max_token_size: 65536"),
    )
});

/// A request of Bob's.
fn bob() -> Call {
    Call::bearing(RSA.sign(&claims_with("sub", json!("bob"))))
}

/// A token with this claim `value`, and the answer to it.
fn valued(case: &mut Case, what: &str, value: Value) -> Outcome {
    case.accepts(&HEADERS, what, RSA.sign(&claims_with("value", value)))
}

fn is_overwritten(case: &mut Case, outcome: &Outcome, value: &str) {
    let set: Vec<_> = outcome
        .headers
        .iter()
        .filter(|(name, _)| name == "x-user-id")
        .collect();
    case.equal("x-user-id is set once", set.len(), 1);
    case.equal("x-user-id", outcome.header("x-user-id"), Some(value));
    case.holds("and not removed", !outcome.removes("x-user-id"));
}

fn claim_header_overwrites_the_clients(case: &mut Case) {
    for name in ["x-user-id", "X-User-Id"] {
        let outcome = case.allows(&HEADERS, name, &bob().header(name, "admin"));
        is_overwritten(case, &outcome, "bob");
        let raw = Call::get("/orders").raw_header(name, "admin");
        let token = RSA.sign(&claims_with("sub", json!("bob")));
        let raw = raw.raw_header("authorization", format!("Bearer {token}"));
        let outcome = case.allows(&HEADERS, "raw", &raw);
        is_overwritten(case, &outcome, "bob");
    }
}

fn absent_claim_removes_the_clients_header(case: &mut Case) {
    for token in [claims_without("sub"), claims_with("sub", json!(""))] {
        let call = Call::bearing(RSA.sign(&token)).header("x-user-id", "admin");
        let outcome = case.allows(&HEADERS, "no subject", &call);
        case.holds(
            "removed",
            outcome.removes("x-user-id") && outcome.header("x-user-id").is_none(),
        );
    }
    let outcome = case.allows(
        &HEADERS,
        "null",
        &Call::bearing(RSA.sign(&claims_with("value", Value::Null))),
    );
    case.holds(
        "removed",
        outcome.removes("x-claim") && outcome.removes("x-json"),
    );
    for step in [
        json!({}),
        json!("text"),
        json!(["a"]),
        json!({"roles": null}),
    ] {
        let token = RSA.sign(&claims_with("realm_access", step));
        let outcome = case.accepts(&HEADERS, "a path that leads nowhere", token);
        case.holds("removed", outcome.removes("x-auth-roles"));
    }
}

/// CVE-2025-64484: frameworks take `_` for `-`, and some take more.
fn other_spellings_are_removed(case: &mut Case) {
    let spellings = [
        "x_user_id",
        "X-User_Id",
        "x-user-id ",
        "x.user.id",
        "X_USER_ID",
        "x user id",
        "x-user.id",
        " x-user-id",
        "X.USER-ID",
    ];
    for name in spellings {
        for call in [bob(), Call::get("/public/x"), Call::get("/optional/x")] {
            let outcome = case.allows(&HEADERS, name, &call.clone().header(name, "admin"));
            case.holds(
                &format!("{name:?} is removed"),
                outcome.removes(&name.to_ascii_lowercase()),
            );
        }
        let raw = Call::get("/public/x").raw_header(name, "admin");
        let outcome = case.allows(&HEADERS, name, &raw);
        case.holds(
            &format!("{name:?} is removed"),
            outcome.removes(&name.to_ascii_lowercase()),
        );
    }
    let outcome = case.allows(&HEADERS, "none sent", &bob());
    case.holds(
        "the underscore form is removed unseen",
        outcome.removes("x_user_id"),
    );
    let other = bob().header("x-user-identity", "7").header("x-userid", "8");
    let outcome = case.allows(&HEADERS, "headers of other names", &other);
    case.holds(
        "stay",
        !outcome.removes("x-user-identity") && !outcome.removes("x-userid"),
    );
}

fn repeated_headers_are_overwritten(case: &mut Case) {
    let names = ["x-user-id", "X-User-Id", "X-USER-ID"];
    let token = format!("Bearer {}", RSA.sign(&claims_with("sub", json!("bob"))));
    let raw = names.iter().fold(Call::get("/orders"), |call, name| {
        call.raw_header(name, "admin")
    });
    let outcome = case.allows(&HEADERS, "raw", &raw.raw_header("authorization", token));
    is_overwritten(case, &outcome, "bob");
    let listed = names
        .iter()
        .fold(bob(), |call, name| call.header(name, "admin"));
    let outcome = case.allows(&HEADERS, "in the map", &listed);
    is_overwritten(case, &outcome, "bob");
    let joined = case.allows(
        &HEADERS,
        "joined",
        &bob().header("x-user-id", "admin,admin,root"),
    );
    is_overwritten(case, &joined, "bob");
}

fn anonymous_requests_carry_no_identity(case: &mut Case) {
    let managed = HEADERS.managed().to_vec();
    let forged = |path: &str| {
        managed
            .iter()
            .fold(Call::get(path), |call, name| call.header(name, "admin"))
    };
    for path in ["/public/x", "/optional/x"] {
        let outcome = case.allows(&HEADERS, path, &forged(path));
        case.equal("headers set", outcome.headers.len(), 0);
        case.equal("reason", outcome.reason.as_str(), "anonymous");
        for name in &managed {
            case.holds(&format!("{name} is removed"), outcome.removes(name));
        }
    }
    let ignored = forged("/public/x").token(tokens::good());
    let outcome = case.allows(&HEADERS, "a token that is not looked at", &ignored);
    case.equal("headers set", outcome.headers.len(), 0);
    let bad = forged("/optional/x").token(STRANGER.with_kid(RSA.kid()).sign(&claims()));
    case.denies(
        &HEADERS,
        "an optional token that is bad",
        &bad,
        401,
        "signature_invalid",
    );
    let good = forged("/optional/x").token(tokens::good());
    let outcome = case.allows(&HEADERS, "an optional token that is good", &good);
    is_overwritten(case, &outcome, "alice");
}

/// CVE-2025-48865: a hop that drops what `Connection` names must not drop an identity; that is the
/// proxy's to see to.
fn connection_header_changes_nothing(case: &mut Case) {
    let plain = case.allows(&HEADERS, "plain", &bob());
    for value in [
        "x-user-id",
        "close, x-user-id",
        "keep-alive, X-User-Id, authorization",
        "x-claim",
    ] {
        let outcome = case.allows(&HEADERS, value, &bob().header("connection", value));
        case.equal("the same answer", outcome.wire, plain.wire.clone());
    }
    let nobody = Call::get("/orders").header("connection", "authorization");
    case.denies(&HEADERS, "no token", &nobody, 401, "token_missing");
}

fn token_is_stripped_or_forwarded(case: &mut Case) {
    let outcome = case.allows(&CORP, "forwarded", &Call::bearing(tokens::good()));
    case.holds(
        "authorization stays",
        !outcome.removes("authorization") && outcome.header("authorization").is_none(),
    );
    let places = "token_from: [{header: authorization}, {header: x-jwt}, \
                  {cookie: session}, {query: access_token}]";
    let site = Site::start(&Settings::of(corp().line("forward_token: false")).server(places));
    let outcome = case.allows(&site, "header", &Call::bearing(tokens::good()));
    case.holds("authorization is removed", outcome.removes("authorization"));
    let good = tokens::good();
    let outcome = case.allows(
        &site,
        "custom header",
        &Call::get("/orders").header("x-jwt", &good),
    );
    case.holds(
        "x-jwt is removed",
        outcome.removes("x-jwt") && !outcome.removes("authorization"),
    );
    let cookies = format!("theme=dark; session={good}; lang=en");
    let outcome = case.allows(
        &site,
        "cookie",
        &Call::get("/orders").header("cookie", cookies),
    );
    case.equal(
        "other cookies stay",
        outcome.header("cookie"),
        Some("theme=dark; lang=en"),
    );
    let alone = Call::get("/orders").header("cookie", format!("session={good}"));
    let outcome = case.allows(&site, "cookie alone", &alone);
    case.holds(
        "the cookie is removed",
        outcome.removes("cookie") && outcome.header("cookie").is_none(),
    );
    let outcome = case.allows(
        &site,
        "query",
        &Call::get(format!("/orders?access_token={good}")),
    );
    case.equal(
        "query parameters removed",
        outcome.query_removed(),
        vec!["access_token".to_owned()],
    );
    let denied = Call::bearing(STRANGER.sign(&claims()));
    case.denies(&site, "a bad token", &denied, 401, "key_not_found");
}

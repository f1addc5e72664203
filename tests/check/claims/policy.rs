//! Area `claims`: scopes, and claims that rules ask for. Nothing is matched by part, and nothing is
//! coerced.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{RSA, claims_with, claims_without, corp, with};

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-44", scope_is_never_matched_by_part),
    row!("CLM-45", member_is_compared_whole),
    row!("CLM-46", true_is_not_a_word_for_true),
];

static RULES: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {match: {path: {exact: /scope}}, require: {scopes: [admin]}}
- {match: {path: {exact: /scopes}}, require: {scopes: [read, write]}}
- {match: {path: {exact: /equals}}, require: {claims: {roles: admin}}}
- {match: {path: {exact: /contains}}, require: {claims: {roles: {contains: admin}}}}
- {match: {path: {exact: /all}}, require: {claims: {roles: {contains_all: [admin, user]}}}}
- {match: {path: {exact: /true}}, require: {claims: {flag: true}}}
- {match: {path: {exact: /one}}, require: {claims: {flag: 1}}}";
    Site::start(&Settings::of(corp()).rules(rules))
});

fn bearing(path: &str, claims: &Value) -> Call {
    Call::get(path).token(RSA.sign(claims))
}

/// Documented: `scope` and `scp` may each be words in a string or an array of strings; an element
/// is one scope.
fn scope_is_never_matched_by_part(case: &mut Case) {
    let none = claims_without("scope");
    for name in ["scope", "scp"] {
        for value in [
            json!("admin"),
            json!("read admin"),
            json!("admin read"),
            json!(["read", "admin"]),
        ] {
            let call = bearing("/scope", &with(none.clone(), name, value.clone()));
            case.allows(&RULES, &format!("{name} {value}"), &call);
        }
        for value in [
            json!("superadmin"),
            json!("admin2"),
            json!("admin:read"),
            json!("ADMIN"),
            json!("read,admin"),
            json!("read,admin,write"),
            json!("\"admin\""),
            json!("[\"admin\"]"),
            json!(["superadmin"]),
            json!(["read admin"]),
            json!(["admin "]),
            json!("admin\u{a0}read"),
            json!("read\tadmin"),
            json!("\nadmin"),
            json!(""),
            json!([]),
        ] {
            let call = bearing("/scope", &with(none.clone(), name, value.clone()));
            case.denies(
                &RULES,
                &format!("{name} {value}"),
                &call,
                403,
                "insufficient_scope",
            );
        }
        for value in [
            json!(1),
            json!(true),
            json!(null),
            json!({"admin": true}),
            json!([["admin"]]),
            json!(["admin", 1]),
        ] {
            let call = bearing("/scope", &with(none.clone(), name, value.clone()));
            case.denies(
                &RULES,
                &format!("{name} {value}"),
                &call,
                401,
                "claim_invalid",
            );
        }
    }
    case.denies(
        &RULES,
        "neither",
        &bearing("/scope", &none),
        403,
        "insufficient_scope",
    );
    let both = with(
        with(none.clone(), "scope", json!("read")),
        "scp",
        json!(["write"]),
    );
    case.allows(&RULES, "one in each", &bearing("/scopes", &both));
    let one = with(none, "scope", json!("read"));
    case.denies(
        &RULES,
        "one of two",
        &bearing("/scopes", &one),
        403,
        "insufficient_scope",
    );
}

fn member_is_compared_whole(case: &mut Case) {
    let roles = |path: &str, value: Value| bearing(path, &claims_with("roles", value));
    case.allows(&RULES, "equal", &roles("/equals", json!("admin")));
    case.allows(
        &RULES,
        "contained",
        &roles("/contains", json!(["user", "admin"])),
    );
    case.allows(
        &RULES,
        "all contained",
        &roles("/all", json!(["admin", "x", "user"])),
    );
    for value in [
        json!("superadmin"),
        json!(["superadmin"]),
        json!("Admin"),
        json!(["admin "]),
        json!("user,admin"),
        json!(["user,admin"]),
        json!([["admin"]]),
        json!({"admin": true}),
        json!("[\"admin\"]"),
        json!([]),
        json!(""),
        json!(null),
    ] {
        for path in ["/equals", "/contains", "/all"] {
            let what = format!("{value} for {path}");
            case.denies(
                &RULES,
                &what,
                &roles(path, value.clone()),
                403,
                "policy_denied",
            );
        }
    }
    let other = [
        ("/equals", json!(["admin"])),
        ("/contains", json!("admin")),
        ("/all", json!(["admin"])),
    ];
    for (path, value) in other {
        case.denies(&RULES, path, &roles(path, value), 403, "policy_denied");
    }
    let missing = bearing("/contains", &claims_without("roles"));
    case.denies(&RULES, "missing", &missing, 403, "policy_denied");
}

fn true_is_not_a_word_for_true(case: &mut Case) {
    let flag = |path: &str, value: Value| bearing(path, &claims_with("flag", value));
    case.allows(&RULES, "true", &flag("/true", json!(true)));
    case.allows(&RULES, "1", &flag("/one", json!(1)));
    for value in [
        json!("true"),
        json!(1),
        json!("1"),
        json!([true]),
        json!(false),
        json!(null),
        json!({}),
    ] {
        let call = flag("/true", value.clone());
        case.denies(
            &RULES,
            &format!("{value} for true"),
            &call,
            403,
            "policy_denied",
        );
    }
    for value in [json!("1"), json!(true), json!([1]), json!(10), json!("01")] {
        let call = flag("/one", value.clone());
        case.denies(
            &RULES,
            &format!("{value} for 1"),
            &call,
            403,
            "policy_denied",
        );
    }
}

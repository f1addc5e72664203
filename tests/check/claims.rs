//! Area `claims`: the payload's form, and the registered claims that every token must get right.

use serde_json::{Value, json};

use super::catalogue::{Case, Row, row};
use super::settings::Settings;
use super::site::Site;
use super::tokens::{
    self, CORP, ROOMY, RSA, claims, claims_with, claims_without, payload, text_with,
};

pub(crate) mod audience;
pub(crate) mod begin;
pub(crate) mod policy;
pub(crate) mod subject;
pub(crate) mod times;

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-02", duplicate_claim_is_malformed),
    row!("CLM-03", deep_nesting_is_malformed),
    row!("CLM-04", lone_surrogate_is_malformed),
    row!("CLM-26", issuer_of_another_type_is_invalid),
    row!("CLM-27", trailing_slash_is_another_issuer),
    row!("CLM-29", look_alike_is_another_issuer),
];

fn signed(claims: &Value) -> String {
    RSA.sign(claims)
}

fn duplicate_claim_is_malformed(case: &mut Case) {
    let good = claims();
    case.accepts(&CORP, "each claim once", payload(&good.to_string()));
    let inner = good.to_string();
    let inner = inner.trim_start_matches('{').trim_end_matches('}');
    let values = [
        ("exp", "1"),
        ("iss", "\"https://other.example\""),
        ("sub", "\"admin\""),
        ("aud", "\"x\""),
    ];
    for (name, value) in values {
        let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
        for other in [value.to_owned(), good[name].to_string()] {
            for name in [name, &escaped] {
                let last = format!("{{{inner},\"{name}\":{other}}}");
                case.refuses(
                    &CORP,
                    &format!("{name} again, last"),
                    payload(&last),
                    "token_malformed",
                );
                let first = format!("{{\"{name}\":{other},{inner}}}");
                case.refuses(
                    &CORP,
                    &format!("{name} again, first"),
                    payload(&first),
                    "token_malformed",
                );
            }
        }
    }
    let nested = format!("{{{inner},\"realm_access\":{{\"roles\":[],\"roles\":[\"admin\"]}}}}");
    case.refuses(&CORP, "within a claim", payload(&nested), "token_malformed");
    let custom = format!("{{{inner},\"x\":1,\"x\":2}}");
    case.refuses(
        &CORP,
        "a claim of nobody's",
        payload(&custom),
        "token_malformed",
    );
}

fn nested(open: &str, depth: usize, close: &str) -> String {
    let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
    payload(&text_with(&claims(), "x", &value))
}

/// Documented: 32 levels, the claims object counted.
fn deep_nesting_is_malformed(case: &mut Case) {
    case.accepts(&CORP, "16 levels", nested("[", 16, "]"));
    case.accepts(&CORP, "16 objects", nested("{\"a\":", 16, "}"));
    for depth in [128, 1_000] {
        case.refuses(
            &CORP,
            &format!("{depth} arrays"),
            nested("[", depth, "]"),
            "token_malformed",
        );
        let objects = nested("{\"a\":", depth, "}");
        case.refuses(
            &CORP,
            &format!("{depth} objects"),
            objects,
            "token_malformed",
        );
    }
    for (what, token) in [
        ("20000 arrays", nested("[", 20_000, "]")),
        ("7000 objects", nested("{\"a\":", 7_000, "}")),
        ("40000 arrays, never closed", nested("[", 40_000, "")),
    ] {
        case.refuses(&ROOMY, what, &token, "token_malformed");
    }
    // No configuration lets a token of this size in.
    for token in [
        nested("[", 100_000, "]"),
        nested("{\"a\":", 100_000, "}"),
        nested("[", 100_000, ""),
    ] {
        case.refuses(&ROOMY, "100000 levels", &token, "token_too_large");
    }
    case.accepts(&ROOMY, "a good token afterwards", tokens::good());
}

fn lone_surrogate_is_malformed(case: &mut Case) {
    case.accepts(
        &CORP,
        "a pair",
        payload(&text_with(&claims(), "x", r#""\ud83d\ude00""#)),
    );
    for text in [
        r"\ud800",
        r"\udc00",
        r"\ud800x",
        r"\ud800\u0041",
        r"\udc00\ud800",
        r"\ud800\ud800\udc00",
    ] {
        for name in ["x", "sub", "iss"] {
            let token = payload(&text_with(&claims(), name, &format!("\"{text}\"")));
            case.refuses(
                &CORP,
                &format!("{text} in {name}"),
                token,
                "token_malformed",
            );
        }
        let token = payload(
            &claims()
                .to_string()
                .replace("\"sub\"", &format!("\"{text}\":1,\"sub\"")),
        );
        case.refuses(
            &CORP,
            &format!("{text} as a name"),
            token,
            "token_malformed",
        );
    }
}

fn issuer_of_another_type_is_invalid(case: &mut Case) {
    for iss in [
        json!(1),
        json!(null),
        json!([]),
        json!(["https://idp.example.com"]),
        json!({}),
        json!(true),
    ] {
        case.refuses(
            &CORP,
            &iss.to_string(),
            signed(&claims_with("iss", iss.clone())),
            "claim_invalid",
        );
    }
    case.refuses(
        &CORP,
        "missing",
        signed(&claims_without("iss")),
        "claim_missing",
    );
}

fn trailing_slash_is_another_issuer(case: &mut Case) {
    case.accepts(&CORP, "exact", tokens::good());
    for iss in [
        "https://idp.example.com/",
        "https://idp.example.com//",
        "https://idp.example.com.",
        "HTTPS://idp.example.com",
        "https://IDP.example.com",
        "http://idp.example.com",
        "https://idp.example.com:443",
        "https://idp.example.co",
        "https://idp.example.com#",
        " https://idp.example.com",
        "idp.example.com",
        "corp",
        "",
    ] {
        case.refuses(
            &CORP,
            iss,
            signed(&claims_with("iss", json!(iss))),
            "issuer_not_allowed",
        );
    }
    let site = Site::start(&Settings::of(super::settings::Issuer::named(
        "corp",
        "https://idp.example.com/",
        &watchword_test_support::mint::key_set(&[&RSA]),
    )));
    let slash = claims_with("iss", json!("https://idp.example.com/"));
    case.accepts(&site, "configured with a slash", signed(&slash));
    case.refuses(
        &site,
        "configured with a slash, without",
        tokens::good(),
        "issuer_not_allowed",
    );
}

fn look_alike_is_another_issuer(case: &mut Case) {
    for iss in [
        "https://idp.ex\u{430}mple.com",
        "https://idp.example.\u{441}om",
        "https://idp.xn--exmple-4nf.com",
        "https://\u{456}dp.example.com",
        "https://idp\u{3002}example.com",
        "https://idp.example.com\u{200b}",
        "\u{feff}https://idp.example.com",
        "https://idp.exa\u{301}mple.com",
        "https://idp.example.com\0",
    ] {
        let what = iss.escape_unicode().to_string();
        case.refuses(
            &CORP,
            &what,
            signed(&claims_with("iss", json!(iss))),
            "issuer_not_allowed",
        );
    }
    let escaped = payload(&claims().to_string().replace("idp.", "\\u0069dp."));
    case.accepts(&CORP, "the same letters, escaped", escaped);
}

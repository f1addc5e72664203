//! Area `decryption`: what was inside is judged as if it had not been encrypted.

use serde_json::{Value, json};
use watchword_test_support::jwe::{ContentCipher, Envelope};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::jwe::{ENC_EC, ENC_RSA, ENC_SECRET, VAULT, shared_ways, ways};
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{self, CORP, RSA, claims, claims_with, claims_without, corp, with};

pub(crate) const ROWS: &[Row] = &[
    row!("DEC-14", repeated_claims_must_be_equal),
    row!("DEC-15", one_audience_may_be_a_string_or_an_array),
    row!("DEC-16", inner_token_has_the_verdict_that_it_has_alone),
    row!("DEC-17", known_token_still_expires),
];

fn outside(envelope: &Envelope, name: &str, value: Value, inner: &Value) -> String {
    envelope.clone().member(name, value).seal(RSA.sign(inner))
}

fn repeated_claims_must_be_equal(case: &mut Case) {
    let full = with(with(claims(), "nbf", json!(NOW)), "jti", json!("id-1"));
    for (way, envelope) in ways() {
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
            let same = outside(&envelope, name, full[name].clone(), &full);
            case.accepts(&VAULT, &format!("{way}, {name}"), same);
            let others = [
                json!("other"),
                json!(1),
                json!(null),
                json!([full[name].clone(), "other"]),
                json!({}),
                json!(true),
            ];
            for other in others {
                let what = format!("{way}, {name} {other}");
                let token = outside(&envelope, name, other, &full);
                case.refuses(&VAULT, &what, token, "claim_invalid");
            }
        }
        // A claim that the token does not have cannot be repeated.
        for name in ["sub", "nbf", "jti"] {
            let inner = without_claim(name);
            let token = outside(&envelope, name, full[name].clone(), &inner);
            let what = format!("{way}, {name} outside only");
            case.refuses(&VAULT, &what, token, "claim_invalid");
        }
        // Other names mean nothing.
        for name in ["scope", "roles", "azp", "ISS"] {
            let token = outside(&envelope, name, json!("admin"), &claims());
            let outcome = case.accepts(&VAULT, &format!("{way}, {name}"), token);
            case.equal(
                "the subject",
                outcome.header("x-auth-subject"),
                Some("alice"),
            );
        }
        let all = ["iss", "sub", "aud", "exp"];
        let repeated = |envelope: Envelope| {
            let add = |envelope: Envelope, name: &&str| envelope.member(name, full[*name].clone());
            all.iter().fold(envelope, add)
        };
        let token = repeated(envelope.clone()).seal(RSA.sign(&full));
        case.accepts(&VAULT, &format!("{way}, all of them"), token);
        let token = repeated(envelope)
            .member("sub", "mallory")
            .seal(RSA.sign(&full));
        case.refuses(
            &VAULT,
            &format!("{way}, all but one"),
            token,
            "claim_invalid",
        );
    }
}

/// The baseline's claims without this one, which some of them do not have.
fn without_claim(name: &str) -> Value {
    match claims().get(name) {
        Some(_) => claims_without(name),
        None => claims(),
    }
}

fn one_audience_may_be_a_string_or_an_array(case: &mut Case) {
    let (text, list) = (json!("orders-api"), json!(["orders-api"]));
    let two = json!(["orders-api", "other"]);
    let swapped = json!(["other", "orders-api"]);
    let site = Site::start(&Settings::of(corp().decryption_with(
        &[&ENC_RSA, &ENC_EC, &ENC_SECRET],
        "encrypted_claims: trusted",
    )));
    for (one, other, same) in [
        (&text, &text, true),
        (&text, &list, true),
        (&list, &text, true),
        (&list, &list, true),
        (&two, &two, true),
        (&two, &text, false),
        (&text, &two, false),
        (&two, &list, false),
        (&two, &swapped, false),
        (&json!([]), &text, false),
        (&json!([["orders-api"]]), &text, false),
    ] {
        let inner = claims_with("aud", other.clone());
        let mut check = |way: &str, token: String| {
            let what = format!("{way}, {one} outside, {other} inside");
            if same {
                case.accepts(&site, &what, token);
            } else {
                case.refuses(&site, &what, token, "claim_invalid");
            }
        };
        for (way, envelope) in ways() {
            check(&way, outside(&envelope, "aud", one.clone(), &inner));
        }
        for (way, envelope) in shared_ways() {
            let token = envelope.member("aud", one.clone()).seal(inner.to_string());
            check(&format!("{way}, not signed"), token);
        }
    }
}

/// Each token alone, and then encrypted: the answers are the same, to the byte.
fn inner_token_has_the_verdict_that_it_has_alone(case: &mut Case) {
    let expired = claims_with("exp", json!(NOW - 3600));
    let bound = claims_with("cnf", json!({"jkt": "x"}));
    let inner = [
        ("good", tokens::good()),
        ("expired", RSA.sign(&expired)),
        ("early", RSA.sign(&claims_with("nbf", json!(NOW + 3600)))),
        (
            "another audience",
            RSA.sign(&claims_with("aud", json!("other"))),
        ),
        (
            "another issuer",
            RSA.sign(&claims_with("iss", json!("https://evil.example"))),
        ),
        ("without exp", RSA.sign(&claims_without("exp"))),
        (
            "exp a text",
            RSA.sign(&claims_with("exp", json!("4102444800"))),
        ),
        ("bound to a sender", RSA.sign(&bound)),
        (
            "of another type",
            RSA.sign_with(&with(RSA.header(), "typ", json!("dpop+jwt")), &claims()),
        ),
        (
            "crit",
            RSA.sign_with(&with(RSA.header(), "crit", json!(["x"])), &claims()),
        ),
        ("unknown kid", RSA.with_kid("unknown").sign(&claims())),
        ("another algorithm", RSA.with_alg("RS512").sign(&claims())),
        ("another signature", tokens::resigned(&tokens::good(), b"x")),
        ("no JSON", tokens::payload("no")),
        (
            "a member twice",
            tokens::payload(r#"{"iss":"a","iss":"a"}"#),
        ),
        ("nothing", "..".to_owned()),
    ];
    for (what, inner) in inner {
        let alone = CORP.ask(&Call::bearing(&inner));
        for (way, envelope) in ways() {
            let what = format!("{way}, {what}");
            let token = envelope.seal(&inner);
            let outcome = if alone.is_allow() {
                case.accepts(&VAULT, &what, token)
            } else {
                let reason = leaked(&alone.reason);
                case.refuses(&VAULT, &what, token, reason)
            };
            case.holds(
                &format!("{what}: the same answer"),
                outcome.wire == alone.wire,
            );
        }
    }
}

/// Expectations have names that live as long as the process.
fn leaked(reason: &str) -> &'static str {
    Box::leak(reason.to_owned().into_boxed_str())
}

fn known_token_still_expires(case: &mut Case) {
    let keys = [&*ENC_RSA, &ENC_EC, &ENC_SECRET];
    let site = Site::start(&Settings::of(corp().decryption(&keys)));
    let mut sent = Vec::new();
    for (way, envelope) in ways() {
        let token = envelope.seal(tokens::good());
        case.accepts(&site, &format!("{way}, first"), &token);
        case.accepts(&site, &format!("{way}, again"), &token);
        sent.push((way, token));
    }
    site.clock().set(NOW + 3600);
    for (way, token) in &sent {
        case.refuses(
            &site,
            &format!("{way}, an hour later"),
            token,
            "token_expired",
        );
    }
    site.clock().set(NOW);
    for (way, token) in &sent {
        case.accepts(&site, &format!("{way}, the clock set back"), token);
        let mut changed = token.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'A' { b'Q' } else { b'A' };
        case.refuses(
            &site,
            &format!("{way}, the tag changed"),
            changed,
            "decrypt_failed",
        );
    }
    let plain = ENC_EC.envelope(ContentCipher::A256Gcm).seal(tokens::good());
    case.accepts(&site, "another envelope of the same token", plain);
}

//! Area `key-ref`: key sets in which a kid means more than one key, or none that may verify.

use serde_json::{Value, json};
use watchword_test_support::mint::{self, Signer};

use super::super::catalogue::{Case, Row, row};
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, EC, RSA, STRANGER, claims, with, without};

pub(crate) const ROWS: &[Row] = &[
    row!("KEY-14", keys_of_two_issuers_are_apart),
    row!("KEY-15", kid_shared_by_two_key_types_works_in_both_orders),
    row!("KEY-16", kid_shared_by_two_keys_works_in_both_orders),
    row!("KEY-26", key_for_another_purpose_is_not_found),
];

fn keys_of_two_issuers_are_apart(case: &mut Case) {
    let (a, b) = (Signer::rsa("RS256", "k1", 0), Signer::rsa("RS256", "k1", 1));
    let issuer = |name: &str, key: &Signer| {
        Issuer::named(
            name,
            &format!("https://{name}.example"),
            &mint::key_set(&[key]),
        )
    };
    let site = Site::start(&Settings::of(issuer("a", &a)).issuer(issuer("b", &b)));
    let from = |url: &str| tokens::claims_with("iss", json!(url));
    case.accepts(&site, "A's key", a.sign(&from("https://a.example")));
    case.accepts(&site, "B's key", b.sign(&from("https://b.example")));
    case.refuses(
        &site,
        "A's name, B's key",
        b.sign(&from("https://a.example")),
        "signature_invalid",
    );
    case.refuses(
        &site,
        "B's name, A's key",
        a.sign(&from("https://b.example")),
        "signature_invalid",
    );
}

/// A server whose only issuer publishes these keys in this order.
fn publishing(keys: &[Value]) -> Site {
    let set = json!({ "keys": keys });
    Site::start(&Settings::of(Issuer::named(
        "corp",
        "https://idp.example.com",
        &set,
    )))
}

fn kid_shared_by_two_key_types_works_in_both_orders(case: &mut Case) {
    let (rsa, ec) = (RSA.with_kid("k1"), EC.with_kid("k1"));
    for keys in [[rsa.jwk(), ec.jwk()], [ec.jwk(), rsa.jwk()]] {
        let site = publishing(&keys);
        case.accepts(&site, "RS256", rsa.sign(&claims()));
        case.accepts(&site, "ES256", ec.sign(&claims()));
        case.refuses(
            &site,
            "a stranger's",
            STRANGER.with_kid("k1").sign(&claims()),
            "signature_invalid",
        );
    }
}

/// Documented: two keys may share a kid and an algorithm; with three, none of them is used.
fn kid_shared_by_two_keys_works_in_both_orders(case: &mut Case) {
    let [a, b, c, stranger] = [0, 1, 2, 3].map(|which| Signer::rsa("RS256", "k1", which));
    for keys in [[a.jwk(), b.jwk()], [b.jwk(), a.jwk()]] {
        let site = publishing(&keys);
        case.accepts(&site, "first key", a.sign(&claims()));
        case.accepts(&site, "second key", b.sign(&claims()));
        case.refuses(
            &site,
            "a stranger's",
            stranger.sign(&claims()),
            "signature_invalid",
        );
    }
    for keys in [[&a, &b, &c], [&c, &b, &a], [&b, &a, &c]] {
        let [first, second, third] = keys.map(Signer::jwk);
        let site = publishing(&[first, EC.jwk(), second, third]);
        case.accepts(&site, "another kid", EC.sign(&claims()));
        for key in keys {
            case.refuses(&site, "one of three", key.sign(&claims()), "key_not_found");
        }
    }
}

fn key_for_another_purpose_is_not_found(case: &mut Case) {
    let purposes = [
        json!({"use": "enc"}),
        json!({"use": "encryption"}),
        json!({"key_ops": ["sign"]}),
        json!({"key_ops": ["encrypt", "wrapKey"]}),
        json!({"key_ops": []}),
        json!({"use": "enc", "key_ops": ["verify"]}),
    ];
    for purpose in purposes {
        let mut key = without(RSA.jwk(), "use");
        for (name, value) in purpose.as_object().expect("an object") {
            key[name] = value.clone();
        }
        let site = publishing(&[key, EC.jwk()]);
        case.accepts(&site, "the other key", EC.sign(&claims()));
        case.refuses(&site, &purpose.to_string(), tokens::good(), "key_not_found");
    }
    let key = with(without(RSA.jwk(), "use"), "key_ops", json!(["verify"]));
    case.accepts(&publishing(&[key]), "key_ops verify", tokens::good());
}

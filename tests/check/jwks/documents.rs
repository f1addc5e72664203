//! Area `jwks`: documents with faults. Their good keys are used, or the keys from before stay.

use serde_json::json;
use watchword::clock::Clock;
use watchword_test_support::key_server::Reply;
use watchword_test_support::mint::{self, Signer};

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{self, EC, ED, RSA, with};
use super::{Fetched, corp_from, next_fetch, served, set, token, unknown, until};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-01", malformed_key_costs_nothing_else),
    row!("JWK-02", set_without_a_good_key_is_a_failed_fetch),
    row!("JWK-05", member_that_stands_twice_is_refused),
    row!("JWK-40", set_of_another_issuer_fails_signatures_only),
];

fn malformed_key_costs_nothing_else(case: &mut Case) {
    let fetched = Fetched::start(set(&[&RSA]));
    let bad = [
        json!(null),
        json!("a key"),
        json!({}),
        json!({"kty": "RSA", "e": "AQAB", "kid": "bad"}),
        json!({"kty": "RSA", "n": 7, "e": "AQAB", "kid": "bad"}),
        json!({"kty": "XYZ", "kid": "bad"}),
        tokens::without(Signer::generate("ES256", "bad").jwk(), "y"),
        with(RSA.jwk(), "kid", json!(7)),
        with(EC.jwk(), "alg", json!(["ES256"])),
    ];
    for (number, bad) in bad.iter().enumerate() {
        let what = format!("{:.40}", bad.to_string());
        let mut keys = vec![EC.jwk(), ED.jwk()];
        keys.insert(number % 3, bad.clone());
        case.equal(
            &what,
            fetched.publish(Reply::ok(json!({"keys": keys}))),
            "changed",
        );
        let status = fetched.status();
        case.equal(&format!("{what}: used"), status.keys().len(), 2);
        let skipped: usize = status.skipped_by_reason().values().sum();
        case.equal(&format!("{what}: skipped and counted"), skipped, 1);
        for good in [&EC, &ED] {
            case.becomes(
                &what,
                &fetched.site,
                &Call::bearing(token(good)),
                Expect::Allow,
            );
        }
        case.refuses(&fetched.site, &what, token(&RSA), "key_not_found");
    }
}

fn set_without_a_good_key_is_a_failed_fetch(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let secret = Signer::generate("HS256", "secret").jwk();
    let bad = [
        Reply::ok(r#"{"keys":[]}"#).named("no key"),
        Reply::ok("{}").named("no keys"),
        Reply::ok("[]").named("an array"),
        Reply::ok("").named("nothing"),
        Reply::ok("null").named("null"),
        Reply::ok(r#"{"keys":{}}"#).named("keys that are no array"),
        Reply::ok(json!({"keys": [secret]})).named("a secret"),
        Reply::ok(json!({"keys": [with(ED.jwk(), "use", json!("enc")), "a key", {}]}))
            .named("all bad"),
        Reply::ok(json!({"keys": vec![EC.jwk(); 257]})).named("257 keys"),
        Reply::html(),
    ];
    for reply in bad {
        let what = reply.to_string();
        case.equal(&what, fetched.publish(reply), "key_set");
        case.holds(&format!("{what}: told"), fetched.status().failure.is_some());
        case.accepts(&fetched.site, &what, token(&ED));
        // Tokens of unknown keys cause one fetch together, which does not help.
        let requests = fetched.server.requests();
        for number in 0..5 {
            let strange = unknown(&format!("unknown-{number}"));
            case.refuses(&fetched.site, &what, strange, "key_not_found");
        }
        case.equal(
            &format!("{what}: fetches that tokens caused"),
            fetched.server.requests() - requests,
            1,
        );
        fetched.publish(set(&[&ED]));
    }
    case.equal(
        "fetches that tokens caused",
        fetched.status().unknown_key_fetches,
        10,
    );
}

fn member_that_stands_twice_is_refused(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let (ec, rsa) = (EC.jwk(), RSA.jwk());
    let sets = [
        format!(r#"{{"keys":[{ec}],"keys":[{rsa}]}}"#),
        format!(r#"{{"keys":[],"keys":[{ec},{rsa}]}}"#),
        format!(r#"{{"keys":[{ec}],"\u006beys":[{rsa}]}}"#),
    ];
    for set in sets {
        case.equal(
            "the set is refused",
            fetched.publish(Reply::ok(&set)),
            "key_set",
        );
        case.accepts(&fetched.site, "the last good key", token(&ED));
        for key in [&EC, &RSA] {
            case.refuses(
                &fetched.site,
                &format!("{set:.20}"),
                token(key),
                "key_not_found",
            );
        }
    }
    let twice = ["kid", "kty", "alg", "use", "n", "e", "\\u006bid"].map(|name| {
        let value = rsa.get(name).unwrap_or(&json!("rsa-key")).clone();
        rsa.to_string()
            .replacen('{', &format!(r#"{{"{name}":{value},"#), 1)
    });
    for key in twice {
        let document = format!(r#"{{"keys":[{key},{ec},{}]}}"#, ED.jwk());
        let outcome = fetched.publish(Reply::ok(document));
        let what = format!("{key:.20}: {outcome}");
        case.holds(
            &what,
            ["key_set", "changed", "unchanged"].contains(&outcome),
        );
        case.becomes(
            &what,
            &fetched.site,
            &Call::bearing(token(&ED)),
            Expect::Allow,
        );
        case.refuses(&fetched.site, &what, token(&RSA), "key_not_found");
    }
}

/// The server that serves an issuer's keys decides which tokens are that issuer's. Other issuers
/// are not affected.
fn set_of_another_issuer_fails_signatures_only(case: &mut Case) {
    let (a, b) = (
        Signer::generate("EdDSA", "k1"),
        Signer::generate("EdDSA", "k1"),
    );
    let servers = [served(set(&[&a])), served(set(&[&b]))];
    let issuer = |name: &str, server: usize| {
        let issuer = corp_from(&servers[server].uri(), "");
        issuer.renamed(name, &format!("https://{name}.example"))
    };
    let settings = Settings::of(issuer("a", 0)).issuer(issuer("b", 1));
    let site = Site::start_at(&settings, Clock::manual(NOW));
    until("both have keys", || site.is_ready());
    let of = |name: &str, signer: &Signer| {
        let claims = tokens::claims_with("exp", json!(NOW + 1_000_000_000));
        signer.sign(&with(
            claims,
            "iss",
            json!(format!("https://{name}.example")),
        ))
    };
    for (name, signer) in [("a", &a), ("b", &b)] {
        case.accepts(&site, &format!("{name}, before"), of(name, signer));
    }
    servers[0].reply(Reply::ok(mint::key_set(&[&b])));
    case.equal("B's set at A's place", next_fetch(&site, 0), "changed");
    let expect = Expect::Deny(401, "signature_invalid");
    case.becomes("A's own token", &site, &Call::bearing(of("a", &a)), expect);
    case.accepts(&site, "B's token", of("b", &b));
    case.refuses(&site, "A's key, B's name", of("b", &a), "signature_invalid");
    case.holds("still ready", site.is_ready());
    servers[0].reply(Reply::ok(mint::key_set(&[&a])));
    next_fetch(&site, 0);
    case.becomes(
        "A's own again",
        &site,
        &Call::bearing(of("a", &a)),
        Expect::Allow,
    );
}

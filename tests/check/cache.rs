//! Area `cache`: a token that was verified once is judged again by every rule, policy and key set.

use std::sync::Arc;

use serde_json::json;
use watchword::clock::Clock;
use watchword::jwks::Network;
use watchword_test_support::mint::Signer;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::expect::Expect;
use super::inside::Inside;
use super::settings::{Issuer, Settings};
use super::site::{NOW, Site};
use super::tokens::{self, EC, ED, RSA, claims, claims_with};

mod core;
pub(crate) mod load;
pub(crate) mod panics;
pub(crate) mod parallel;
pub(crate) mod time;

pub(crate) const ROWS: &[Row] = &[
    row!("CCH-01", cached_token_is_judged_by_each_rule),
    row!("CCH-02", cached_token_is_judged_by_each_policy),
    row!("CCH-05", cached_token_is_judged_by_a_new_policy),
    row!("CCH-09", other_spelling_of_a_cached_token_is_malformed),
];

/// Twice: the first time fills the cache.
const AGAIN: [&str; 2] = ["first", "again"];

fn cached_token_is_judged_by_each_rule(case: &mut Case) {
    let rules = "- {name: a, match: {path: {prefix: /a}}, require: {scopes: [read]}}\n\
                 - {name: b, match: {path: {prefix: /b}}, require: {scopes: [write]}}\n\
                 - {name: c, match: {path: {prefix: /c}}, require: none}";
    let site = Site::start(&Settings::of(tokens::corp()).rules(rules));
    let reader = ED.sign(&claims_with("scope", json!("read")));
    let writer = ED.sign(&claims_with("scope", json!("write")));
    let call = |path: &str, token: &str| Call::get(path).token(token);
    for what in AGAIN {
        case.allows(&site, what, &call("/a/1", &reader));
        case.denies(
            &site,
            what,
            &call("/b/1", &reader),
            403,
            "insufficient_scope",
        );
        case.denies(
            &site,
            what,
            &call("/a/1", &writer),
            403,
            "insufficient_scope",
        );
        case.allows(&site, what, &call("/b/1", &writer));
        case.denies(&site, what, &call("/d", &reader), 403, "policy_denied");
    }
}

fn cached_token_is_judged_by_each_policy(case: &mut Case) {
    let token = RSA.sign(&claims());
    let two = json!(["orders-api", "admin-api"]);
    let both = RSA.sign(&claims_with("aud", two));
    let rules = "- {match: {path: {prefix: /orders}}}\n\
                 - {match: {path: {prefix: /admin}}, require: {audiences: [admin-api]}}\n\
                 - {match: {path: {prefix: /partners}}, require: {issuers: [partner]}}";
    let partner = Issuer::named(
        "partner",
        "https://partner.example",
        &watchword_test_support::mint::key_set(&[&RSA]),
    );
    let site = Site::start(&Settings::of(tokens::corp()).issuer(partner).rules(rules));
    for what in AGAIN {
        for token in [&token, &both] {
            case.allows(&site, what, &Call::get("/orders").token(token));
        }
        let call = Call::get("/admin").token(&token);
        case.denies(&site, what, &call, 401, "audience_mismatch");
        case.allows(&site, what, &Call::get("/admin").token(&both));
        let call = Call::get("/partners").token(&token);
        case.denies(&site, what, &call, 401, "issuer_not_allowed");
    }
    // Servers that share nothing but this process: another audience, another issuer, other keys
    // under one kid.
    let sites = [
        (tokens::corp(), None),
        (
            tokens::corp().audiences("audiences: [admin-api]"),
            Some("audience_mismatch"),
        ),
        (
            tokens::corp().renamed("corp", "https://other.example"),
            Some("issuer_not_allowed"),
        ),
        (
            Issuer::corp(&[&Signer::rsa("RS256", RSA.kid(), 3)]),
            Some("signature_invalid"),
        ),
    ];
    let sites = sites.map(|(issuer, denial)| (Site::start(&Settings::of(issuer)), denial));
    for what in AGAIN {
        for (site, denial) in &sites {
            match denial {
                None => case.accepts(site, what, &token),
                Some(reason) => case.refuses(site, what, &token, reason),
            };
        }
    }
}

fn cached_token_is_judged_by_a_new_policy(case: &mut Case) {
    let audiences =
        |list: &str| Settings::of(tokens::corp().audiences(&format!("audiences: [{list}]")));
    let before = audiences("orders-api, admin-api");
    let mut inside = Inside::start(&before, Arc::new(Network));
    let call = Call::bearing(RSA.sign(&claims()));
    for what in AGAIN {
        inside.check(case, what, &call, Expect::Allow);
    }
    inside.reload(&audiences("admin-api"));
    for what in AGAIN {
        inside.check(case, what, &call, Expect::Deny(401, "audience_mismatch"));
    }
    inside.reload(&Settings::of(Issuer::corp(&[&RSA]).algorithms("EdDSA")));
    for what in AGAIN {
        inside.check(case, what, &call, Expect::Deny(401, "alg_not_allowed"));
    }
    inside.reload(&Settings::of(tokens::corp()).rules("- require: {scopes: [admin]}"));
    inside.check(
        case,
        "another rule",
        &call,
        Expect::Deny(403, "insufficient_scope"),
    );
    inside.reload(&before);
    inside.check(case, "as it was", &call, Expect::Allow);
}

fn other_spelling_of_a_cached_token_is_malformed(case: &mut Case) {
    let site = Site::start_at(&Settings::of(tokens::corp()), Clock::fixed(NOW));
    for signer in [&*ED, &*EC, &*RSA] {
        let token = signer.sign(&claims());
        let [header, payload, signature] = tokens::segments(&token);
        let (start, last) = token.split_at(token.len() - 1);
        let after = |step: u8| char::from(last.as_bytes()[0] + step);
        let variants = [
            format!("{token}="),
            format!("{token}=="),
            format!("{header}=.{payload}.{signature}"),
            format!("{header}.{payload}=.{signature}"),
            // The lowest bits of the last character are not used: 86 and 342 characters are 64 and
            // 256 bytes.
            format!("{start}{}", after(1)),
            format!("{token}."),
            format!("{token}\u{0}"),
            format!("{start} {last}"),
            format!("{start}\t{last}"),
            format!("{start}\n{last}"),
            format!("{header} .{payload}.{signature}"),
            format!("{header}.{payload}. {signature}"),
            format!("{header}.{payload}\r\n.{signature}"),
            token.replace('.', ". "),
        ];
        case.accepts(&site, "the token", &token);
        let longer = format!("{token}A");
        case.refuses(&site, "another signature", longer, "signature_invalid");
        for (number, variant) in variants.iter().enumerate() {
            case.refuses(
                &site,
                &format!("{} variant {number}", signer.alg()),
                variant,
                "token_malformed",
            );
            case.accepts(&site, "the token again", &token);
        }
    }
}

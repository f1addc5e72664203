//! Area `config`: the section of an issuer.

use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::process;
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, RSA, corp};
use super::{accepted, command_refuses, refuse, with_line, with_rules};

pub(crate) const ROWS: &[Row] = &[
    row!("CFG-04", empty_lists_mean_nothing),
    row!("CFG-05", no_audience_must_be_said),
    row!("CFG-06", two_issuers_with_one_iss_are_an_error),
    row!("CFG-07", algorithms_must_fit_the_keys),
];

fn empty_lists_mean_nothing(case: &mut Case) {
    let audiences = |line: &str| Settings::of(corp().audiences(line)).text();
    for line in [
        "audiences: []",
        "audiences: ['']",
        "audiences: [orders-api, '']",
        "audiences:",
        "audiences: null",
    ] {
        refuse(case, line, &audiences(line), &["audiences"]);
    }
    command_refuses(
        case,
        "no-audience",
        &audiences("audiences: []"),
        &["audiences"],
    );
    for line in [
        "audiences: [1]",
        "audiences: orders-api",
        "audiences: {a: b}",
        "audiences: [[a]]",
    ] {
        refuse(case, line, &audiences(line), &["audiences"]);
    }
    refuse(case, "no issuer", "issuers: {}\n", &["issuer"]);
    refuse(case, "no issuers", "server: {}\n", &["issuers"]);
    refuse(case, "empty file", "", &[]);
    let nameless = Settings::of(Issuer::named("corp", "", &mint::key_set(&[&RSA]))).text();
    refuse(case, "empty iss", &nameless, &["issuer"]);
    refuse(
        case,
        "no algorithm",
        &Settings::of(Issuer::corp(&[&RSA]).line("algorithms: []")).text(),
        &["algorithms"],
    );
    for rules in [
        "- {require: {issuers: []}}",
        "- {require: {issuers: ['']}}",
        "- {require: {audiences: []}}",
        "- {require: {audiences: ['']}}",
        "- {require: {scopes: []}}",
        "- {require: {scopes: ['']}}",
        "- {require: {claims: {a: []}}}",
        "- {require: {claims: {a: {contains: []}}}}",
        "- {match: {hosts: []}}",
        "- {match: {methods: []}}",
        "- {match: {methods: ['']}}",
        "- {match: {path: {}}}",
    ] {
        refuse(case, rules, &with_rules(rules), &["rules"]);
    }
    refuse(
        case,
        "no rules",
        &format!("{}rules: []\n", Settings::of(corp()).text()),
        &["rules"],
    );
}

fn no_audience_must_be_said(case: &mut Case) {
    let silent = Settings::of(corp().audiences("leeway: 30s")).text();
    refuse(
        case,
        "no audiences",
        &silent,
        &["audiences", "any_audience"],
    );
    command_refuses(
        case,
        "silent-audience",
        &silent,
        &["audiences", "any_audience"],
    );
    refuse(
        case,
        "any_audience: false",
        &Settings::of(corp().audiences("any_audience: false")).text(),
        &["audiences"],
    );
    refuse(
        case,
        "both",
        &with_line("any_audience: true"),
        &["audience"],
    );
    accepted(
        case,
        "any_audience: true",
        &Settings::of(corp().audiences("any_audience: true")).text(),
    );
    let wild = Site::start(&Settings::of(corp().audiences("audiences: ['*']")));
    case.refuses(
        &wild,
        "a star is a name",
        tokens::good(),
        "audience_mismatch",
    );
}

fn two_issuers_with_one_iss_are_an_error(case: &mut Case) {
    let named = |name: &str, url: &str| Issuer::named(name, url, &mint::key_set(&[&RSA]));
    let same = Settings::of(named("a", "https://idp.example.com"))
        .issuer(named("b", "https://idp.example.com"));
    refuse(case, "one iss twice", &same.text(), &["issuer"]);
    command_refuses(case, "one-iss-twice", &same.text(), &["issuer"]);
    let apart = Settings::of(named("a", "https://idp.example.com"))
        .issuer(named("b", "https://idp.example.com/"));
    accepted(case, "two that differ", &apart.text());
    let one_name =
        Settings::of(named("a", "https://a.example")).issuer(named("a", "https://b.example"));
    refuse(case, "one name twice", &one_name.text(), &["twice"]);
}

fn algorithms_must_fit_the_keys(case: &mut Case) {
    let listed = |names: &str| Settings::of(Issuer::corp(&[&RSA]).algorithms(names)).text();
    accepted(case, "RS256, ES256", &listed("RS256, ES256"));
    accepted(case, "ES256K, ML-DSA-87", &listed("ES256K, ML-DSA-87"));
    for names in [
        "none",
        "None",
        "RS256, none",
        "HS256",
        "RS256, HS256",
        "ES256, HS512",
        "EdDSA, HS384",
        "rs256",
        "RS265",
        "''",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "ES521K",
        "ml-dsa-44",
        "ML-DSA",
        "Ed448",
        "'*'",
        "RS256, 1",
    ] {
        refuse(case, names, &listed(names), &["algorithms"]);
    }
    command_refuses(
        case,
        "alg-none",
        &listed("RS256, none"),
        &["algorithms", "none"],
    );
    process::write("cfg-07.secret", "a secret of an issuer, long enough");
    let secret = |names: &str| {
        let issuer = Issuer::corp(&[]).keys("secret_file: cfg-07.secret");
        let issuer = if names.is_empty() {
            issuer
        } else {
            issuer.algorithms(names)
        };
        Settings::of(issuer).text()
    };
    accepted(case, "a secret", &secret(""));
    for names in [
        "RS256",
        "HS256, RS256",
        "HS256, ES256",
        "HS256, EdDSA",
        "none",
        "HS256, none",
    ] {
        refuse(
            case,
            &format!("a secret and {names}"),
            &secret(names),
            &["algorithms"],
        );
    }
    let both = Settings::of(Issuer::corp(&[&RSA]).line("secret_file: cfg-07.secret")).text();
    refuse(
        case,
        "a secret and a key set",
        &both,
        &["jwks", "secret_file"],
    );
    process::write("cfg-07.short", "too short");
    let short = Settings::of(Issuer::corp(&[]).keys("secret_file: cfg-07.short")).text();
    refuse(case, "a short secret", &short, &["secret"]);
    process::write("cfg-07.empty", "");
    let empty = Settings::of(Issuer::corp(&[]).keys("secret_file: cfg-07.empty")).text();
    refuse(case, "an empty secret", &empty, &["secret"]);
    let oct = serde_json::json!({"keys": [mint::Signer::generate("HS256", "k").jwk()]});
    let oct = Settings::of(Issuer::named("corp", "https://idp.example.com", &oct)).text();
    refuse(case, "a secret in a key set", &oct, &["jwks"]);
}

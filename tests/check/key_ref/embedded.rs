//! Area `key-ref`: keys, links to keys and certificates in the header. None of them is ever used or
//! followed.

use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::super::catalogue::{Case, Row, row};
use super::super::der;
use super::super::site::RUNTIME;
use super::super::tokens::{self, CORP, EC, RSA, STRANGER, claims, with};

pub(crate) const ROWS: &[Row] = &[
    row!("KEY-17", embedded_jwk_is_not_used),
    row!("KEY-18", embedded_secret_is_not_used),
    row!("KEY-19", jku_is_not_followed),
    row!("KEY-20", jku_tricks_are_not_followed),
    row!("KEY-21", jku_to_metadata_service_or_file_is_not_followed),
    row!("KEY-22", x5u_is_not_followed),
    row!("KEY-23", x5c_is_not_used),
    row!("KEY-25", x5t_widens_no_trust),
];

/// Tokens of an attacker's key whose header brings or points to that key: under a kid of the
/// issuer's, under one of its own, and under none. The same member beside an honest signature
/// changes nothing.
fn brings(case: &mut Case, attacker: &Signer, honest: &Signer, name: &str, value: &Value) {
    let what = |kid: &str| format!("{name} {:.60}, kid {kid:?}", value.to_string());
    let signed = |kid: &str| {
        let signer = attacker.with_kid(kid);
        signer.sign_with(&with(signer.header(), name, value.clone()), &claims())
    };
    case.refuses(
        &CORP,
        &what(honest.kid()),
        signed(honest.kid()),
        "signature_invalid",
    );
    case.refuses(&CORP, &what(""), signed(""), "signature_invalid");
    case.refuses(
        &CORP,
        &what("attacker"),
        signed("attacker"),
        "key_not_found",
    );
    let token = honest.sign_with(&with(honest.header(), name, value.clone()), &claims());
    case.accepts(&CORP, &format!("{name} under an honest signature"), token);
}

fn embedded_jwk_is_not_used(case: &mut Case) {
    brings(case, &STRANGER, &RSA, "jwk", &STRANGER.jwk());
    brings(
        case,
        &STRANGER,
        &RSA,
        "jwk",
        &STRANGER.with_kid(RSA.kid()).jwk(),
    );
    let attacker = Signer::generate("ES256", "attacker");
    brings(case, &attacker, &EC, "jwk", &attacker.jwk());
}

fn embedded_secret_is_not_used(case: &mut Case) {
    let attacker = Signer::generate("HS256", "attacker");
    for kid in ["attacker", RSA.kid(), ""] {
        let signer = attacker.with_kid(kid);
        let token = signer.sign_with(&with(signer.header(), "jwk", signer.jwk()), &claims());
        case.refuses(&CORP, &format!("kid {kid:?}"), token, "alg_not_allowed");
    }
}

/// Tokens with these links, to a server that would hand out the attacker's key and must never be
/// called.
fn links(case: &mut Case, name: &str, urls: impl Fn(&str) -> Vec<String>) {
    let set = mint::key_set(&[&STRANGER, &STRANGER.with_kid(RSA.kid())]);
    let _runtime = RUNTIME.enter();
    let server = KeyServer::start_plain(Reply::ok(set));
    for url in urls(&server.address.to_string()) {
        brings(case, &STRANGER, &RSA, name, &json!(url));
    }
    case.equal(
        "connections to the attacker's server",
        server.connections(),
        0,
    );
}

fn jku_is_not_followed(case: &mut Case) {
    links(case, "jku", |host| {
        vec![
            format!("http://{host}/jwks"),
            format!("https://{host}/jwks"),
        ]
    });
}

fn jku_tricks_are_not_followed(case: &mut Case) {
    links(case, "jku", |host| {
        vec![
            format!("http://idp.example.com@{host}/jwks"),
            format!("http://{host}/#https://idp.example.com/jwks"),
            format!("http://{host}/?https://idp.example.com/jwks"),
            format!("https://idp.example.com/redirect?to=http://{host}/jwks"),
            format!("https://idp.example.com.@{host}/jwks"),
            format!("http://{host}\\@idp.example.com/jwks"),
        ]
    });
}

fn jku_to_metadata_service_or_file_is_not_followed(case: &mut Case) {
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ] {
        brings(case, &STRANGER, &RSA, "jku", &json!(url));
    }
}

fn x5u_is_not_followed(case: &mut Case) {
    links(case, "x5u", |host| {
        vec![
            format!("http://{host}/leaf.pem"),
            format!("https://{host}/leaf.pem"),
        ]
    });
}

fn x5c_is_not_used(case: &mut Case) {
    let attacker = Signer::generate("ES256", "attacker");
    let leaf = tokens::standard_b64(&der::self_signed(&attacker));
    brings(case, &attacker, &EC, "x5c", &json!([leaf]));
    brings(case, &attacker, &EC, "x5c", &json!([leaf, leaf]));
    brings(case, &attacker, &EC, "x5c", &json!("not a list"));
}

fn x5t_widens_no_trust(case: &mut Case) {
    for (name, length) in [("x5t", 20), ("x5t#S256", 32)] {
        let print = json!(mint::b64(&vec![7; length]));
        brings(case, &STRANGER, &RSA, name, &print);
    }
}

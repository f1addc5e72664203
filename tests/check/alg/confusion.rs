//! Area `alg`, key confusion: an HMAC keyed with something that the verifier publishes or shares
//! elsewhere.

use serde_json::json;
use watchword_test_support::mint::{self, Signer};

use super::super::catalogue::{Case, Row, row};
use super::super::der;
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, CORP, EC, ED, RSA, claims, with, without};

pub(crate) const ROWS: &[Row] = &[
    row!("ALG-10", public_key_pem_is_no_secret),
    row!("ALG-11", public_key_der_is_no_secret),
    row!("ALG-12", jwk_text_and_modulus_are_no_secrets),
    row!("ALG-13", ec_point_is_no_secret),
    row!("ALG-14", ed25519_key_is_no_secret),
    row!("ALG-15", empty_mac_is_refused),
    row!("ALG-16", key_without_alg_does_not_let_the_token_choose),
    row!("ALG-28", secret_of_one_issuer_is_nothing_to_another),
];

/// Refused with each HMAC algorithm, with the kid of the public key and with none.
fn keyed_with(case: &mut Case, site: &Site, what: &str, key: &Signer, secret: &[u8]) {
    for alg in ["HS256", "HS384", "HS512"] {
        let signer = Signer::from_secret(alg, secret);
        let named = with(signer.header(), "kid", json!(key.kid()));
        case.refuses(
            site,
            &format!("{alg}, {what}"),
            signer.sign_with(&named, &claims()),
            "alg_not_allowed",
        );
        case.refuses(
            site,
            &format!("{alg}, {what}, no kid"),
            signer.sign(&claims()),
            "alg_not_allowed",
        );
    }
}

/// A PEM text as it is, without its final newline, and after a space or a newline: CVE-2026-34950.
fn pem_spellings(pem: &str) -> [String; 6] {
    let cut = pem.trim_end();
    [
        pem.to_owned(),
        cut.to_owned(),
        format!(" {pem}"),
        format!("\n{pem}"),
        format!(" {cut}"),
        format!("\n{cut}"),
    ]
}

fn public_key_pem_is_no_secret(case: &mut Case) {
    case.accepts(&CORP, "RS256 with the same key", tokens::good());
    for secret in pem_spellings(&der::pem("PUBLIC KEY", &RSA.public_der())) {
        keyed_with(
            case,
            &CORP,
            &format!("{:?}…", &secret[..12]),
            &RSA,
            secret.as_bytes(),
        );
    }
}

fn public_key_der_is_no_secret(case: &mut Case) {
    keyed_with(case, &CORP, "DER SPKI", &RSA, &RSA.public_der());
    let pkcs1 = der::pkcs1(&RSA);
    keyed_with(case, &CORP, "PKCS#1 DER", &RSA, &pkcs1);
    for secret in pem_spellings(&der::pem("RSA PUBLIC KEY", &pkcs1)) {
        keyed_with(case, &CORP, "PKCS#1 PEM", &RSA, secret.as_bytes());
    }
}

fn jwk_text_and_modulus_are_no_secrets(case: &mut Case) {
    let jwk = RSA.jwk();
    keyed_with(case, &CORP, "JWK text", &RSA, jwk.to_string().as_bytes());
    keyed_with(
        case,
        &CORP,
        "set text",
        &RSA,
        mint::key_set(&[&RSA]).to_string().as_bytes(),
    );
    keyed_with(
        case,
        &CORP,
        "text of n",
        &RSA,
        jwk["n"].as_str().expect("n").as_bytes(),
    );
    keyed_with(case, &CORP, "bytes of n", &RSA, &tokens::member(&jwk, "n"));
}

fn ec_point_is_no_secret(case: &mut Case) {
    case.accepts(&CORP, "ES256 with the same key", EC.sign(&claims()));
    let [x, y] = ["x", "y"].map(|name| tokens::member(&EC.jwk(), name));
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    keyed_with(case, &CORP, "04||x||y", &EC, &point);
    keyed_with(case, &CORP, "x||y", &EC, &point[1..]);
    keyed_with(case, &CORP, "x", &EC, &x);
}

fn ed25519_key_is_no_secret(case: &mut Case) {
    case.accepts(&CORP, "EdDSA with the same key", ED.sign(&claims()));
    keyed_with(case, &CORP, "x", &ED, &tokens::member(&ED.jwk(), "x"));
}

fn empty_mac_is_refused(case: &mut Case) {
    let any_algorithm = Site::start(&Settings::of(Issuer::corp(&[&RSA, &EC, &ED])));
    for site in [&*CORP, &any_algorithm] {
        for key in [&*RSA, &*EC, &*ED] {
            let token = Signer::from_secret("HS256", b"")
                .sign_with(&key.with_alg("HS256").header(), &claims());
            let empty = tokens::resigned(&token, b"");
            case.refuses(
                site,
                &format!("no MAC, key {}", key.kid()),
                empty,
                "alg_not_allowed",
            );
            case.refuses(
                site,
                &format!("MAC of the empty key, key {}", key.kid()),
                token,
                "alg_not_allowed",
            );
        }
    }
}

fn key_without_alg_does_not_let_the_token_choose(case: &mut Case) {
    let set = json!({"keys": [without(RSA.jwk(), "alg"), without(EC.jwk(), "alg")]});
    let issuer = Issuer::named("corp", "https://idp.example.com", &set);
    for issuer in [issuer.clone(), issuer.algorithms("RS256, ES256")] {
        let site = Site::start(&Settings::of(issuer));
        case.accepts(&site, "RS256", tokens::good());
        case.accepts(&site, "ES256", EC.sign(&claims()));
        let pem = der::pem("PUBLIC KEY", &RSA.public_der());
        keyed_with(case, &site, "PEM", &RSA, pem.as_bytes());
        keyed_with(
            case,
            &site,
            "04||x||y…",
            &EC,
            &tokens::member(&EC.jwk(), "x"),
        );
    }
}

fn secret_of_one_issuer_is_nothing_to_another(case: &mut Case) {
    let secret = b"a secret of one issuer, 32 bytes";
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("alg-28.secret");
    std::fs::write(&file, secret).expect("a file in the target folder");
    let a = Issuer::named("a", "https://a.example", &mint::key_set(&[&RSA]));
    let b = Issuer::named("b", "https://b.example", &json!({})).keys("secret_file: alg-28.secret");
    let site = Site::start(&Settings::of(a).issuer(b));
    let shared = Signer::from_secret("HS256", secret);
    let from = |url: &str| tokens::claims_with("iss", json!(url));
    case.accepts(
        &site,
        "B's own token",
        shared.sign(&from("https://b.example")),
    );
    case.accepts(&site, "A's own token", RSA.sign(&from("https://a.example")));
    case.refuses(
        &site,
        "A's name, B's secret",
        shared.sign(&from("https://a.example")),
        "alg_not_allowed",
    );
    let named = with(shared.header(), "kid", json!(RSA.kid()));
    let token = shared.sign_with(&named, &from("https://a.example"));
    case.refuses(
        &site,
        "A's name and kid, B's secret",
        token,
        "alg_not_allowed",
    );
    let token = RSA.sign(&from("https://b.example"));
    case.refuses(&site, "B's name, A's key", token, "alg_not_allowed");
}

//! Area `alg`: the key and the issuer choose the algorithm, the token does not.

use std::sync::LazyLock;

use serde_json::json;
use watchword_test_support::mint::{self, Signer};

use super::super::catalogue::{Case, Row, row};
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, EC, ED, RSA, claims, compact, with};

pub(crate) const ROWS: &[Row] = &[
    row!("ALG-17", key_bound_to_rs256_verifies_no_rs512),
    row!("ALG-18", key_bound_to_rs256_verifies_no_ps256),
    row!("ALG-19", allow_list_is_per_issuer),
    row!("ALG-22", curve_and_algorithm_belong_together),
    row!("ALG-24", x25519_key_signs_nothing),
    row!("ALG-25", ed448_is_not_implemented),
];

/// Every asymmetric algorithm is allowed by the issuer, so that only the key can object.
static ANY_ALGORITHM: LazyLock<Site> = LazyLock::new(|| {
    let p384 = Signer::generate("ES384", "p384");
    let keyless =
        |signer: &Signer, kid: &str| with(tokens::without(signer.jwk(), "alg"), "kid", json!(kid));
    let mut set = mint::key_set(&[&RSA, &EC, &p384, &ED]);
    set["keys"]
        .as_array_mut()
        .expect("keys")
        .extend([keyless(&EC, "ec-any"), keyless(&p384, "p384-any")]);
    Site::start(&Settings::of(Issuer::named(
        "corp",
        "https://idp.example.com",
        &set,
    )))
});

fn key_bound_to_rs256_verifies_no_rs512(case: &mut Case) {
    case.accepts(&ANY_ALGORITHM, "RS256", tokens::good());
    for alg in ["RS512", "RS384"] {
        case.refuses(
            &ANY_ALGORITHM,
            alg,
            RSA.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
}

fn key_bound_to_rs256_verifies_no_ps256(case: &mut Case) {
    case.accepts(&ANY_ALGORITHM, "RS256", tokens::good());
    for alg in ["PS256", "PS512"] {
        case.refuses(
            &ANY_ALGORITHM,
            alg,
            RSA.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
}

fn allow_list_is_per_issuer(case: &mut Case) {
    let set = mint::key_set(&[&RSA, &EC]);
    let a = Issuer::named("a", "https://a.example", &set).algorithms("ES256");
    let b = Issuer::named("b", "https://b.example", &set).algorithms("RS256");
    let site = Site::start(&Settings::of(a).issuer(b));
    let from = |url: &str| tokens::claims_with("iss", json!(url));
    case.accepts(&site, "A, ES256", EC.sign(&from("https://a.example")));
    case.accepts(&site, "B, RS256", RSA.sign(&from("https://b.example")));
    case.refuses(
        &site,
        "A, RS256",
        RSA.sign(&from("https://a.example")),
        "alg_not_allowed",
    );
    case.refuses(
        &site,
        "B, ES256",
        EC.sign(&from("https://b.example")),
        "alg_not_allowed",
    );
}

fn curve_and_algorithm_belong_together(case: &mut Case) {
    let p256 = EC.with_kid("ec-any");
    case.accepts(&ANY_ALGORITHM, "ES256 with P-256", EC.sign(&claims()));
    case.accepts(
        &ANY_ALGORITHM,
        "ES256 with P-256, key without alg",
        p256.sign(&claims()),
    );
    for (signer, alg) in [
        (&*EC, "ES384"),
        (&*EC, "ES512"),
        (&p256, "ES384"),
        (&p256, "ES512"),
    ] {
        let what = format!("{alg} header, key {}", signer.kid());
        case.refuses(
            &ANY_ALGORITHM,
            &what,
            signer.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
    for kid in ["p384", "p384-any"] {
        let token = EC.with_kid(kid).sign(&claims());
        case.refuses(
            &ANY_ALGORITHM,
            &format!("ES256 header, key {kid}"),
            token,
            "alg_not_allowed",
        );
    }
}

/// The baseline's keys and one more, which is not usable.
fn beside(key: serde_json::Value) -> Site {
    let mut set = mint::key_set(&[&RSA, &ED]);
    set["keys"].as_array_mut().expect("keys").push(key);
    let issuer = Issuer::named("corp", "https://idp.example.com", &set);
    Site::start(&Settings::of(issuer.algorithms("RS256, EdDSA")))
}

fn x25519_key_signs_nothing(case: &mut Case) {
    let x = ED.jwk()["x"].clone();
    let site = beside(json!({"kty": "OKP", "crv": "X25519", "kid": "x", "x": x}));
    case.accepts(&site, "Ed25519 key", ED.sign(&claims()));
    let token = ED.with_kid("x").sign(&claims());
    case.refuses(&site, "X25519 key", token, "alg_not_allowed");
}

fn ed448_is_not_implemented(case: &mut Case) {
    let site = beside(json!({"kty": "OKP", "crv": "Ed448", "kid": "x", "x": mint::b64(&[7; 57])}));
    case.accepts(&site, "Ed25519 key", ED.sign(&claims()));
    let header = with(ED.header(), "kid", json!("x")).to_string();
    let payload = claims().to_string();
    case.refuses(
        &site,
        "EdDSA",
        compact(&header, payload.as_bytes(), &[7; 114]),
        "alg_not_allowed",
    );
    case.refuses(
        &site,
        "Ed448",
        ED.with_alg("Ed448").sign(&claims()),
        "alg_not_allowed",
    );
}

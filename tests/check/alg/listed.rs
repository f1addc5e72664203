//! Area `alg`: the algorithms that are accepted only if the issuer lists them.

use serde_json::json;
use watchword_test_support::mint::{self, Signer};

use super::super::catalogue::{Case, Row, row};
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, EC, RSA, claims, with, without};

pub(crate) const ROWS: &[Row] = &[row!("ALG-23", further_algorithms_must_be_listed)];

const NAMES: [&str; 4] = ["ES256K", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

fn further_algorithms_must_be_listed(case: &mut Case) {
    let signers = NAMES.map(|alg| Signer::generate(alg, alg));
    let keys: Vec<&Signer> = [&*RSA, &*EC].into_iter().chain(&signers).collect();
    let by_default = Site::start(&Settings::of(Issuer::corp(&keys)));
    let listed = Issuer::corp(&keys).algorithms(&NAMES.join(", "));
    let listed = Site::start(&Settings::of(listed));
    case.accepts(&by_default, "RS256", tokens::good());
    case.refuses(
        &listed,
        "RS256, not listed",
        tokens::good(),
        "alg_not_allowed",
    );
    for signer in &signers {
        let (alg, token) = (signer.alg(), signer.sign(&claims()));
        case.refuses(&by_default, alg, &token, "alg_not_allowed");
        case.accepts(&listed, alg, &token);
        for other in signers.iter().filter(|other| other.alg() != alg) {
            under_the_name_of_another(case, &listed, signer, other);
        }
        let mut changed = token.into_bytes();
        let middle = changed.len() - 40;
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        case.refuses(&listed, alg, changed, "signature_invalid");
    }
    let p256 = EC.with_alg("ES256K").sign(&claims());
    case.refuses(&listed, "a key on P-256", p256, "alg_not_allowed");
    keys_that_do_not_say_their_algorithm(case);
}

/// Neither the other's algorithm, nor its key, nor both make this key's signature good.
fn under_the_name_of_another(case: &mut Case, site: &Site, signer: &Signer, other: &Signer) {
    let what = format!("{} as {}", signer.alg(), other.alg());
    let (alg, kid) = (other.alg(), other.kid());
    for (signer, reason) in [
        (signer.with_alg(alg), "alg_not_allowed"),
        (signer.with_kid(kid), "alg_not_allowed"),
        (signer.with_alg(alg).with_kid(kid), "signature_invalid"),
    ] {
        case.refuses(site, &what, signer.sign(&claims()), reason);
    }
}

/// RFC 9964 §3: without its `alg`, an AKP key is no key.
fn keys_that_do_not_say_their_algorithm(case: &mut Case) {
    let signer = Signer::generate("ML-DSA-44", "akp");
    let (jwk, token) = (signer.jwk(), signer.sign(&claims()));
    for (what, jwk, verdict) in [
        ("alg", jwk.clone(), None),
        ("no alg", without(jwk.clone(), "alg"), Some("key_not_found")),
        (
            "the alg of another level",
            with(jwk.clone(), "alg", json!("ML-DSA-65")),
            Some("key_not_found"),
        ),
        (
            "the alg of another kind of key",
            with(jwk, "alg", json!("ES256K")),
            Some("alg_not_allowed"),
        ),
    ] {
        let mut set = mint::key_set(&[&RSA]);
        set["keys"].as_array_mut().expect("keys").push(jwk);
        let issuer = Issuer::named("corp", "https://idp.example.com", &set);
        let algorithms = format!("RS256, {}", NAMES.join(", "));
        let site = Site::start(&Settings::of(issuer.algorithms(&algorithms)));
        case.accepts(&site, "a usable key beside it", tokens::good());
        match verdict {
            None => case.accepts(&site, what, &token),
            Some(reason) => case.refuses(&site, what, &token, reason),
        };
    }
}

//! Area `alg`: the algorithms that a token may name.

use serde_json::json;
use watchword_test_support::mint::Signer;

use super::catalogue::{Case, Row, row};
use super::settings::{Issuer, Settings};
use super::site::Site;
use super::tokens::{self, CORP, EC, ED, RSA, claims, compact, with};

pub(crate) mod confusion;
pub(crate) mod keys;
pub(crate) mod listed;

pub(crate) const ROWS: &[Row] = &[
    row!("ALG-01", none_is_not_an_algorithm),
    row!("ALG-02", spellings_of_none_are_not_algorithms),
    row!("ALG-06", alg_of_another_type_is_malformed),
    row!("ALG-07", empty_alg_is_not_an_algorithm),
    row!("ALG-08", names_are_case_sensitive),
    row!("ALG-09", look_alike_digits_are_other_names),
    row!("ALG-20", key_management_algorithms_sign_nothing),
    row!("ALG-21", five_segments_are_no_signed_token),
    row!("ALG-26", eddsa_and_ed25519_are_two_names),
    row!("ALG-27", unknown_names_are_refused),
];

/// A token of the baseline's claims with this `alg` and any signature.
fn naming(alg: &str, signature: &[u8]) -> String {
    let header = with(RSA.header(), "alg", json!(alg)).to_string();
    compact(&header, claims().to_string().as_bytes(), signature)
}

fn none_is_not_an_algorithm(case: &mut Case) {
    case.accepts(&CORP, "the same claims, signed", tokens::good());
    case.refuses(
        &CORP,
        "empty signature",
        naming("none", b""),
        "alg_not_allowed",
    );
    let bare = compact(r#"{"alg":"none"}"#, claims().to_string().as_bytes(), b"");
    case.refuses(&CORP, "no kid, empty signature", bare, "alg_not_allowed");
    case.refuses(
        &CORP,
        "some signature",
        naming("none", b"none"),
        "alg_not_allowed",
    );
    let [_, _, signature] = tokens::segments(&tokens::good()).map(str::to_owned);
    let signature = tokens::unb64(&signature).expect("base64url");
    case.refuses(
        &CORP,
        "a real signature",
        naming("none", &signature),
        "alg_not_allowed",
    );
}

fn spellings_of_none_are_not_algorithms(case: &mut Case) {
    for alg in ["None", "NONE", "nOnE", "none ", "none\0"] {
        case.refuses(&CORP, alg, naming(alg, b"none"), "alg_not_allowed");
        case.refuses(&CORP, alg, naming(alg, b""), "alg_not_allowed");
        let signed = RSA.sign_with(&with(RSA.header(), "alg", json!(alg)), &claims());
        case.refuses(
            &CORP,
            &format!("{alg} over a signature that holds"),
            signed,
            "alg_not_allowed",
        );
    }
}

fn alg_of_another_type_is_malformed(case: &mut Case) {
    for alg in [
        json!(256),
        json!(null),
        json!(true),
        json!(["RS256"]),
        json!({"a": 1}),
    ] {
        let token = RSA.sign_with(&with(RSA.header(), "alg", alg.clone()), &claims());
        case.refuses(&CORP, &alg.to_string(), token, "token_malformed");
    }
}

fn empty_alg_is_not_an_algorithm(case: &mut Case) {
    let token = RSA.sign_with(&with(RSA.header(), "alg", json!("")), &claims());
    case.refuses(&CORP, "signed", token, "alg_not_allowed");
}

fn names_are_case_sensitive(case: &mut Case) {
    for (signer, alg) in [
        (&*RSA, "rs256"),
        (&*RSA, "Rs256"),
        (&*EC, "es256"),
        (&*ED, "EDDSA"),
    ] {
        case.accepts(&CORP, signer.alg(), signer.sign(&claims()));
        case.refuses(
            &CORP,
            alg,
            signer.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
}

fn look_alike_digits_are_other_names(case: &mut Case) {
    let alg = "RS\u{ff12}\u{ff15}\u{ff16}";
    case.refuses(
        &CORP,
        alg,
        RSA.with_alg(alg).sign(&claims()),
        "alg_not_allowed",
    );
}

fn key_management_algorithms_sign_nothing(case: &mut Case) {
    for alg in [
        "RSA-OAEP",
        "RSA-OAEP-256",
        "dir",
        "A128KW",
        "PBES2-HS256+A128KW",
        "ECDH-ES",
    ] {
        case.refuses(&CORP, alg, naming(alg, b"signature"), "alg_not_allowed");
        case.refuses(
            &CORP,
            alg,
            RSA.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
}

fn five_segments_are_no_signed_token(case: &mut Case) {
    let good = tokens::good();
    let secret = Signer::from_secret("HS256", b"any secret that is long enough..");
    let mac = secret.sign(&claims());
    for (what, token) in [("RS256", &good), ("HS256", &mac)] {
        let [header, payload, signature] = tokens::segments(token);
        let five = format!("{header}.{payload}.{signature}.{payload}.{signature}");
        case.refuses(&CORP, what, five, "alg_not_allowed");
        let five = format!("{header}..{payload}.{payload}.{signature}");
        case.refuses(
            &CORP,
            &format!("{what}, empty encrypted key"),
            five,
            "alg_not_allowed",
        );
    }
}

fn eddsa_and_ed25519_are_two_names(case: &mut Case) {
    let under = |names: &str| Site::start(&Settings::of(Issuer::corp(&[&ED]).algorithms(names)));
    let (eddsa, ed25519) = (ED.sign(&claims()), ED.with_alg("Ed25519").sign(&claims()));
    let site = under("EdDSA");
    case.accepts(&site, "EdDSA, listed", &eddsa);
    case.refuses(&site, "Ed25519, not listed", &ed25519, "alg_not_allowed");
    let site = under("Ed25519");
    case.accepts(&site, "Ed25519, listed", &ed25519);
    case.refuses(&site, "EdDSA, not listed", &eddsa, "alg_not_allowed");
    let site = under("EdDSA, Ed25519");
    case.accepts(&site, "EdDSA of both", &eddsa);
    case.accepts(&site, "Ed25519 of both", &ed25519);
}

fn unknown_names_are_refused(case: &mut Case) {
    for alg in ["RS1", "HS1", "ES224", "SHA256", "AES"] {
        case.refuses(&CORP, alg, naming(alg, b"signature"), "alg_not_allowed");
        case.refuses(
            &CORP,
            alg,
            RSA.with_alg(alg).sign(&claims()),
            "alg_not_allowed",
        );
    }
}

//! Area `signature`: ECDSA and HMAC values, and signatures that belong elsewhere.

use serde_json::json;
use watchword_test_support::mint::Signer;

use super::catalogue::{Case, Row, row};
use super::der;
use super::raw_rsa::{add, subtract};
use super::settings::{Issuer, Settings};
use super::site::Site;
use super::tokens::{
    self, CORP, EC, ED, PSS, RSA, STRANGER, claims, claims_with, resigned, segments, unb64,
};

pub(crate) mod keys;
pub(crate) mod rsa;

pub(crate) const ROWS: &[Row] = &[
    row!("SIG-03", signature_of_another_token_is_invalid),
    row!("SIG-04", extreme_ecdsa_values_are_invalid),
    row!("SIG-05", der_form_is_invalid),
    row!("SIG-06", mirrored_ecdsa_signature_is_harmless),
    row!("SIG-14", cut_and_unkeyed_macs_are_invalid),
];

/// The order of P-256 (SEC 2 §2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn signature_of(token: &str) -> Vec<u8> {
    unb64(segments(token)[2]).expect("base64url")
}

fn signature_of_another_token_is_invalid(case: &mut Case) {
    for signer in [&*RSA, &*PSS, &*EC, &*ED] {
        let (mine, other) = (
            signer.sign(&claims()),
            signer.sign(&claims_with("sub", json!("admin"))),
        );
        case.accepts(&CORP, signer.alg(), &mine);
        case.accepts(&CORP, signer.alg(), &other);
        let swapped = resigned(&other, &signature_of(&mine));
        case.refuses(
            &CORP,
            &format!("{}, another payload", signer.alg()),
            swapped,
            "signature_invalid",
        );
        let header = tokens::with(signer.header(), "x", json!(1));
        let swapped = resigned(&signer.sign_with(&header, &claims()), &signature_of(&mine));
        case.refuses(
            &CORP,
            &format!("{}, another header", signer.alg()),
            swapped,
            "signature_invalid",
        );
    }
    let stranger = STRANGER.with_kid(RSA.kid()).sign(&claims());
    case.refuses(&CORP, "a stranger's key", stranger, "signature_invalid");
    let ed = resigned(
        &ED.sign(&claims()),
        &signature_of(&EC.with_kid(ED.kid()).sign(&claims())),
    );
    case.refuses(&CORP, "ECDSA for EdDSA", ed, "signature_invalid");
}

fn extreme_ecdsa_values_are_invalid(case: &mut Case) {
    let token = EC.sign(&claims());
    case.accepts(&CORP, "honest values", &token);
    let honest = signature_of(&token);
    let (r, s) = honest.split_at(32);
    let small = |value: u8| add(&[0; 32], value);
    let values = [
        ("0", small(0)),
        ("1", small(1)),
        ("n-1", subtract(&ORDER, &small(1))),
        ("n", ORDER.to_vec()),
        ("n+1", add(&ORDER, 1)),
        ("2^256-1", vec![0xff; 32]),
    ];
    for (first, left) in &values {
        for (second, right) in &values {
            let signature = [left.as_slice(), right].concat();
            let what = format!("r = {first}, s = {second}");
            case.refuses(
                &CORP,
                &what,
                resigned(&token, &signature),
                "signature_invalid",
            );
        }
        let with_r = resigned(&token, &[r, left].concat());
        case.refuses(
            &CORP,
            &format!("honest r, s = {first}"),
            with_r,
            "signature_invalid",
        );
        let with_s = resigned(&token, &[left, s].concat());
        case.refuses(
            &CORP,
            &format!("r = {first}, honest s"),
            with_s,
            "signature_invalid",
        );
    }
    for length in [1, 31, 32, 63, 65, 96, 128] {
        let cut: Vec<u8> = honest.iter().copied().cycle().take(length).collect();
        case.refuses(
            &CORP,
            &format!("{length} bytes"),
            resigned(&token, &cut),
            "signature_invalid",
        );
    }
}

fn der_form_is_invalid(case: &mut Case) {
    let token = EC.sign(&claims());
    let der = der::ecdsa(&signature_of(&token));
    case.refuses(
        &CORP,
        "SEQUENCE { r, s }",
        resigned(&token, &der),
        "signature_invalid",
    );
}

/// Everybody who has a signature can make its mirror image. It proves the same, so an allow is
/// harmless.
fn mirrored_ecdsa_signature_is_harmless(case: &mut Case) {
    let token = EC.sign(&claims());
    let honest = signature_of(&token);
    let (r, s) = honest.split_at(32);
    let mirrored = resigned(&token, &[r, &subtract(&ORDER, s)].concat());
    let first = case.accepts(&CORP, "as signed", &token);
    let call = super::call::Call::bearing(&mirrored);
    let second = CORP.ask(&call);
    if second.is_allow() {
        case.judge(
            "mirrored",
            &CORP,
            &call,
            &second,
            super::expect::Expect::Allow,
        );
        case.equal("the same identity", &second.headers, &first.headers);
    } else {
        let denied = super::expect::Expect::Deny(401, "signature_invalid");
        case.judge("mirrored", &CORP, &call, &second, denied);
    }
    let other = EC.sign(&claims_with("sub", json!("admin")));
    let forged = resigned(&other, &signature_of(&mirrored));
    case.refuses(
        &CORP,
        "mirrored, for another payload",
        forged,
        "signature_invalid",
    );
}

fn cut_and_unkeyed_macs_are_invalid(case: &mut Case) {
    let secret = b"a secret that an issuer shares, in 48 bytes.....";
    super::process::write("sig-14.secret", std::str::from_utf8(secret).expect("ASCII"));
    let issuer = Issuer::corp(&[])
        .keys("secret_file: sig-14.secret")
        .algorithms("HS256, HS384");
    let site = Site::start(&Settings::of(issuer));
    for alg in ["HS256", "HS384"] {
        let token = Signer::from_secret(alg, secret).sign(&claims());
        case.accepts(&site, alg, &token);
        let mac = signature_of(&token);
        for length in [1, 4, 8, 16, mac.len() - 1] {
            let cut = resigned(&token, &mac[..length]);
            case.refuses(
                &site,
                &format!("{alg}, {length} bytes"),
                cut,
                "signature_invalid",
            );
        }
        let long = [mac.as_slice(), &[0]].concat();
        case.refuses(
            &site,
            &format!("{alg}, a byte more"),
            resigned(&token, &long),
            "signature_invalid",
        );
        case.refuses(
            &site,
            &format!("{alg}, no MAC"),
            resigned(&token, b""),
            "token_malformed",
        );
        let zeros = vec![0; mac.len()];
        case.refuses(
            &site,
            &format!("{alg}, zeros"),
            resigned(&token, &zeros),
            "signature_invalid",
        );
        for key in [&b""[..], b"\0", &secret[..32]] {
            let token = Signer::from_secret(alg, key).sign(&claims());
            case.refuses(
                &site,
                &format!("{alg}, key {key:?}"),
                token,
                "signature_invalid",
            );
        }
    }
    let other = Signer::from_secret("HS512", secret).sign(&claims());
    case.refuses(&site, "HS512, not allowed", other, "alg_not_allowed");
}

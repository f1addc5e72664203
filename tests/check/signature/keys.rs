//! Area `signature`: RSA keys that are too weak, too large or no keys at all. They are not used, so
//! that what they sign finds no key; the tokens are truly signed wherever anybody could sign them.

use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use serde_json::{Value, json};
use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::raw_rsa::{RawRsa, SHA256_INFO, pkcs1_block};
use super::super::settings::{Issuer, Settings};
use super::super::site::Site;
use super::super::tokens::{self, EC, RSA, claims, compact, with};

pub(crate) const ROWS: &[Row] = &[
    row!("SIG-15", short_rsa_key_is_not_used),
    row!("SIG-16", huge_rsa_key_is_not_used),
    row!("SIG-17", impossible_rsa_key_is_not_used),
];

/// Throw-away keys of 512 and 1024 bits: modulus and private exponent for e = 65537.
const SHORT: [(usize, &str, &str); 2] = [
    (
        512,
        "b6e7293434c8e97576c95879d33d03b2b99f6571061fab313cd6dbcf9ba7c29327cf8715e843d75f70b42a8066b61b2f7\
         ae3a340ea22a838e526fa4b43491299",
        "96baefe8f72b2fc23eef757b884afb163a05133b4eb9a082464a2701f39c102b817ed4aefde8f29bdf03ccf383c3d622f\
         f5a2877d37fd5b2495c06302640c545",
    ),
    (
        1024,
        "9a4184e5af0ccbd590db433bdd4523de034eee0136606511229e865b12ee4a7f7e251405dfdf616ad73b104342bc7b376\
         c143e6698150a10bf031c4c74b35c22e318d2f3442086126b26aa7716a62deaf2d8b55ba28ed707d3f75bb7005d860d8e\
         e15e031408dd565fdd335f4e753f4b5470e34575c57ae20f80026cd308613b",
        "39a8bdf560ce66aec8bbbcd0f6afae6d814d1297ef6c6ebacdf6f57fbb7ec8e8090df1031520997867455399e0ab355f8\
         d0db01987456e02be737a3375f7c93b489a6714a378a2aaf8d4df68d9663f47f5f603f1d744e5eba6137b5a69766b369d\
         07390598d7c1b90e35435830295037075bc291c15d270b87d7eae401ad5849",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
        .collect()
}

fn key(n: &[u8], e: &[u8]) -> Value {
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "odd-key",
        "n": mint::b64(n), "e": mint::b64(e),
    })
}

/// A server whose only issuer publishes this key beside a good one.
fn beside(key: &Value) -> Site {
    let set = json!({"keys": [key, EC.jwk()]});
    Site::start(&Settings::of(Issuer::named(
        "corp",
        "https://idp.example.com",
        &set,
    )))
}

/// The key is not found; the one beside it engine.
fn not_used(case: &mut Case, what: &str, key: &Value, token: &str) {
    let site = beside(key);
    case.accepts(&site, &format!("{what}: the good key"), EC.sign(&claims()));
    case.refuses(&site, what, token, "key_not_found");
}

/// The input of a token under the odd key.
fn input() -> String {
    let header = with(RSA.header(), "kid", json!("odd-key")).to_string();
    format!(
        "{}.{}",
        mint::b64(header.as_bytes()),
        mint::b64(claims().to_string().as_bytes())
    )
}

/// The padded hash of the input, for a modulus of this many bytes.
fn block(length: usize) -> Vec<u8> {
    let hash = digest::digest(&digest::SHA256, input().as_bytes());
    pkcs1_block(length, &[&SHA256_INFO, hash.as_ref()].concat())
}

fn short_rsa_key_is_not_used(case: &mut Case) {
    for (bits, n, d) in SHORT {
        let raw = RawRsa::new(&hex(n), &hex(d));
        case.equal("bytes of modulus", raw.len(), bits / 8);
        let token = format!(
            "{}.{}",
            input(),
            mint::b64(&raw.sign_block(&block(raw.len())))
        );
        not_used(
            case,
            &format!("{bits} bits"),
            &key(&hex(n), &[1, 0, 1]),
            &token,
        );
        let zeros = [vec![0; 256 - raw.len()], hex(n)].concat();
        not_used(
            case,
            &format!("{bits} bits after zeros"),
            &key(&zeros, &[1, 0, 1]),
            &token,
        );
    }
    let same = RSA.with_kid("odd-key");
    case.accepts(&beside(&same.jwk()), "2048 bits", same.sign(&claims()));
}

fn huge_rsa_key_is_not_used(case: &mut Case) {
    let odd = vec![0xff; 2048];
    let header = with(RSA.header(), "kid", json!("odd-key")).to_string();
    let token = compact(&header, claims().to_string().as_bytes(), &vec![0x7f; 2048]);
    let site = beside(&key(&odd, &[1, 0, 1]));
    let asked = Instant::now();
    for _ in 0..50 {
        case.refuses(&site, "16384 bits", &token, "key_not_found");
    }
    case.holds(
        "no slow verification",
        asked.elapsed() < Duration::from_secs(5),
    );
}

/// With e = 1 a signature is the padded hash itself: anybody can write it.
fn impossible_rsa_key_is_not_used(case: &mut Case) {
    let n = tokens::member(&RSA.jwk(), "n");
    let forged = format!("{}.{}", input(), mint::b64(&block(n.len())));
    not_used(case, "e = 1", &key(&n, &[1]), &forged);
    not_used(case, "e = 1 after zeros", &key(&n, &[0, 0, 1]), &forged);
    let even = {
        let mut even = n.clone();
        *even.last_mut().expect("not empty") &= 0xfe;
        even
    };
    let large = [1, 0, 0, 0, 0, 0, 0, 0, 1];
    let signed = RSA.with_kid("odd-key").sign(&claims());
    for (what, key) in [
        ("e = 0", key(&n, &[0])),
        ("e empty", key(&n, &[])),
        ("e = 2", key(&n, &[2])),
        ("e = 65536", key(&n, &[1, 0, 0])),
        ("e = 2^64+1", key(&n, &large)),
        ("n even", key(&even, &[1, 0, 1])),
        ("n = 0", key(&[0; 256], &[1, 0, 1])),
        ("n empty", key(&[], &[1, 0, 1])),
        ("n = 1", key(&[1], &[1, 0, 1])),
    ] {
        not_used(case, what, &key, &signed);
        not_used(case, &format!("{what}, forged"), &key, &forged);
    }
}

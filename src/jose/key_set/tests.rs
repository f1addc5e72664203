//! Documents and sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::{Value, json};

use super::{KeySet, KeySetError, MAX_KEYS, PublishedKey};
use crate::jose::{Algorithm, Jws, SkipReason};
use watchword_test_support::mint::{Signer, key_set};

fn read(documents: &[String]) -> Result<KeySet, KeySetError> {
    KeySet::from_documents(documents.iter().map(String::as_bytes))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn public(signer: &Signer) -> String {
    pem("PUBLIC KEY", &signer.public_der())
}

fn verifies(keys: &KeySet, signer: &Signer) -> bool {
    let token = signer.sign(&json!({}));
    let jws = Jws::parse(&token).unwrap();
    jws.verify(keys, &Algorithm::ALL).is_ok()
}

fn reasons(keys: &KeySet) -> Vec<SkipReason> {
    keys.skipped().iter().map(|key| key.reason).collect()
}

#[test]
fn documents_of_all_kinds_make_one_set() {
    let signers = ["a", "b", "c", "d"].map(|kid| Signer::generate("ES256", kid));
    let [a, b, c, d] = &signers;
    let documents = [
        key_set(&[a, b]).to_string(),
        public(c),
        format!("\n {}", d.jwk()),
    ];
    let keys = read(&documents).unwrap();
    assert_eq!(keys.entries(), 4);
    assert!(signers.iter().all(|signer| verifies(&keys, signer)));
    assert!(!verifies(&keys, &Signer::generate("ES256", "a")));
}

#[test]
fn published_keys_are_listed_once_each_and_in_order() {
    let [first, second] = [(); 2].map(|()| Signer::generate("Ed25519", ""));
    let rsa = Signer::rsa("PS256", "rsa", 0);
    let documents = [
        public(&first) + &public(&second),
        json!({"keys": [{"kty": "oct"}, rsa.jwk()]}).to_string(),
    ];
    let keys = read(&documents).unwrap();
    let published: Vec<_> = keys.keys().collect();
    let edwards = PublishedKey {
        kid: None,
        algorithms: vec!["EdDSA", "Ed25519"],
    };
    let rsa = PublishedKey {
        kid: Some("rsa"),
        algorithms: vec!["PS256"],
    };
    assert_eq!(published, [edwards.clone(), edwards, rsa]);

    let algorithms = [Algorithm::HS256, Algorithm::HS384];
    let secret = KeySet::from_secret(&algorithms, &[7; 64]).unwrap();
    let secret: Vec<_> = secret.keys().collect();
    assert_eq!(secret.len(), 1);
    assert_eq!(secret[0].algorithms, ["HS256", "HS384"]);
}

#[test]
fn one_bad_document_of_several_costs_only_itself() {
    let signer = Signer::generate("ES256", "k1");
    let private = pem("PRIVATE KEY", &signer.pkcs8());
    let bad = [
        ("{".to_owned(), SkipReason::Malformed),
        ("{}".to_owned(), SkipReason::Malformed),
        ("[]".to_owned(), SkipReason::Malformed),
        (String::new(), SkipReason::Malformed),
        (format!("\u{feff}{}", signer.jwk()), SkipReason::Malformed),
        (private, SkipReason::PrivateKey),
    ];
    for (text, reason) in bad {
        let alone = read(std::slice::from_ref(&text)).unwrap_err();
        assert!(!matches!(alone, KeySetError::NoUsableKey(_)), "{text}");

        let keys = read(&[text.clone(), public(&signer)]).unwrap();
        assert_eq!(keys.entries(), 2, "{text}");
        assert_eq!(reasons(&keys), [reason], "{text}");
        assert!(keys.skipped()[0].kid.is_none());
        assert!(verifies(&keys, &signer), "{text}");

        let error = read(&[text.clone(), text.clone()]).unwrap_err();
        assert!(matches!(error, KeySetError::NoUsableKey(skipped) if skipped.len() == 2));
    }
}

#[test]
fn no_documents_are_no_keys() {
    let error = read(&[]).unwrap_err();
    assert!(matches!(error, KeySetError::NoUsableKey(_)));
}

#[test]
fn the_number_of_keys_is_limited_over_all_documents() {
    let signer = Signer::generate("ES256", "k1");
    let set = |more: usize| {
        let mut keys = vec![signer.jwk()];
        keys.resize(more + 1, Value::Null);
        json!({"keys": keys}).to_string()
    };
    let half = MAX_KEYS / 2;
    assert!(read(&[set(half - 1), set(half - 1)]).is_ok());
    let one_more = read(&[set(half - 1), set(half)]);
    assert!(matches!(one_more, Err(KeySetError::TooMany)));
    let blocks = public(&signer).repeat(MAX_KEYS + 1);
    assert!(matches!(read(&[blocks]), Err(KeySetError::TooMany)));
}

#[test]
fn a_kid_may_be_shared_by_two_documents_and_not_by_three() {
    let signers = [(); 3].map(|()| Signer::generate("ES256", "same"));
    let documents = signers.each_ref().map(|signer| signer.jwk().to_string());
    let keys = read(&documents[..2]).unwrap();
    assert!(verifies(&keys, &signers[0]) && verifies(&keys, &signers[1]));
    let Err(KeySetError::NoUsableKey(skipped)) = read(&documents) else {
        panic!("crowded kids are set aside");
    };
    assert!(
        skipped
            .iter()
            .all(|key| key.reason == SkipReason::Duplicate)
    );
}

/// A Kubernetes secret of type TLS holds a certificate, its private key, and often the authority's
/// certificate.
#[test]
fn an_authority_in_a_document_of_its_own_is_not_used_beside_others() {
    let (leaf, authority) = (Signer::generate("ES256", ""), Signer::generate("ES256", ""));
    let certificate = |signer: &Signer, is_ca| {
        let mut params = CertificateParams::default();
        params.is_ca = is_ca;
        let pair = KeyPair::try_from(signer.pkcs8()).unwrap();
        params.self_signed(&pair).unwrap().pem()
    };
    let ca = certificate(&authority, IsCa::Ca(BasicConstraints::Unconstrained));
    let documents = [
        ca.clone(),
        certificate(&leaf, IsCa::NoCa),
        pem("PRIVATE KEY", &leaf.pkcs8()),
    ];
    let keys = read(&documents).unwrap();
    assert!(verifies(&keys, &leaf));
    assert!(!verifies(&keys, &authority));
    let expected = [SkipReason::NotForVerifying, SkipReason::PrivateKey];
    assert_eq!(reasons(&keys), expected);
    assert!(verifies(&read(&[ca]).unwrap(), &authority));
}

/// Issuers publish private keys by mistake, and odd members by habit.
#[test]
fn a_published_set_has_public_members_only_and_verifies_the_same() {
    let signers = ["RS256", "ES256", "EdDSA", "ML-DSA-44"].map(|alg| Signer::generate(alg, alg));
    let hidden = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5c", "priv"];
    let keys: Vec<Value> = signers
        .iter()
        .map(|signer| {
            let mut jwk = signer.jwk();
            for name in hidden {
                jwk[name] = json!("c2VjcmV0");
            }
            jwk
        })
        .chain([json!({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"})])
        .collect();
    let set = KeySet::from_documents([json!({ "keys": keys }).to_string().as_bytes()]).unwrap();
    let published = set.to_public_json();
    assert!(!published.contains("c2VjcmV0"), "{published}");
    let expected = key_set(&signers.each_ref());
    assert_eq!(serde_json::from_str::<Value>(&published).unwrap(), expected);
    let again = KeySet::from_documents([published.as_bytes()]).unwrap();
    assert!(again.keys().eq(set.keys()));
}

#[test]
fn a_key_in_pem_is_published_as_a_jwk() {
    let signer = Signer::generate("ES256", "");
    let set = read(&[public(&signer)]).unwrap();
    let published: Value = serde_json::from_str(&set.to_public_json()).unwrap();
    let jwk = signer.jwk();
    let [kty, crv, x, y] = ["kty", "crv", "x", "y"].map(|name| &jwk[name]);
    let expected = json!({"keys": [{"kty": kty, "crv": crv, "x": x, "y": y}]});
    assert_eq!(published, expected);
}

#[test]
fn a_secret_is_never_published() {
    let secret = b"a secret of at least thirty-two bytes";
    let set = KeySet::from_secret(&[Algorithm::HS256], secret).unwrap();
    assert_eq!(set.to_public_json(), r#"{"keys":[]}"#);
}

//! Documents: those of OpenSSL, sets, and those that are refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{ED25519, json, one, problem};
use crate::jose::private_key::{PrivateKey, PrivateKeyError, ReadKey};
use crate::jose::{Algorithm, Jws, KeySet};

const OPENSSL: &str = include_str!("openssl.pem");
const OPENSSL_PUBLIC: &str = include_str!("openssl_public.pem");

#[test]
fn keys_of_openssl_are_read_with_their_public_halves() {
    let keys = PrivateKey::read_all(OPENSSL.as_bytes()).unwrap();
    let keys: Vec<PrivateKey> = keys.into_iter().map(Result::unwrap).collect();
    let kinds = keys.iter().map(|key| key.public().unwrap().kind());
    let expected = [
        "RSA 2048",
        "RSA 2048",
        "EC P-256",
        "EC P-384",
        "EC P-521",
        "EC P-256",
        "OKP Ed25519",
        "OKP X25519",
        "EC secp256k1",
    ];
    assert!(kinds.eq(expected.map(ToOwned::to_owned)));
    let public = ReadKey::read_all(OPENSSL_PUBLIC.as_bytes()).unwrap();
    assert_eq!(public.len(), 9);
    for (key, public) in keys.iter().zip(public) {
        let public = public.unwrap().public().unwrap();
        assert_eq!(key.thumbprint(), public.thumbprint(), "{}", public.kind());
        assert_eq!(
            *one(&key.to_pem().unwrap()).unwrap().to_jwk(),
            *key.to_jwk()
        );
    }
}

#[test]
fn what_a_key_signs_verifies_with_its_public_half_and_no_other_text_does() {
    let keys = PrivateKey::read_all(OPENSSL.as_bytes()).unwrap();
    let keys: Vec<PrivateKey> = keys.into_iter().map(Result::unwrap).collect();
    let mut count = 0;
    for key in &keys {
        let set = format!("{{\"keys\":[{}]}}", json(key.to_public_jwk().unwrap()));
        for algorithm in key.signing_algorithms() {
            let header = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
            let signed = |payload: &str| {
                let [header, payload] = [&*header, payload].map(|it| URL_SAFE_NO_PAD.encode(it));
                format!("{header}.{payload}")
            };
            let signature = key.sign(algorithm, signed("{}").as_bytes()).unwrap();
            let keys = || KeySet::from_documents([set.as_bytes()]).unwrap();
            for (payload, is_good) in [("{}", true), ("[]", false)] {
                let token = format!("{}.{signature}", signed(payload));
                let verified = Jws::parse(&token).unwrap().verify(&keys(), &[algorithm]);
                assert_eq!(verified.is_ok(), is_good, "{algorithm:?}");
            }
            count += 1;
        }
    }
    // Six for each RSA key, two for Ed25519, none for X25519.
    assert_eq!(count, 2 * 6 + 5 + 2);
    let other = keys[3].sign(Algorithm::HS256, b"");
    assert!(other.is_err());
}

#[test]
fn a_set_has_a_result_for_each_key() {
    let public = ED25519.replace("\"d\"", "\"ignored\"");
    let text = format!(
        r#"{{"keys":[{ED25519},{public},7,{{"kty":"oct","k":"AAAA"}},{{"kty":"AKP"}},{ED25519}]}}"#
    );
    let keys = PrivateKey::read_all(text.as_bytes()).unwrap().into_iter();
    let problems: Vec<_> = keys.map(problem).collect();
    let expected = [
        None,
        Some(PrivateKeyError::PublicOnly),
        Some(PrivateKeyError::NotObject),
        Some(PrivateKeyError::ShortSecret(3)),
        Some(PrivateKeyError::KeyType),
        None,
    ];
    assert_eq!(problems, expected);
}

#[test]
fn documents_without_keys_are_refused() {
    let many = vec!["7"; 257].join(",");
    let many = format!(r#"{{"keys":[{many}]}}"#);
    let cases = [
        ("", PrivateKeyError::Shape),
        (
            "a secret of at least thirty-two bytes",
            PrivateKeyError::Shape,
        ),
        ("{}", PrivateKeyError::Shape),
        (r#"{"keys":{}}"#, PrivateKeyError::Shape),
        (r#"{"keys":[]}"#, PrivateKeyError::Empty),
        (&many, PrivateKeyError::TooMany),
        (
            "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n",
            PrivateKeyError::Empty,
        ),
    ];
    for (text, expected) in cases {
        let read = PrivateKey::read_all(text.as_bytes());
        assert_eq!(problem(read), Some(expected), "{text}");
    }
    let read = PrivateKey::read_all(br#"{"kty":"oct","kty":"oct"}"#);
    assert!(matches!(problem(read), Some(PrivateKeyError::Json(_))));
}

#[test]
fn pem_that_cannot_be_used_says_why() {
    let block = |label: &str, content: &str| {
        format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n")
    };
    let legacy = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA";
    let cases = [
        (
            block("ENCRYPTED PRIVATE KEY", "AAAA"),
            PrivateKeyError::Encrypted,
        ),
        (block("RSA PRIVATE KEY", legacy), PrivateKeyError::Encrypted),
        (
            block("OPENSSH PRIVATE KEY", "AAAA"),
            PrivateKeyError::OpenSsh,
        ),
        (block("DSA PRIVATE KEY", "AAAA"), PrivateKeyError::Label),
        (block("PRIVATE KEY", "AAAA"), PrivateKeyError::Der),
        (block("PRIVATE KEY", "A:AA"), PrivateKeyError::Pem),
        (
            block("PRIVATE KEY", &"AAAA\n".repeat(20_000)),
            PrivateKeyError::Pem,
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA".to_owned(),
            PrivateKeyError::Pem,
        ),
        (
            "-----BEGIN PRIVATE KEY\n-----END".to_owned(),
            PrivateKeyError::Pem,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(problem(one(&text)), Some(expected), "{}", &text[..40]);
    }
    let advice = PrivateKeyError::Encrypted.to_string();
    assert!(advice.contains("openssl pkey"), "{advice}");
}

#[test]
fn no_message_quotes_a_key() {
    let text = r#"{"kty":"oct","k":"secret!","kid":"secret!"}"#;
    let problem = problem(one(text)).unwrap();
    assert!(!problem.to_string().contains("secret!"), "{problem}");
}

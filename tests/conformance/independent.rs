//! Tokens of another implementation, for the algorithms that an issuer must list.
//!
//! `independent.json` was made with Python's `cryptography` 48.0.0, which signs with OpenSSL 4.0.0:
//! for each algorithm a new key, as a JWK and as PEM (RFC 5480, RFC 9881), and a token. For ES256K,
//! `r` and `s` of the DER signature were written one after the other. The private keys were not
//! kept.

use serde::Deserialize;
use serde_json::Value;
use watchword::jose::KeySet;

use crate::jws;
use crate::vectors::say;

watchword_test_support::tests![
    tokens_of_openssl_are_accepted_with_each_form_of_the_key,
    tokens_of_openssl_with_a_character_changed_are_refused,
    tokens_of_openssl_under_the_key_of_another_are_refused,
];

#[derive(Deserialize)]
struct Example {
    jwk: Value,
    pem: String,
    token: String,
}

impl Example {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("independent.json")).expect("the examples")
    }

    fn keys(&self) -> [KeySet; 2] {
        let jwk = jws::keys(&self.jwk).expect("the JWK is usable");
        [
            jwk,
            KeySet::from_documents([self.pem.as_bytes()]).expect("the PEM is usable"),
        ]
    }
}

fn tokens_of_openssl_are_accepted_with_each_form_of_the_key() {
    let mut names = Vec::new();
    for example in Example::all() {
        for keys in example.keys() {
            let payload = jws::verified(&example.token, &keys).expect("the signature verifies");
            let payload: Value = serde_json::from_slice(&payload).expect("claims");
            assert_eq!(payload["sub"], "alice");
        }
        names.push(example.jwk["alg"].as_str().expect("a name").to_owned());
    }
    assert_eq!(names, ["ES256K", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]);
    say(&format!("tokens of OpenSSL: {} accepted", names.join(", ")));
}

/// Every seventh character, since the longest token has thousands.
fn tokens_of_openssl_with_a_character_changed_are_refused() {
    for example in Example::all() {
        let [keys, _] = example.keys();
        for (at, old) in example.token.char_indices().step_by(7) {
            let new = if old == 'A' { "B" } else { "A" };
            let mut token = example.token.clone();
            token.replace_range(at..=at, new);
            let verdict = jws::verified(&token, &keys);
            assert!(
                verdict.is_err(),
                "{}: character {at} as {new} was accepted",
                example.jwk["alg"]
            );
        }
    }
}

fn tokens_of_openssl_under_the_key_of_another_are_refused() {
    let examples = Example::all();
    for example in &examples {
        for other in examples.iter().filter(|other| other.jwk != example.jwk) {
            for keys in other.keys() {
                assert!(jws::verified(&example.token, &keys).is_err());
            }
        }
    }
}

//! `validate` explains each verdict that a token can reach, to people and to machines.

#![allow(
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "tests, and a table of cases"
)]

mod input;
mod keys;
mod reasons;

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use watchword::jose::{ContentEncryption, EncryptionKey, KeyAlgorithm};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::sealed;

use crate::{run, snapshot};

/// 2027-01-15T08:00:00Z
const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of at least thirty-two bytes\n";

/// A folder with a configuration, and the signers of tokens.
struct World {
    folder: PathBuf,
    signer: Signer,
    machines: Signer,
}

impl World {
    fn new(name: &str) -> Self {
        let signer = Signer::generate("ES256", "k1");
        let machines = Signer::from_secret("HS256", SECRET.trim_end().as_bytes());
        let keys = mint::key_set(&[&signer, &Signer::generate("EdDSA", "k2")]);
        let files = [
            ("watchword.yaml", include_str!("validate/watchword.yaml")),
            ("keys.json", &keys.to_string()),
            ("machines.key", SECRET),
            ("decryption.jwk", sealed::DECRYPTION_KEY),
        ];
        Self {
            folder: crate::folder(name, &files),
            signer,
            machines,
        }
    }

    /// A token of `corp` with these changes of its claims; `null` removes one.
    fn token(&self, changes: &Value) -> String {
        self.signer.sign(&claims(changes))
    }

    /// Runs `validate` at the fixed time, with the token on standard input.
    fn run(&self, arguments: &[&str], token: &str) -> Output {
        let at = NOW.to_string();
        let fixed = ["validate", "-c", "watchword.yaml", "--at", &at];
        run(
            &self.folder,
            &[&fixed, arguments].concat(),
            token.as_bytes(),
        )
    }
}

/// A token that is encrypted to this key.
fn encrypted(token: &str, key: &str, members: &[(&str, &str)]) -> String {
    let key = EncryptionKey::parse(key.as_bytes()).unwrap();
    let (alg, enc) = (KeyAlgorithm::EcdhEs, ContentEncryption::A256Gcm);
    key.encrypt(token.as_bytes(), alg, enc, members).unwrap()
}

fn claims(changes: &Value) -> Value {
    let mut claims = mint::claims(NOW);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A token with these members in its header.
fn headed(signer: &Signer, members: &Value, changes: &Value) -> String {
    let mut header = signer.header();
    for (name, value) in members.as_object().unwrap() {
        header[name] = value.clone();
    }
    signer.sign_with(&header, &claims(changes))
}

fn none() -> Value {
    json!({})
}

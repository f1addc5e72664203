//! The encrypted examples of the RFCs: those whose algorithms are implemented decrypt to their
//! plaintext, and nothing that was changed does.

use serde_json::Value;
use watchword::jose::{JoseError, Jwe};

use crate::vectors::{Vectors, say};
use crate::{jwe, jws};

watchword_test_support::tests![
    compact_examples_decrypt_to_their_plaintext,
    examples_with_one_character_changed_are_refused,
    examples_under_the_key_of_another_are_refused,
    content_beyond_the_bound_is_too_large,
    algorithms_that_are_left_out_are_refused_by_their_names,
    json_serializations_are_malformed,
    nested_example_has_a_signed_token_inside,
    key_sets_of_the_rfc_are_read_as_private_keys,
];

const NESTED: &str = "jose-cookbook/6.nesting_signatures_and_encryption.json";
/// RFC 7520 §5.1 and §5.3.
const LEFT_OUT: [(&str, &str); 2] = [
    ("5_1.", "RSA1_5: its padding is an oracle"),
    (
        "5_3.",
        "PBES2: a token chooses how much work its reader does",
    ),
];

struct Example {
    name: String,
    key: Value,
    token: String,
    plaintext: String,
}

impl Example {
    /// `None` if it has no compact form.
    fn of(name: &str, example: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            name: name.to_owned(),
            key: example["input"]["key"].clone(),
            token: text(&example["output"]["compact"])?,
            plaintext: text(&example["input"]["plaintext"]).expect("a plaintext"),
        })
    }

    /// All that are compact: RFC 7520 §5.1 to §5.9 and §6, RFC 8037 A.6.
    fn all(vectors: &Vectors) -> Vec<Self> {
        let mut files = vectors.files("jose-cookbook/jwe");
        files.push("jose-cookbook/curve25519/ecdh-es.json".to_owned());
        let files = files.iter();
        let examples = files.filter_map(|file| Self::of(file, &vectors.json(file)));
        let nested: Value = vectors.json(NESTED);
        examples
            .chain(Self::of(NESTED, &nested["encrypt"]))
            .collect()
    }

    /// Those whose algorithms are implemented.
    fn implemented(vectors: &Vectors) -> Vec<Self> {
        let mut examples = Self::all(vectors);
        examples.retain(|example| example.left_out().is_none());
        assert_eq!(examples.len(), 9, "two of eleven are left out");
        examples
    }

    fn left_out(&self) -> Option<&'static str> {
        let left_out = LEFT_OUT.iter().find(|(name, _)| self.name.contains(name));
        left_out.map(|(_, reason)| *reason)
    }

    fn decrypted(&self) -> Result<Vec<u8>, JoseError> {
        jwe::decrypted(&self.token, &jwe::keys(&self.key))
    }
}

fn compact_examples_decrypt_to_their_plaintext() {
    let vectors = Vectors::find();
    let examples = Example::implemented(&vectors);
    for example in &examples {
        let content = example.decrypted();
        let content = content.unwrap_or_else(|error| panic!("{}: {error}", example.name));
        assert_eq!(content, example.plaintext.as_bytes(), "{}", example.name);
    }
    say(&format!(
        "RFC examples: {} encrypted tokens decrypt",
        examples.len()
    ));
}

/// Every third character: each costs a private operation, some with RSA-4096.
fn examples_with_one_character_changed_are_refused() {
    let vectors = Vectors::find();
    for example in Example::implemented(&vectors) {
        let keys = jwe::keys(&example.key);
        for (at, old) in example.token.char_indices().step_by(3) {
            let new = if old == 'A' { "B" } else { "A" };
            let mut token = example.token.clone();
            token.replace_range(at..=at, new);
            let result = jwe::decrypted(&token, &keys);
            let name = &example.name;
            assert!(
                result.is_err(),
                "{name}: character {at} as {new} was accepted"
            );
        }
    }
}

fn examples_under_the_key_of_another_are_refused() {
    let vectors = Vectors::find();
    let examples = Example::all(&vectors);
    let mut pairs = 0;
    for example in &examples {
        for other in examples.iter().filter(|other| other.key != example.key) {
            let result = jwe::decrypted(&example.token, &jwe::keys(&other.key));
            assert!(
                result.is_err(),
                "{} passed under the key of {}",
                example.name,
                other.name
            );
            pairs += 1;
        }
    }
    assert!(pairs > 80, "{pairs}");
}

/// RFC 7520 §5.9 is compressed: its content is larger than the token.
fn content_beyond_the_bound_is_too_large() {
    let vectors = Vectors::find();
    let examples = Example::implemented(&vectors);
    let compressed = examples
        .iter()
        .find(|example| example.name.contains("5_9."));
    let compressed = compressed.expect("the compressed example");
    let jwe = Jwe::parse(&compressed.token).expect("a token");
    assert!(jwe.header().is_compressed());
    let keys = jwe::keys(&compressed.key);
    let length = compressed.plaintext.len();
    assert!(jwe.decrypt(&keys[0], length).is_ok());
    assert_eq!(
        jwe.decrypt(&keys[0], length - 1).err(),
        Some(JoseError::TooLarge)
    );
}

fn algorithms_that_are_left_out_are_refused_by_their_names() {
    let vectors = Vectors::find();
    let mut refused = Vec::new();
    for example in Example::all(&vectors) {
        if let Some(reason) = example.left_out() {
            assert_eq!(
                example.decrypted(),
                Err(JoseError::AlgNotAllowed),
                "{}",
                example.name
            );
            refused.push(reason);
        }
    }
    assert_eq!(refused, LEFT_OUT.map(|(_, reason)| reason));
    for reason in refused {
        say(&format!("RFC examples: refused at any layer, {reason}"));
    }
}

/// RFC 7520 §5.10 to §5.13 have no other form.
fn json_serializations_are_malformed() {
    let vectors = Vectors::find();
    let (mut only_json, mut texts) = (0, 0);
    for file in vectors.files("jose-cookbook/jwe") {
        let example: Value = vectors.json(&file);
        let output = &example["output"];
        only_json += usize::from(output.get("compact").is_none());
        let forms = ["json", "json_flat"].map(|form| output.get(form));
        for form in forms.into_iter().flatten() {
            let result = jwe::decrypted(&form.to_string(), &jwe::keys(&example["input"]["key"]));
            assert_eq!(result, Err(JoseError::Malformed), "{file}");
            texts += 1;
        }
    }
    assert_eq!(only_json, 4);
    say(&format!(
        "RFC examples: {texts} encrypted JSON serializations refused"
    ));
}

/// RFC 7520 §6.
fn nested_example_has_a_signed_token_inside() {
    let vectors = Vectors::find();
    let nested: Value = vectors.json(NESTED);
    let example = Example::of(NESTED, &nested["encrypt"]).expect("a compact form");
    let inner = example.decrypted().expect("it decrypts");
    let inner = String::from_utf8(inner).expect("a text");
    assert_eq!(Some(&*inner), nested["sign"]["output"]["compact"].as_str());
    let keys = jws::keys(&nested["sign"]["input"]["key"]).expect("the key is usable");
    let payload = jws::verified(&inner, &keys).expect("the signature verifies");
    assert_eq!(
        nested["sign"]["input"]["payload"]
            .as_str()
            .map(str::as_bytes),
        Some(&*payload)
    );
    assert!(jws::verified(&example.token, &keys).is_err(), "encrypted");
}

/// RFC 7517 A.1 has public keys, A.2 their private halves, A.3 shared keys; appendix B is public.
fn key_sets_of_the_rfc_are_read_as_private_keys() {
    let vectors = Vectors::find();
    for (file, count) in [
        ("A.1.jwkset", 0),
        ("A.2.jwkset", 2),
        ("A.3.jwkset", 2),
        ("B.jwk", 0),
    ] {
        let document: Value = vectors.json(&format!("rfc-appendix/rfc7517_{file}"));
        assert_eq!(jwe::keys(&document).len(), count, "RFC 7517 {file}");
    }
}

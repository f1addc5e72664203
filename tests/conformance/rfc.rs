//! The examples of the RFCs: signed compact tokens are accepted, all other forms are refused.

use serde_json::Value;
use watchword::jose::{JoseError, KeySet};

use crate::jws;
use crate::vectors::{Vectors, say};

watchword_test_support::tests![
    compact_examples_are_accepted_with_their_payload,
    examples_with_any_one_character_changed_are_refused,
    examples_under_the_key_of_another_are_refused,
    a_set_without_kids_serves_tokens_of_each_of_its_keys,
    a_set_of_shared_secrets_is_no_key_set,
    the_unsecured_example_is_refused_by_its_algorithm,
    json_serializations_are_refused,
    detached_payloads_are_refused,
    unencoded_payloads_are_refused,
    encrypted_examples_are_refused,
];

const NESTED: &str = "jose-cookbook/6.nesting_signatures_and_encryption.json";

/// The examples that are compact JWS: RFC 7515 A.1 to A.4, RFC 7520 §4.1 to §4.4 and the inner
/// token of §6, RFC 8037 A.4.
fn examples(vectors: &Vectors) -> Vec<Example> {
    let claims =
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    let appendix = [
        ("A.1", claims),
        ("A.2", claims),
        ("A.3", claims),
        ("A.4", "Payload"),
    ];
    let appendix = appendix.map(|(name, payload)| Example {
        name: format!("RFC 7515 {name}"),
        key: vectors.json(&format!("rfc-appendix/rfc7515_{name}.jwk")),
        token: vectors.text(&format!("rfc-appendix/rfc7515_{name}.jwsc")),
        payload: payload.to_owned(),
    });
    let cookbook = [
        "jws/4_1.rsa_v15_signature",
        "jws/4_2.rsa-pss_signature",
        "jws/4_3.ecdsa_signature",
        "jws/4_4.hmac-sha2_integrity_protection",
        "curve25519/jws",
    ];
    let cookbook = cookbook.map(|name| {
        let file: Value = vectors.json(&format!("jose-cookbook/{name}.json"));
        Example::from_cookbook(name, &file)
    });
    let nested: Value = vectors.json(NESTED);
    let inner = Example::from_cookbook("6, inner token", &nested["sign"]);
    appendix
        .into_iter()
        .chain(cookbook)
        .chain([inner])
        .collect()
}

struct Example {
    name: String,
    key: Value,
    token: String,
    payload: String,
}

impl Example {
    fn from_cookbook(name: &str, file: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            name: format!("cookbook {name}"),
            key: file["input"]["key"].clone(),
            token: text(&file["output"]["compact"]),
            payload: text(&file["input"]["payload"]),
        }
    }

    fn keys(&self) -> KeySet {
        jws::keys(&self.key).unwrap_or_else(|| panic!("{}: the key is refused", self.name))
    }
}

fn compact_examples_are_accepted_with_their_payload() {
    let vectors = Vectors::find();
    let examples = examples(&vectors);
    for example in &examples {
        let payload = jws::verified(&example.token, &example.keys());
        let payload = payload.unwrap_or_else(|error| panic!("{}: {error}", example.name));
        assert_eq!(payload, example.payload.as_bytes(), "{}", example.name);
    }
    say(&format!(
        "RFC examples: {} compact tokens accepted",
        examples.len()
    ));
}

fn examples_with_any_one_character_changed_are_refused() {
    let vectors = Vectors::find();
    for example in examples(&vectors) {
        let keys = example.keys();
        for (at, old) in example.token.char_indices() {
            let new = if old == 'A' { "B" } else { "A" };
            let mut token = example.token.clone();
            token.replace_range(at..=at, new);
            let verdict = jws::verified(&token, &keys);
            assert!(
                verdict.is_err(),
                "{}: character {at} as {new} was accepted",
                example.name
            );
        }
    }
}

fn examples_under_the_key_of_another_are_refused() {
    let vectors = Vectors::find();
    let examples = examples(&vectors);
    for example in &examples {
        for other in examples.iter().filter(|other| other.key != example.key) {
            let verdict = jws::verified(&example.token, &other.keys());
            assert!(
                verdict.is_err(),
                "{} passed under the key of {}",
                example.name,
                other.name
            );
        }
    }
}

fn a_set_without_kids_serves_tokens_of_each_of_its_keys() {
    let vectors = Vectors::find();
    let set = vectors.text("rfc-appendix/rfc7515_A.6.jwkset");
    let keys = KeySet::from_documents([set.as_bytes()]).expect("the set of RFC 7515 A.6");
    for (name, expected) in [("A.1", false), ("A.2", true), ("A.3", true), ("A.4", false)] {
        let token = vectors.text(&format!("rfc-appendix/rfc7515_{name}.jwsc"));
        assert_eq!(
            jws::verified(&token, &keys).is_ok(),
            expected,
            "RFC 7515 {name}"
        );
    }
}

fn a_set_of_shared_secrets_is_no_key_set() {
    let vectors = Vectors::find();
    let load = |name: &str| {
        KeySet::from_documents([vectors
            .text(&format!("rfc-appendix/rfc7517_{name}"))
            .as_bytes()])
    };
    assert!(load("A.1.jwkset").is_ok(), "RFC 7517 A.1: public keys");
    assert!(
        load("A.2.jwkset").is_ok(),
        "RFC 7517 A.2: their private halves"
    );
    assert!(load("A.3.jwkset").is_err(), "RFC 7517 A.3: shared secrets");
}

/// RFC 7515 A.5.
fn the_unsecured_example_is_refused_by_its_algorithm() {
    let vectors = Vectors::find();
    let token = vectors.text("rfc-appendix/rfc7515_A.5.jwsc");
    for example in examples(&vectors) {
        assert_eq!(
            jws::verified(&token, &example.keys()),
            Err(JoseError::AlgNotAllowed)
        );
    }
}

/// RFC 7515 A.6 and A.7, and the general and flattened form of every cookbook example.
fn json_serializations_are_refused() {
    let vectors = Vectors::find();
    let mut texts = vec![
        vectors.text("rfc-appendix/rfc7515_A.6.jwsg"),
        vectors.text("rfc-appendix/rfc7515_A.7.jwsf"),
    ];
    for folder in ["jws", "jwe", "curve25519", "rfc7797"] {
        for file in vectors.files(&format!("jose-cookbook/{folder}")) {
            let output: Value = vectors.json::<Value>(&file)["output"].take();
            let forms = ["json", "json_flat"].map(|form| output.get(form).map(Value::to_string));
            texts.extend(forms.into_iter().flatten());
        }
    }
    refuse_all(&vectors, &texts, "JSON serializations");
}

/// RFC 7515 appendix F, RFC 7520 §4.5: the payload is sent separately, so the token proves nothing.
fn detached_payloads_are_refused() {
    let vectors = Vectors::find();
    let file = "jose-cookbook/jws/4_5.signature_with_detached_content.json";
    let compact: Value = vectors.json::<Value>(file)["output"]["compact"].take();
    let mut tokens = vec![compact.as_str().expect("a text").to_owned()];
    tokens.extend(examples(&vectors).iter().map(|example| {
        let parts: Vec<&str> = example.token.split('.').collect();
        format!("{}..{}", parts[0], parts[2])
    }));
    refuse_all(&vectors, &tokens, "tokens with a detached payload");
}

/// RFC 7797: `b64` is critical, and not implemented.
fn unencoded_payloads_are_refused() {
    let vectors = Vectors::find();
    let mut tokens = Vec::new();
    for file in vectors.files("jose-cookbook/rfc7797") {
        let example: Value = vectors.json(&file);
        let flat = &example["output"]["json_flat"];
        let part = |name: &str| flat[name].as_str().expect("a text");
        let (protected, signature) = (part("protected"), part("signature"));
        tokens.push(format!("{protected}.{}.{signature}", part("payload")));
        tokens.push(format!("{protected}..{signature}"));
    }
    refuse_all(&vectors, &tokens, "tokens with an unencoded payload");
    let named_critical = tokens.last().expect("two examples");
    let keys = examples(&vectors).swap_remove(0).keys();
    assert_eq!(
        jws::verified(named_critical, &keys),
        Err(JoseError::CritUnsupported)
    );
}

/// RFC 7520 §5 and §6, RFC 8037 A.6: a reader of signed tokens refuses them.
fn encrypted_examples_are_refused() {
    let vectors = Vectors::find();
    let mut tokens = Vec::new();
    for file in vectors.files("jose-cookbook/jwe") {
        tokens.push(vectors.json::<Value>(&file)["output"]["compact"].take());
    }
    tokens.push(
        vectors.json::<Value>("jose-cookbook/curve25519/ecdh-es.json")["output"]["compact"].take(),
    );
    tokens.push(vectors.json::<Value>(NESTED)["encrypt"]["output"]["compact"].take());
    let tokens: Vec<String> = tokens
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    refuse_all(&vectors, &tokens, "encrypted tokens as signed ones");
    for token in &tokens {
        let keys = examples(&vectors).swap_remove(0).keys();
        assert_eq!(
            jws::verified(token, &keys),
            Err(JoseError::Malformed),
            "{token}"
        );
    }
}

/// Asserts that the key of every example refuses it, the right one included.
fn refuse_all(vectors: &Vectors, tokens: &[String], what: &str) {
    assert!(!tokens.is_empty(), "there are {what} to try");
    for example in examples(vectors) {
        let keys = example.keys();
        for token in tokens {
            assert!(
                jws::verified(token, &keys).is_err(),
                "{}: {token} passed",
                example.name
            );
        }
    }
    say(&format!("RFC examples: {} {what} refused", tokens.len()));
}

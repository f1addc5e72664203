//! A public document lacks secrets, and gives the same keys.

use serde_json::{Value, json};

use super::{ExposedKey, PublicDocument};
use crate::jose::{KeySet, SkipReason};
use watchword_test_support::mint::Signer;

const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQ";

fn kept(document: &Value) -> PublicDocument {
    PublicDocument::of(document.to_string().as_bytes())
}

fn exposed(kids: &[Option<&str>]) -> Vec<ExposedKey> {
    let kids = kids.iter().copied();
    let key = |kid: Option<&str>| ExposedKey {
        kid: kid.map(Into::into),
    };
    kids.map(key).collect()
}

#[test]
fn each_private_member_is_dropped_and_told_of() {
    let signer = Signer::generate("ES256", "k1");
    let document = kept(&json!({"keys": [signer.jwk()]}));
    assert_eq!(document.exposed, []);
    for name in ["d", "p", "q", "dp", "dq", "qi", "k", "priv"] {
        for value in [json!(SECRET), json!([SECRET]), json!({"d": SECRET})] {
            let mut jwk = signer.jwk();
            jwk[name] = value;
            for set in [json!({"keys": [jwk]}), jwk.clone()] {
                let with = kept(&set);
                assert_eq!(with.exposed, exposed(&[Some("k1")]), "{name}");
                assert_eq!(with.text, document.text, "{name}");
            }
        }
    }
    let mut jwk = signer.jwk();
    jwk["oth"] = json!([{"r": SECRET, "d": SECRET, "t": SECRET}]);
    assert_eq!(kept(&jwk).text, document.text);
}

#[test]
fn a_shared_secret_is_dropped_and_told_of() {
    let sound = Signer::generate("ES256", "k1").jwk();
    let shared = json!({"kty": "oct", "kid": "shared", "k": SECRET});
    let unnamed = json!({"kty": "oct", "kid": 7, "k": SECRET});
    let document =
        kept(&json!({"keys": [sound, shared, unnamed], "k": SECRET, "d": {"d": SECRET}}));
    assert_eq!(document.exposed, exposed(&[Some("shared"), None]));
    let text = String::from_utf8(document.text).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.contains("\"k1\""), "{text}");
}

#[test]
fn what_cannot_be_read_is_not_kept() {
    let private_pem =
        format!("-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----\n");
    let twice = format!(r#"{{"keys": [], "keys": [{{"kty": "oct", "k": "{SECRET}"}}]}}"#);
    for text in [
        private_pem,
        twice,
        format!(r#"{{"k": "{SECRET}"}}"#),
        format!(r#"{{"keys": {{"k": "{SECRET}"}}}}"#),
        format!(r#"["{SECRET}"]"#),
        SECRET.to_owned(),
        format!(r#"{{"keys": ["{SECRET}"]}}"#),
    ] {
        let document = PublicDocument::of(text.as_bytes());
        let shown = String::from_utf8(document.text.clone()).unwrap();
        assert!(!shown.contains(SECRET), "{shown}");
        assert_eq!(reasons(&[text.as_bytes()]), reasons(&[&document.text]));
        let another = PublicDocument::of(format!("{text} ").as_bytes());
        assert!(another.text == document.text || shown.starts_with("unreadable "));
    }
}

#[test]
fn a_public_key_in_pem_is_kept_as_it_is() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let public = rcgen::PublicKeyData::der_bytes(&pair);
    assert!(!public.is_empty());
    let pem = pair.public_key_pem();
    assert_eq!(PublicDocument::of(pem.as_bytes()).text, pem.as_bytes());
    let private = pair.serialize_pem();
    assert!(
        !PublicDocument::of(private.as_bytes())
            .text
            .starts_with(private.as_bytes())
    );
}

/// The reasons for which a set of a sound document and these skips keys.
fn reasons(documents: &[&[u8]]) -> Vec<SkipReason> {
    let sound = Signer::generate("Ed25519", "sound").jwk().to_string();
    let documents = documents.iter().copied().chain([sound.as_bytes()]);
    let keys = KeySet::from_documents(documents).unwrap();
    keys.skipped().iter().map(|key| key.reason).collect()
}

#[test]
fn what_is_kept_means_the_same_as_the_document() {
    let signers = [
        "RS256",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "EdDSA",
        "ML-DSA-44",
    ];
    let signers = signers.map(|alg| Signer::generate(alg, alg));
    let mut keys: Vec<Value> = signers.iter().map(Signer::jwk).collect();
    for key in &mut keys {
        key["d"] = json!(SECRET);
        key["x5c"] = json!(["MIIB"]);
    }
    keys.extend([
        json!({"kty": "oct", "k": SECRET}),
        json!({"kty": "RSA", "n": 5, "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "use": "enc"}),
        json!({"kty": "EC", "crv": "P-256", "key_ops": ["sign"]}),
        json!({"kty": "EC", "crv": "P-256", "key_ops": ["verify"]}),
        json!({"kty": "AKP", "kid": "über\u{202e}", "priv": SECRET}),
        json!({"kid": 5}),
        json!("no key"),
        json!(null),
    ]);
    let set = json!({ "keys": keys }).to_string();
    let document = PublicDocument::of(set.as_bytes());
    let [before, after] =
        [set.as_bytes(), &document.text].map(|text| KeySet::from_documents([text]).unwrap());
    assert!(before.keys().eq(after.keys()));
    assert_eq!(before.keys().count(), 7);
    let skipped = |keys: &KeySet| -> Vec<_> {
        let skipped = keys.skipped().iter();
        skipped.map(|key| (key.kid.clone(), key.reason)).collect()
    };
    assert_eq!(skipped(&before), skipped(&after));
    assert_eq!(before.to_public_json(), after.to_public_json());
    assert_eq!(before.exposed(), document.exposed);
    assert_eq!(document.exposed.len(), 9);
    assert_eq!(after.exposed(), []);
    // Once is enough.
    assert_eq!(PublicDocument::of(&document.text).text, document.text);
}

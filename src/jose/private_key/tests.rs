//! Keys survive every form, and no damaged key is taken for a good one.

mod damage;
mod documents;

use super::{NewKey, PrivateKey, PrivateKeyError, PublicKey, ReadKey};
use crate::jose::{Json, Object};

const ALL: [NewKey; 9] = [
    NewKey::Rsa2048,
    NewKey::P256,
    NewKey::P384,
    NewKey::P521,
    NewKey::Secp256k1,
    NewKey::Ed25519,
    NewKey::X25519,
    NewKey::Oct(16),
    NewKey::Oct(64),
];
/// RFC 8037 §A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7638 §3.1.
const RSA_PUBLIC: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4
    cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt
    7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS
    D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK
    gw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

fn one(text: &str) -> Result<PrivateKey, PrivateKeyError> {
    let mut keys = PrivateKey::read_all(text.as_bytes())?;
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

fn public(text: &str) -> Result<PublicKey, PrivateKeyError> {
    let mut keys = ReadKey::read_all(text.as_bytes())?;
    assert_eq!(keys.len(), 1);
    Ok(keys.remove(0)?.public().unwrap())
}

fn problem<T>(read: Result<T, PrivateKeyError>) -> Option<PrivateKeyError> {
    read.err()
}

fn json(object: Object) -> String {
    let mut text = String::new();
    Json::Object(object).write_ascii(&mut text);
    text
}

#[test]
fn a_key_is_the_same_after_each_form() {
    for kind in ALL {
        let key = PrivateKey::generate(kind).unwrap();
        let jwk = key.to_jwk();
        let again = one(&jwk).unwrap();
        assert_eq!(*again.to_jwk(), *jwk, "{kind:?}");
        assert_eq!(again.thumbprint(), key.thumbprint(), "{kind:?}");
        if let NewKey::Oct(_) = kind {
            assert_eq!(problem(key.to_pem()), Some(PrivateKeyError::NoPem));
            continue;
        }
        let pem = again.to_pem().unwrap();
        assert!(pem.lines().all(|line| line.len() <= 64), "{kind:?}");
        assert_eq!(*one(&pem).unwrap().to_jwk(), *jwk, "{kind:?}");
        let jwk = json(key.to_public_jwk().unwrap());
        assert_eq!(public(&jwk).unwrap().thumbprint(), key.thumbprint());
        assert_eq!(problem(one(&jwk)), Some(PrivateKeyError::PublicOnly));
    }
}

#[test]
fn a_new_key_is_another_each_time() {
    for kind in ALL {
        let keys = [kind, kind].map(|kind| PrivateKey::generate(kind).unwrap().thumbprint());
        assert_ne!(keys[0], keys[1], "{kind:?}");
    }
    let short = PrivateKey::generate(NewKey::Oct(15));
    assert_eq!(problem(short), Some(PrivateKeyError::ShortSecret(15)));
}

#[test]
fn thumbprints_are_those_of_the_standards() {
    let rsa = RSA_PUBLIC.replace(['\n', ' '], "");
    let rsa = public(&rsa).unwrap();
    // RFC 7638 §3.1.
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(rsa.thumbprint(), expected);
    assert_eq!(rsa.kid(), "2011-04-29");
    // RFC 8037 §A.3.
    let ed = one(ED25519).unwrap();
    let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(ed.thumbprint(), expected);
    assert_eq!(ed.public().unwrap().kid(), expected);
}

#[test]
fn a_public_jwk_has_the_description_and_no_private_member() {
    let described = ED25519.replacen('{', r#"{"kid":"k","alg":"EdDSA","use":"sig","x5t":"a","#, 1);
    let key = one(&described).unwrap();
    assert_eq!(key.kid(), Some("k"));
    assert_eq!(
        json(key.to_public_jwk().unwrap()),
        r#"{"alg":"EdDSA","crv":"Ed25519","kid":"k","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
    );
    let secret = PrivateKey::generate(NewKey::Oct(32)).unwrap();
    assert_eq!(secret.to_public_jwk(), None);
}

#[test]
fn a_description_is_kept_in_a_private_jwk_and_must_be_text() {
    let members = r#""kid":"k\u00fc","alg":"A128KW","use":"enc","key_ops":["unwrapKey"]"#;
    let jwk = format!(r#"{{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg",{members}}}"#);
    let key = one(&jwk).unwrap();
    assert_eq!((key.alg(), key.purpose()), (Some("A128KW"), Some("enc")));
    assert_eq!(key.operations().unwrap(), [Box::from("unwrapKey")]);
    assert_eq!(*one(&key.to_jwk()).unwrap().to_jwk(), *key.to_jwk());
    for (from, to, member) in [
        (r#""kid":"k\u00fc""#, r#""kid":1"#, "kid"),
        (r#""enc""#, "[]", "use"),
        (r#"["unwrapKey"]"#, r#""unwrapKey""#, "key_ops"),
        (r#"["unwrapKey"]"#, "[1]", "key_ops"),
    ] {
        let changed = problem(one(&jwk.replace(from, to)));
        assert_eq!(changed, Some(PrivateKeyError::Member(member)));
    }
}

#[test]
fn nothing_of_a_key_is_printed() {
    let key = one(ED25519).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(redacted)");
}

#[test]
fn a_tree_of_json_is_wiped() {
    use zeroize::Zeroize as _;
    let mut tree = Json::parse(br#"{"a":["secret",12,true],"b":{"c":"x"}}"#, 9).unwrap();
    tree.zeroize();
    let mut text = String::new();
    tree.write_ascii(&mut text);
    for part in ["secret", "12", "\"x\""] {
        assert!(!text.contains(part), "{text}");
    }
}

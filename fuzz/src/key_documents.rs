//! Targets `key_set` and `private_keys`: documents of public keys, and of private ones.

use serde_json::Value;
use watchword::jose::{
    ContentEncryption, DecryptionKey, EncryptionKey, Jwe, KeyAlgorithm, KeySet, KeySetError,
};
use watchword_test_support::mint::{Signer, fixed::RSA_PEM, key_set as published};

use super::keys::{ISSUERS, RECIPIENTS};

/// Separates documents; no text in UTF-8 has it.
const SEPARATOR: u8 = 0xff;

/// No key is lost: it is used, or listed with a reason.
pub fn key_set(data: &[u8]) -> bool {
    let documents: Vec<&[u8]> = data.split(|byte| *byte == SEPARATOR).collect();
    match KeySet::from_documents(documents.iter().copied()) {
        Ok(keys) => {
            let used: Vec<_> = keys.keys().collect();
            assert!(used.iter().all(|key| !key.algorithms.is_empty()));
            assert!(used.len() + keys.skipped().len() >= keys.entries().min(1));
            assert!(keys.entries() <= 256);
            if let ([document], true) = (&documents[..], keys.skipped().is_empty()) {
                assert_eq!(listed(document).unwrap_or(used.len()), used.len());
            }
        }
        Err(KeySetError::NoUsableKey(skipped)) => {
            assert!(skipped.len() <= 256);
            return false;
        }
        Err(_) => return false,
    }
    true
}

/// The number of keys that a JWK set lists.
fn listed(document: &[u8]) -> Option<usize> {
    let set: Value = serde_json::from_slice(document).ok()?;
    Some(set.get("keys")?.as_array()?.len())
}

pub fn seeds() -> Vec<Vec<u8>> {
    let signers: Vec<&Signer> = ISSUERS.iter().map(|issuer| &issuer.signer).collect();
    let (public, private): (Vec<&Signer>, Vec<&Signer>) = signers
        .iter()
        .partition(|signer| !signer.alg().starts_with("HS"));
    let sets = [published(&public), published(&private), published(&signers)];
    let alone = signers.iter().map(|signer| signer.jwk());
    let mut seeds: Vec<Vec<u8>> = sets.into_iter().chain(alone).map(|it| text(&it)).collect();
    let pem = signers
        .iter()
        .filter(|signer| !signer.alg().starts_with("HS"));
    seeds.extend(pem.map(|signer| pem_of("PUBLIC KEY", &signer.public_der())));
    seeds.push([&seeds[0][..], &[SEPARATOR], &seeds[5]].concat());
    seeds.push(br#"{"issuer":"https://a.example","jwks_uri":"https://a.example/keys"}"#.to_vec());
    seeds
}

/// A private key that is read fits the public members beside it: what is encrypted to these, it
/// decrypts, unless its `alg` or `key_ops` restricts it.
pub fn private_keys(data: &[u8]) -> bool {
    let keys = DecryptionKey::read_all(data);
    for key in &keys {
        assert!(key.id().is_some() || !key.is_private());
        assert_eq!(format!("{key:?}"), "DecryptionKey(redacted)");
    }
    let ([key], Some(public)) = (&keys[..], EncryptionKey::parse(data)) else {
        return !keys.is_empty();
    };
    let members = serde_json::from_slice::<Value>(data).unwrap_or_default();
    let is_restricted = ["alg", "key_ops"].map(|name| members.get(name).is_some());
    let content = b"content";
    let mut suits = 0;
    for algorithm in KeyAlgorithm::ALL {
        for encryption in [ContentEncryption::A128CbcHs256, ContentEncryption::A192Gcm] {
            let Ok(token) = public.encrypt(content, algorithm, encryption, &[]) else {
                continue;
            };
            let jwe = Jwe::parse(&token).expect("a token that was just made");
            let decrypted = match jwe.decrypt(key, 100) {
                Err(_) if is_restricted.contains(&true) => continue,
                decrypted => decrypted.expect("the key fits its public half"),
            };
            assert_eq!(&*decrypted, content, "{algorithm:?}");
            suits += 1;
        }
        // One of a kind suffices, where each costs a lot.
        if suits > 1 && key.is_private() {
            break;
        }
    }
    true
}

pub fn private_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = RECIPIENTS
        .iter()
        .map(|key| key.document.clone().into_bytes())
        .collect();
    let jwks: Vec<Value> = RECIPIENTS
        .iter()
        .filter_map(|key| serde_json::from_str(&key.document).ok())
        .collect();
    seeds.push(text(&serde_json::json!({"keys": jwks})));
    let signers = ISSUERS.iter().map(|issuer| &issuer.signer);
    let signers = signers.filter(|signer| ["ES256", "EdDSA"].contains(&signer.alg()));
    seeds.extend(signers.map(|signer| pem_of("PRIVATE KEY", &signer.pkcs8())));
    seeds.push(RSA_PEM.replace("PRIVATE", "RSA PRIVATE").into_bytes());
    seeds
}

fn text(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn pem_of(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
}

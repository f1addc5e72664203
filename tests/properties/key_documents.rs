//! Documents of keys: any bytes, and good ones that were damaged.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose};
use watchword::jose::{KeySet, KeySetError};
use watchword_test_support::mint::{self, Signer};

/// Valid contents of blocks, with their labels.
static CONTENTS: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let signers = ["ES256", "ES512", "Ed25519", "RS256", "ES256K", "ML-DSA-44"];
    let signers = signers.map(|alg| Signer::generate(alg, ""));
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::try_from(signers[0].pkcs8()).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().to_vec();
    let keys = signers
        .iter()
        .map(|signer| ("PUBLIC KEY", signer.public_der()));
    let rsa = signers[3].public_der().split_off(24);
    let others = [("CERTIFICATE", certificate), ("RSA PUBLIC KEY", rsa)];
    keys.chain(others).collect()
});

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
}

/// Bytes that replace others.
type Damage = Vec<(prop::sample::Index, u8)>;

fn damage(most: usize) -> impl Strategy<Value = Damage> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..most)
}

fn damaged(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    bytes
}

/// Text made of PEM's own pieces.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "-----BEGIN ",
        "-----BEGIN",
        "-----END ",
        "-----",
        "PUBLIC KEY",
        "CERTIFICATE",
        "RSA ",
        "PRIVATE KEY",
        "MCow",
        "BQYDK2Vw",
        "=",
        "\n",
        "\r\n",
        "\r",
        " ",
        "{",
        "\u{feff}",
        "\0",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat().into_bytes())
}

/// PEM keys have no `kid`, so each entry is either used or listed as skipped.
fn nothing_is_lost(read: Result<KeySet, KeySetError>, least: usize) {
    match read {
        Ok(keys) => {
            assert_eq!(keys.keys().count() + keys.skipped().len(), keys.entries());
            assert!(keys.entries() >= least);
        }
        Err(KeySetError::NoUsableKey(skipped)) => assert!(skipped.len() >= least),
        Err(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_documents_make_it_panic(
        documents in prop::collection::vec(
            prop_oneof![prop::collection::vec(any::<u8>(), 0..64), pieces()], 0..4
        ),
    ) {
        let keys = KeySet::from_documents(documents.iter().map(Vec::as_slice));
        nothing_is_lost(keys, documents.len().min(1));
    }

    #[test]
    fn no_damage_in_the_text_makes_it_panic(
        which in prop::collection::vec(any::<prop::sample::Index>(), 1..4), damage in damage(4),
    ) {
        let contents = which.iter().map(|which| which.get(&CONTENTS));
        let blocks = contents.map(|(label, der)| pem(label, der));
        let text = damaged(blocks.collect::<Vec<_>>().concat(), &damage);
        nothing_is_lost(KeySet::from_documents([text.as_slice()]), 1);
    }

    #[test]
    fn no_damage_in_the_content_makes_it_panic(
        which in any::<prop::sample::Index>(),
        damage in damage(4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (label, der) = which.get(&CONTENTS);
        let mut der = damaged(der.clone(), &damage);
        der.truncate(cut.map_or(der.len(), |cut| cut.index(der.len())));
        nothing_is_lost(KeySet::from_documents([pem(label, &der).as_slice()]), 1);
    }
}

#[test]
fn the_contents_are_good_before_they_are_damaged() {
    for (label, der) in CONTENTS.iter() {
        assert!(
            KeySet::from_documents([pem(label, der).as_slice()]).is_ok(),
            "{label}"
        );
    }
    let set = mint::key_set(&[&Signer::generate("ES256", "k1")]).to_string();
    assert!(KeySet::from_documents([set.as_bytes()]).is_ok());
}

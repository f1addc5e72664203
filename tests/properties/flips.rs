//! A flipped bit in any signed part denies.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watchword_test_support::mint;

use crate::core::{Core, now, now_seconds};

/// All but the two of ML-DSA with the longest signatures.
const ALGORITHMS: [&str; 16] = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "Ed25519",
    "ML-DSA-44",
    "HS256",
    "HS384",
    "HS512",
];

/// Every copy of `bytes` with one bit flipped.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        copy
    })
}

#[test]
fn a_flipped_bit_in_any_part_denies() {
    let mut flips = 0;
    for alg in ALGORITHMS {
        let core = Core::new(alg);
        let mut claims = mint::claims(now_seconds());
        claims["iss"] = crate::core::ISSUER.into();
        let token = core.signer.sign(&claims);
        assert_eq!(core.judge(&token, now()), Ok(()), "{alg}");

        let decode = |segment| URL_SAFE_NO_PAD.decode(segment).unwrap();
        let parts: Vec<Vec<u8>> = token.split('.').map(decode).collect();
        for (index, part) in parts.iter().enumerate() {
            for changed in flipped(part) {
                let mut parts = parts.clone();
                parts[index] = changed;
                let encoded: Vec<String> = parts
                    .iter()
                    .map(|part| URL_SAFE_NO_PAD.encode(part))
                    .collect();
                assert!(
                    core.judge(&encoded.join("."), now()).is_err(),
                    "{alg} part {index}"
                );
                flips += 1;
            }
        }
        for changed in flipped(token.as_bytes()) {
            if let Ok(text) = String::from_utf8(changed) {
                assert!(core.judge(&text, now()).is_err(), "{alg}: {text}");
                flips += 1;
            }
        }
        // The valid token is cached now, and still valid.
        assert_eq!(core.judge(&token, now()), Ok(()), "{alg}");
    }
    println!(
        "properties: {flips} flipped bits over {} algorithms, 0 accepted",
        ALGORITHMS.len()
    );
    assert!(flips > 50_000);
}

//! Keys that are the same in every process, so that a token of one run is good in another.

use std::sync::Arc;

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Key, Signer};

/// An RSA key of 2048 bits in PKCS#8, made for these tests.
pub const RSA_PEM: &str = include_str!("rsa.pem");

impl Signer {
    /// A key that a number chooses, for ES256, `EdDSA` and HS256..512. RS256 and PS256 have one.
    pub fn fixed(alg: &str, kid: &str, number: u8) -> Self {
        let secret = [number.max(1); 32];
        let key = match alg {
            "ES256" => {
                let scalar = PrivateKey::from_private_key(&agreement::ECDH_P256, &secret);
                let point = scalar
                    .ok()
                    .and_then(|scalar| scalar.compute_public_key().ok());
                let point = point.expect("a point for any small scalar");
                let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair =
                    EcdsaKeyPair::from_private_key_and_public_key(scheme, &secret, point.as_ref());
                Key::Ec("P-256", pair.expect("an EC key"))
            }
            "EdDSA" => Key::Ed(Ed25519KeyPair::from_seed_unchecked(&secret).expect("any seed")),
            "HS256" | "HS384" | "HS512" => Key::Secret(secret.repeat(2)),
            "RS256" | "PS256" => Key::Rsa(RsaKeyPair::from_pkcs8(&rsa_der()).expect("an RSA key")),
            other => panic!("there is no fixed key for {other}"),
        };
        Self::new(Arc::new(key), alg, kid)
    }
}

/// The key of [`RSA_PEM`] in DER.
pub fn rsa_der() -> Vec<u8> {
    let lines = RSA_PEM.lines().filter(|line| !line.starts_with('-'));
    let text: String = lines.collect();
    STANDARD.decode(text).expect("base64 in PEM")
}

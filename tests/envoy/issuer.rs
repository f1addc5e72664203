//! Issuers of the tests: each has a key of its own and signs what it is asked to.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// The time at which the tests take place: 2027-01-15.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) struct Issuer {
    url: &'static str,
    key: EncodingKey,
    public: Value,
}

impl Issuer {
    /// An issuer of this URL, with a fresh P-256 key.
    pub(crate) fn new(url: &'static str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())
            .expect("the same key");
        // SEC 1 §2.3.3: 0x04, then both coordinates.
        let point = pair.public_key().as_ref();
        let (x, y) = (
            URL_SAFE_NO_PAD.encode(&point[1..33]),
            URL_SAFE_NO_PAD.encode(&point[33..65]),
        );
        let public = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test-1",
            "x": x, "y": y,
        });
        Self {
            url,
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
            public,
        }
    }

    pub(crate) fn url(&self) -> &'static str {
        self.url
    }

    pub(crate) fn key_set(&self) -> Value {
        json!({"keys": [self.public]})
    }

    /// A token of alice that is good at [`NOW`].
    pub(crate) fn token(&self) -> String {
        self.token_with(&json!({}))
    }

    /// alice's token with other claims; `null` leaves one out.
    pub(crate) fn token_with(&self, claims: &Value) -> String {
        let mut all = json!({
            "iss": self.url, "sub": "alice", "aud": "example-api", "scope": "orders",
            "department": "sales", "iat": NOW - 10, "exp": NOW + 300,
        });
        for (name, value) in claims.as_object().expect("claims are an object") {
            all[name] = value.clone();
        }
        all.as_object_mut()
            .expect("claims are an object")
            .retain(|_, value| !value.is_null());
        let header = Header {
            kid: Some("test-1".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&header, &all, &self.key).expect("a token")
    }
}

//! An issuer in memory: a key pair, and valid and invalid tokens.

use anyhow::{Context as _, anyhow};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::token::UnixTime;

const ISSUER: &str = "https://issuer.demo.example";
const KID: &str = "demo-key";
const CONFIG: &str = include_str!("demo.yaml");

/// Signs tokens with ES256.
pub(super) struct DemoIssuer {
    key: EncodingKey,
    /// The coordinates of the public key, in base64url.
    x: String,
    y: String,
    /// Seconds since 1970 at the start of the demo.
    pub(super) now: i64,
}

impl DemoIssuer {
    /// A new key pair; times in tokens are relative to `now`.
    pub(super) fn new(now: UnixTime) -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| anyhow!("cannot generate a key pair"))?;
        let pkcs8 = pair.to_pkcs8v1();
        let pkcs8 = pkcs8.map_err(|_| anyhow!("cannot export the key"))?;
        // An uncompressed point: 4, then two coordinates of 32 bytes.
        let coordinates = pair.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = coordinates
            .split_at_checked(32)
            .context("a point of another size")?;
        let now = i64::try_from(now.since(UnixTime::EPOCH).as_secs())?;
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        Ok(Self {
            key,
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
            now,
        })
    }

    /// Another issuer with the same name and key id, but another key.
    pub(super) fn stranger(&self) -> anyhow::Result<Self> {
        Ok(Self {
            now: self.now,
            ..Self::new(UnixTime::EPOCH)?
        })
    }

    /// Claims that open `/orders`, with these changes.
    pub(super) fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": ISSUER,
            "sub": "alice",
            "aud": "orders-api",
            "scope": "orders.read",
            "realm_access": {"roles": ["buyer", "reviewer"]},
            "iat": self.now,
            "exp": self.now + 3600,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            if let Some(claim) = claims.as_object_mut() {
                claim.insert(name.clone(), value.clone());
            }
        }
        claims
    }

    pub(super) fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let header = Header {
            kid: Some(KID.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }

    pub(super) fn sample_token(&self) -> anyhow::Result<String> {
        self.sign(&self.claims(&Value::Null))
    }

    /// A token that claims to need no signature.
    pub(super) fn unsigned(&self) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = encode(&json!({"alg": "none", "kid": KID}));
        let claims = encode(&self.claims(&json!({"sub": "admin"})));
        format!("{header}.{claims}.")
    }

    /// A valid token with another payload.
    pub(super) fn tampered(&self) -> anyhow::Result<String> {
        let good = self.sample_token()?;
        let payload = URL_SAFE_NO_PAD.encode(self.claims(&json!({"sub": "admin"})).to_string());
        let parts: Vec<&str> = good.split('.').collect();
        match parts[..] {
            [header, _, signature] => Ok(format!("{header}.{payload}.{signature}")),
            _ => Err(anyhow!("a token without three parts")),
        }
    }

    /// The configuration that accepts this issuer's tokens.
    pub(super) fn config(&self, address: &str) -> String {
        let text = CONFIG.replace("@ADDRESS@", address);
        let text = text.replace("@ISSUER@", ISSUER).replace("@KID@", KID);
        text.replace("@X@", &self.x).replace("@Y@", &self.y)
    }
}

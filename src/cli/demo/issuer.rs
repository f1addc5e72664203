//! An issuer in memory: a key pair, and valid and invalid tokens.

use std::path::Path;

use anyhow::{anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::jose::{Json, KeyDescription, NewKey, PrivateKey};
use crate::token::UnixTime;

use super::super::signing::TokenSigner;

pub(super) const ISSUER: &str = "https://issuer.demo.example";
const KID: &str = "demo-key";
const ALGORITHM: &str = "ES256";
const CONFIG: &str = include_str!("demo.yaml");

/// Signs tokens with ES256.
pub(super) struct DemoIssuer {
    signer: TokenSigner,
    /// Seconds since 1970 at the start of the demo.
    pub(super) now: i64,
}

impl DemoIssuer {
    /// An issuer with a new key; times in tokens are relative to `now`.
    pub(super) fn new(now: UnixTime) -> anyhow::Result<Self> {
        let key = PrivateKey::generate(NewKey::P256)?;
        let description = KeyDescription {
            kid: Some(KID.into()),
            ..KeyDescription::default()
        };
        Self::with_key(key.described(description), now)
    }

    /// An issuer with this key, which must be for ES256.
    pub(super) fn with_key(key: PrivateKey, now: UnixTime) -> anyhow::Result<Self> {
        let kind = key.kind();
        if kind != "EC P-256" {
            bail!("--key: found {kind}; expected a P-256 key, of `keys generate --type p-256`");
        }
        Ok(Self {
            signer: TokenSigner::new(key, Some(ALGORITHM))?,
            now: i64::try_from(now.since(UnixTime::EPOCH).as_secs())?,
        })
    }

    /// Another issuer with the same name and key id, but another key.
    pub(super) fn stranger(&self) -> anyhow::Result<Self> {
        let own = self.signer.key();
        let kid = own.public().map(|public| public.kid().into());
        let key = PrivateKey::generate(NewKey::P256)?;
        let key = key.described(KeyDescription {
            kid,
            ..own.description().clone()
        });
        Ok(Self {
            signer: TokenSigner::new(key, Some(ALGORITHM))?,
            now: self.now,
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
        self.signer.sign("JWT", &claims.to_string())
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

    /// The configuration that accepts this issuer's tokens, encrypted ones too with this key.
    pub(super) fn config(&self, address: &str, decryption: Option<&Path>) -> String {
        let mut jwk = String::new();
        let public = self.signer.key().to_public_jwk();
        Json::Object(public.unwrap_or_default()).write_ascii(&mut jwk);
        let decryption = decryption.map(|file| {
            let file = Value::from(file.to_string_lossy());
            format!("    decryption: {{keys: [{file}]}}\n")
        });
        let text = CONFIG.replace("@ADDRESS@", address);
        let text = text.replace("@DECRYPTION@", &decryption.unwrap_or_default());
        text.replace("@ISSUER@", ISSUER).replace("@JWK@", &jwk)
    }
}

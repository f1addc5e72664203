//! Keys of the benchmark: signing keys of an issuer, and decryption keys.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use watchword::jose::{ContentEncryption, EncryptionKey, KeyAlgorithm};

/// A key pair: the private half in PEM, and the public JWK.
pub(crate) struct Pair {
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) jwk: Value,
}

impl Pair {
    pub(crate) fn rsa(size: KeySize) -> Self {
        let pair = KeyPair::generate(size).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let modulus = pair.public_key().modulus();
        let n = URL_SAFE_NO_PAD.encode(modulus.big_endian_without_leading_zero());
        Self {
            pkcs8: der.as_ref().to_vec(),
            jwk: json!({"kty": "RSA", "n": n, "e": "AQAB"}),
        }
    }

    pub(crate) fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|it| URL_SAFE_NO_PAD.encode(it));
        Self {
            pkcs8: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
        }
    }

    pub(crate) fn pem(&self) -> String {
        let text = STANDARD.encode(&self.pkcs8);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        let text = lines.join("\n");
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    pub(crate) fn encrypt(&self, content: &str, alg: KeyAlgorithm) -> String {
        let key = EncryptionKey::parse(self.jwk.to_string().as_bytes()).unwrap();
        let enc = ContentEncryption::A256Gcm;
        key.encrypt(content.as_bytes(), alg, enc, &[("cty", "JWT")])
            .unwrap()
    }

    /// A signed token of about 500 to 700 bytes.
    pub(crate) fn sign(&self, subject: &str) -> String {
        let is_rsa = self.jwk["kty"] == "RSA";
        let (alg, key) = if is_rsa {
            // jsonwebtoken takes PKCS#1, which is the octet string at the end of PKCS#8 for RSA.
            let key = jsonwebtoken::EncodingKey::from_rsa_der(&self.pkcs8[26..]);
            (jsonwebtoken::Algorithm::RS256, key)
        } else {
            let key = jsonwebtoken::EncodingKey::from_ec_der(&self.pkcs8);
            (jsonwebtoken::Algorithm::ES256, key)
        };
        let claims = json!({
            "iss": "https://issuer.bench.example", "aud": "orders-api", "sub": subject,
            "email": format!("{subject}@example.com"), "scope": "openid orders.read orders.write",
            "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
            "realm_access": {"roles": ["buyer", "reviewer"]},
        });
        jsonwebtoken::encode(&jsonwebtoken::Header::new(alg), &claims, &key).unwrap()
    }
}

/// A configuration with this signing key, and a decryption key in a file beside it.
pub(crate) fn config(signing: &Pair, decryption_file: &str) -> String {
    let keys = json!({"keys": [signing.jwk]});
    format!(
        "issuers:
  bench:
    issuer: https://issuer.bench.example
    audiences: [orders-api]
    jwks: {{inline: {keys}}}
    headers: {{x-auth-subject: sub}}
    decryption: {{keys: [{decryption_file:?}]}}
"
    )
}

/// Writes a private key into the build folder, and returns its path.
pub(crate) fn written(name: &str, pair: &Pair) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("bench-{name}-{}.pem", std::process::id()));
    std::fs::write(&path, pair.pem()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

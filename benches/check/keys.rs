//! The issuer of the benchmarks.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// An RSA key and a configuration that trusts it.
pub(crate) struct Keys {
    signing: jsonwebtoken::EncodingKey,
    config: String,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
            .unwrap();
        // jsonwebtoken takes PKCS#1, which is the octet string at the end of PKCS#8 for RSA.
        let pkcs1 = der.as_ref()[26..].to_vec();
        let n = URL_SAFE_NO_PAD.encode(
            pair.public_key()
                .modulus()
                .big_endian_without_leading_zero(),
        );
        let config = format!(
            "server: {{grpc: {{address: 127.0.0.1:0}}}}
issuers:
  bench:
    issuer: https://issuer.bench.example
    audiences: [orders-api]
    jwks: {{inline: {{keys: [{{kty: RSA, kid: k, alg: RS256, n: {n}, e: AQAB}}]}}}}
    headers: {{x-auth-subject: sub, x-auth-roles: realm_access.roles, x-auth-email: email}}
rules:
- match: {{path: {{prefix: /public/}}, methods: [GET]}}
  require: none
- match: {{path: {{prefix: /orders/}}}}
  require: {{scopes: [orders.read]}}
"
        );
        Self {
            signing: jsonwebtoken::EncodingKey::from_rsa_der(&pkcs1),
            config,
        }
    }

    /// The text of the configuration.
    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// Tokens of about 700 bytes, no two alike.
    pub(crate) fn tokens(&self, count: usize) -> Vec<String> {
        let header = jsonwebtoken::Header {
            kid: Some("k".to_owned()),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256)
        };
        let mint = |index: usize| {
            let claims = serde_json::json!({
                "iss": "https://issuer.bench.example",
                "aud": "orders-api",
                "sub": format!("user-{index}"),
                "email": format!("user-{index}@example.com"), "jti": format!("{index:032x}"),
                "scope": "openid orders.read orders.write",
                "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
                "realm_access": {"roles": ["buyer", "reviewer"]},
            });
            jsonwebtoken::encode(&header, &claims, &self.signing).unwrap()
        };
        (0..count).map(mint).collect()
    }
}

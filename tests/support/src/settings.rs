//! Two alternating configurations, and tokens whose answers differ between them.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::mint::{self, Signer};

/// The key of the issuer `corp`.
pub static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("ES256", "k1"));

/// A configuration. The same token gets other headers from each, and the same request another
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    One,
    Two,
}

impl Version {
    pub fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }

    /// Its name in claims, headers and rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
        }
    }

    /// The configuration of a server with its files beside it.
    pub fn text(self, grpc: SocketAddr, admin: SocketAddr) -> String {
        let name = self.name();
        json!({
            "server": {
                "grpc": {
                    "address": grpc,
                    "tls": {"certificate": "tls.crt", "private_key": "tls.key"},
                },
                "admin": {"address": admin},
                "drain": "600ms",
            },
            "reload": {"interval": "100ms"},
            "log": {"level": "info"},
            "issuers": {"corp": {
                "issuer": "https://idp.example.com",
                "audiences": ["orders-api"],
                "jwks": {"file": "keys.json"},
                "headers": {
                    "x-first": format!("{name}_first"),
                    "x-second": format!("{name}_second"),
                },
            }},
            "rules": [
                {
                    "name": name,
                    "match": {"path": {"prefix": "/orders"}},
                    "require": {"issuers": ["corp"]},
                },
                {
                    "match": {"path": {"prefix": "/admin"}},
                    "require": {"scopes": [format!("{name}_scope")]},
                },
            ],
        })
        .to_string()
    }
}

/// A configuration that every server must refuse.
pub fn bad(good: &str, number: usize) -> String {
    match number % 4 {
        0 => good.replace("\"audiences\"", "\"audience\""),
        1 => good
            .replace("\"one_scope\"", "17")
            .replace("\"two_scope\"", "17"),
        2 => good[..good.len() / 2].to_owned(),
        _ => good.replace("tls.key", "no-such.key"),
    }
}

pub fn key_set() -> String {
    mint::key_set(&[&SIGNER]).to_string()
}

pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("before the end of time")
}

/// A token that is good for an hour.
pub fn good_token() -> String {
    good_token_of(&SIGNER)
}

/// The same under another key.
pub fn good_token_of(signer: &Signer) -> String {
    signer.sign(&claims(now() + 3600))
}

/// One that was good until an hour ago.
pub fn expired_token() -> String {
    expired_token_of(&SIGNER)
}

/// The same under another key.
pub fn expired_token_of(signer: &Signer) -> String {
    signer.sign(&claims(now() - 3600))
}

fn claims(expires: i64) -> Value {
    let mut claims = mint::claims(now());
    claims["exp"] = json!(expires);
    for version in [Version::One, Version::Two] {
        let name = version.name();
        for header in ["first", "second"] {
            claims[format!("{name}_{header}")] = json!(format!("{name}-{header}"));
        }
    }
    claims
}

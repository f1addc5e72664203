//! The public half of a key, with its thumbprint (RFC 7638).

use aws_lc_rs::digest::{SHA256, digest};

use super::check::bits;
use super::{EcCurve, KeyDescription, KeyMaterial, OkpCurve};
use crate::jose::compact::encode;
use crate::jose::{Json, Object};

/// A public key that was checked.
#[derive(Clone)]
pub(crate) struct PublicKey {
    description: KeyDescription,
    material: PublicMaterial,
}

/// Numbers are big-endian, as in [`KeyMaterial`].
#[derive(Clone)]
pub(in crate::jose) enum PublicMaterial {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ec {
        curve: EcCurve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Okp {
        curve: OkpCurve,
        x: Vec<u8>,
    },
}

impl PublicKey {
    /// The caller has checked the material.
    pub(super) fn of(description: KeyDescription, material: PublicMaterial) -> Self {
        Self {
            description,
            material,
        }
    }

    pub(crate) fn description(&self) -> &KeyDescription {
        &self.description
    }

    /// The same key with another description.
    #[must_use]
    pub(crate) fn described(self, description: KeyDescription) -> Self {
        Self {
            description,
            ..self
        }
    }

    /// Its own `kid`; else its thumbprint, which does not depend on the file that it came from.
    pub(crate) fn kid(&self) -> String {
        let own = self.description.kid.as_deref();
        own.map_or_else(|| self.thumbprint(), ToOwned::to_owned)
    }

    /// The SHA-256 thumbprint, in base64url (RFC 7638 §3, RFC 8037 §2).
    pub(crate) fn thumbprint(&self) -> String {
        let mut text = String::new();
        Json::Object(Object::of(self.material.members())).write_ascii(&mut text);
        encode(digest(&SHA256, text.as_bytes()))
    }

    /// The public JWK: `kid`, `alg`, `use`, and the members of the key.
    pub(crate) fn to_jwk(&self) -> Object {
        let mut members = self.material.members();
        members.push(("kid", Json::string(self.kid())));
        let own = [
            ("alg", &self.description.alg),
            ("use", &self.description.purpose),
        ];
        members.extend(own.into_iter().filter_map(|(name, value)| {
            let value = value.as_deref()?;
            Some((name, Json::string(value)))
        }));
        Object::of(members)
    }

    /// The type and size, in words: `RSA 2048`, `EC P-256`.
    pub(crate) fn kind(&self) -> String {
        match &self.material {
            PublicMaterial::Rsa { n, .. } => format!("RSA {}", bits(n)),
            PublicMaterial::Ec { curve, .. } => format!("EC {}", curve.name()),
            PublicMaterial::Okp { curve, .. } => format!("OKP {}", curve.name()),
        }
    }
}

impl PublicMaterial {
    /// The members that a JWK of this type must have, which its thumbprint is made of.
    pub(super) fn members(&self) -> Vec<(&'static str, Json)> {
        match self {
            Self::Rsa { n, e } => {
                vec![
                    ("kty", Json::string("RSA")),
                    ("n", encoded(n)),
                    ("e", encoded(e)),
                ]
            }
            Self::Ec { curve, x, y } => vec![
                ("kty", Json::string("EC")),
                ("crv", Json::string(curve.name())),
                ("x", encoded(x)),
                ("y", encoded(y)),
            ],
            Self::Okp { curve, x } => vec![
                ("kty", Json::string("OKP")),
                ("crv", Json::string(curve.name())),
                ("x", encoded(x)),
            ],
        }
    }
}

impl KeyMaterial {
    /// The public half, not checked; `None` for a shared secret.
    pub(super) fn public(&self) -> Option<PublicMaterial> {
        Some(match self {
            Self::Rsa(key) => PublicMaterial::Rsa {
                n: key.n.clone(),
                e: key.e.clone(),
            },
            Self::Ec { curve, x, y, .. } => PublicMaterial::Ec {
                curve: *curve,
                x: x.clone(),
                y: y.clone(),
            },
            Self::Okp { curve, x, .. } => PublicMaterial::Okp {
                curve: *curve,
                x: x.clone(),
            },
            Self::Oct(_) => return None,
        })
    }
}

pub(super) fn encoded(bytes: &[u8]) -> Json {
    Json::string(encode(bytes))
}

crate::escape::redact! { "PublicKey" for PublicKey; }

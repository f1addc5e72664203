//! Reads a JWK (RFC 7517) that is private, shared or public.

use zeroize::Zeroizing;

use super::public_half::PublicMaterial;
use super::{
    EcCurve, KeyDescription, KeyMaterial, OkpCurve, PrivateKey, PrivateKeyError, PublicKey,
    ReadKey, RsaMaterial, SecretBytes,
};
use crate::jose::{Json, Object, compact};

impl ReadKey {
    pub(super) fn from_jwk(jwk: &Json) -> Result<Self, PrivateKeyError> {
        let members = jwk.as_object().ok_or(PrivateKeyError::NotObject)?;
        let description = KeyDescription::read(members)?;
        if let Some(material) = KeyMaterial::read(members)? {
            let key = PrivateKey::checked(description, material)?;
            return Ok(Self::Private(Box::new(key)));
        }
        let material = PublicMaterial::read(members)?;
        material.check()?;
        Ok(Self::Public(PublicKey::of(description, material)))
    }
}

impl KeyDescription {
    fn read(members: &Object) -> Result<Self, PrivateKeyError> {
        let text = |name: &'static str| -> Result<Option<Box<str>>, PrivateKeyError> {
            let found = members.text(name).map_err(|error| (name, error))?;
            Ok(found.map(Into::into))
        };
        let operations = members.get("key_ops").map(|operations| {
            let operations = operations.as_array()?.iter();
            operations
                .map(|name| name.as_str().map(Into::into))
                .collect()
        });
        let operations: Option<Option<Box<[Box<str>]>>> = operations;
        Ok(Self {
            kid: text("kid")?,
            alg: text("alg")?,
            purpose: text("use")?,
            operations: match operations {
                None => None,
                Some(names) => Some(names.ok_or(PrivateKeyError::Member("key_ops"))?),
            },
        })
    }
}

impl KeyMaterial {
    /// RFC 7518 §6, RFC 8037 §2. `None` for a public key.
    fn read(members: &Object) -> Result<Option<Self>, PrivateKeyError> {
        if key_type(members)? == "oct" {
            return secret(members, "k").map(|secret| Some(Self::Oct(secret)));
        }
        if !members.contains("d") {
            return Ok(None);
        }
        Ok(Some(match PublicMaterial::read(members)? {
            PublicMaterial::Rsa { n, e } => Self::Rsa(RsaMaterial::read(members, n, e)?),
            PublicMaterial::Ec { curve, x, y } => {
                let d = secret(members, "d")?;
                Self::Ec { curve, x, y, d }
            }
            PublicMaterial::Okp { curve, x } => {
                let d = secret(members, "d")?;
                Self::Okp { curve, x, d }
            }
        }))
    }
}

impl RsaMaterial {
    fn read(members: &Object, n: Vec<u8>, e: Vec<u8>) -> Result<Self, PrivateKeyError> {
        if members.contains("oth") {
            return Err(PrivateKeyError::ManyPrimes);
        }
        let primes = ["p", "q", "dp", "dq", "qi"];
        if !primes.iter().any(|name| members.contains(name)) {
            return Err(PrivateKeyError::WithoutPrimes);
        }
        let number = |name| secret(members, name).map(|bytes| without_zeros(&bytes));
        Ok(Self {
            n,
            e,
            d: number("d")?,
            p: number("p")?,
            q: number("q")?,
            dp: number("dp")?,
            dq: number("dq")?,
            qi: number("qi")?,
        })
    }
}

impl PublicMaterial {
    fn read(members: &Object) -> Result<Self, PrivateKeyError> {
        let number = |name| secret(members, name).map(|bytes| bytes.to_vec());
        Ok(match key_type(members)? {
            "RSA" => Self::Rsa {
                n: without_zeros(&number("n")?).to_vec(),
                e: without_zeros(&number("e")?).to_vec(),
            },
            "EC" => Self::Ec {
                curve: EcCurve::from_name(curve(members)?).ok_or(PrivateKeyError::Curve)?,
                x: number("x")?,
                y: number("y")?,
            },
            "OKP" => Self::Okp {
                curve: OkpCurve::from_name(curve(members)?).ok_or(PrivateKeyError::Curve)?,
                x: number("x")?,
            },
            _ => return Err(PrivateKeyError::KeyType),
        })
    }
}

fn key_type(members: &Object) -> Result<&str, PrivateKeyError> {
    required(members, "kty")
}

fn curve(members: &Object) -> Result<&str, PrivateKeyError> {
    required(members, "crv")
}

fn required<'m>(members: &'m Object, name: &'static str) -> Result<&'m str, PrivateKeyError> {
    let found = members.text(name).map_err(|error| (name, error))?;
    found.ok_or(PrivateKeyError::Member(name))
}

fn secret(members: &Object, name: &'static str) -> Result<SecretBytes, PrivateKeyError> {
    let bytes = compact::decode(required(members, name)?);
    let bytes = bytes.map_err(|_| PrivateKeyError::Member(name))?;
    Ok(Zeroizing::new(bytes))
}

/// Some issuers send leading zeros, which the library refuses.
pub(super) fn without_zeros(number: &[u8]) -> SecretBytes {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    Zeroizing::new(number.get(zeros..).unwrap_or_default().to_vec())
}

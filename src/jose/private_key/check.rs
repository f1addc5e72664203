//! The checks of a private key: the public half by itself, and that both halves fit.

use aws_lc_rs::agreement::{self, PrivateKey as AgreementKey, UnparsedPublicKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::ParsedPublicKey;

use super::public_half::PublicMaterial;
use super::{KeyMaterial, OkpCurve, PrivateKeyError, RsaMaterial};
use crate::jose::weak_key;

/// The length limits of an RSA modulus, in bits.
const RSA_MIN: usize = 2048;
const RSA_MAX: usize = 8192;
/// The length limit of a shared secret, in bytes: that of the shortest key of AES.
const SECRET_MIN: usize = 16;

impl KeyMaterial {
    pub(super) fn check(&self) -> Result<(), PrivateKeyError> {
        if let Some(public) = self.public() {
            public.check()?;
        }
        match self {
            Self::Rsa(key) => key.key_pair().map(drop),
            Self::Ec { curve, x, y, d } => {
                check_length("d", d, curve.length())?;
                let (own_x, own_y) = curve.public(d)?;
                equal(x, &own_x).and(equal(y, &own_y))
            }
            Self::Okp { curve, x, d } => {
                check_length("d", d, OkpCurve::LENGTH)?;
                equal(x, &curve.public(d)?)
            }
            Self::Oct(secret) if secret.len() < SECRET_MIN => {
                Err(PrivateKeyError::ShortSecret(secret.len()))
            }
            Self::Oct(_) => Ok(()),
        }
    }
}

impl PublicMaterial {
    /// As for keys that verify: sizes, points on their curve, and keys that are known to be weak.
    pub(super) fn check(&self) -> Result<(), PrivateKeyError> {
        match self {
            Self::Rsa { n, e } => {
                let bits = bits(n);
                if !(RSA_MIN..=RSA_MAX).contains(&bits) {
                    return Err(PrivateKeyError::RsaSize(bits));
                }
                Ok(weak_key::check_rsa(n, e)?)
            }
            Self::Ec { curve, x, y } => {
                check_length("x", x, curve.length())?;
                check_length("y", y, curve.length())?;
                weak_key::check_ec(x)?;
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                let key = ParsedPublicKey::new(curve.verifying(), point);
                key.map(drop).map_err(|_| PrivateKeyError::Invalid)
            }
            Self::Okp { curve, x } => {
                check_length("x", x, OkpCurve::LENGTH)?;
                let point = x.first_chunk().ok_or(PrivateKeyError::Invalid)?;
                match curve {
                    OkpCurve::Ed25519 => check_ed25519(point),
                    OkpCurve::X25519 => check_x25519(point),
                }
            }
        }
    }
}

impl RsaMaterial {
    /// The library checks that all eight numbers belong to one key.
    pub(in crate::jose) fn key_pair(&self) -> Result<RsaKeyPair, PrivateKeyError> {
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: self.n.as_slice(),
                e: self.e.as_slice(),
            },
            d: self.d.as_slice(),
            p: self.p.as_slice(),
            q: self.q.as_slice(),
            dP: self.dp.as_slice(),
            dQ: self.dq.as_slice(),
            qInv: self.qi.as_slice(),
        };
        RsaKeyPair::from_components(&components).map_err(|_| PrivateKeyError::Mismatch)
    }
}

/// The length of a number without leading zeros.
pub(super) fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |byte| byte.leading_zeros());
    8 * number.len() - usize::try_from(zeros).unwrap_or_default()
}

fn check_ed25519(point: &[u8; 32]) -> Result<(), PrivateKeyError> {
    weak_key::check_ed25519(point)?;
    if weak_key::is_on_ed25519(point) {
        Ok(())
    } else {
        Err(PrivateKeyError::Invalid)
    }
}

/// RFC 7748 §6.1: with a point of small order, every agreement gives zero, which the library
/// refuses.
fn check_x25519(point: &[u8; 32]) -> Result<(), PrivateKeyError> {
    let key = AgreementKey::generate(&agreement::X25519).map_err(|_| PrivateKeyError::Library)?;
    let point = UnparsedPublicKey::new(&agreement::X25519, point);
    agreement::agree(&key, point, PrivateKeyError::Invalid, |_| Ok(()))
}

fn check_length(name: &'static str, bytes: &[u8], expected: usize) -> Result<(), PrivateKeyError> {
    let found = bytes.len();
    if found == expected {
        return Ok(());
    }
    Err(PrivateKeyError::Length {
        name,
        found,
        expected,
    })
}

fn equal(one: &[u8], other: &[u8]) -> Result<(), PrivateKeyError> {
    verify_slices_are_equal(one, other).map_err(|_| PrivateKeyError::Mismatch)
}

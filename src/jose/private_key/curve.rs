//! The curves of keys, by their names in JWKs and in DER.

use aws_lc_rs::agreement::{self, PrivateKey as AgreementKey};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair};
use aws_lc_rs::signature::{EcdsaVerificationAlgorithm, KeyPair as _};
use x509_cert::der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::PrivateKeyError;

/// A curve whose points have two coordinates (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jose) enum EcCurve {
    P256,
    P384,
    P521,
    Secp256k1,
}

/// A curve of RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jose) enum OkpCurve {
    Ed25519,
    X25519,
}

impl EcCurve {
    const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    pub(in crate::jose) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// The length of a coordinate and of a private scalar, in bytes.
    pub(in crate::jose) fn length(self) -> usize {
        match self {
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// RFC 5480 §2.1.1.1 and SEC 2 §A.2.1.
    fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::P256 => "1.2.840.10045.3.1.7",
            Self::P384 => "1.3.132.0.34",
            Self::P521 => "1.3.132.0.35",
            Self::Secp256k1 => "1.3.132.0.10",
        })
    }

    /// The algorithm that signs with keys on this curve.
    pub(in crate::jose) fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            Self::Secp256k1 => &signature::ECDSA_P256K1_SHA256_FIXED_SIGNING,
        }
    }

    pub(super) fn verifying(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED,
            Self::Secp256k1 => &signature::ECDSA_P256K1_SHA256_FIXED,
        }
    }

    /// The key pair of a private scalar of full length.
    pub(in crate::jose) fn key_pair(self, d: &[u8]) -> Result<EcdsaKeyPair, PrivateKeyError> {
        let length = u8::try_from(d.len()).map_err(|_| PrivateKeyError::Invalid)?;
        // `ECPrivateKey` (RFC 5915 §3) without curve and public key, of fewer than 128 bytes.
        let mut der = Zeroizing::new(Vec::with_capacity(d.len() + 7));
        der.extend([0x30, length + 5, 0x02, 1, 1, 0x04, length]);
        der.extend_from_slice(d);
        let pair = EcdsaKeyPair::from_private_key_der(self.signing(), &der);
        pair.map_err(|_| PrivateKeyError::Invalid)
    }

    /// The coordinates of the public point of a private scalar.
    pub(super) fn public(self, d: &[u8]) -> Result<(Vec<u8>, Vec<u8>), PrivateKeyError> {
        self.coordinates(self.key_pair(d)?.public_key().as_ref())
    }

    /// Splits an uncompressed point (SEC 1 §2.3.3).
    pub(super) fn coordinates(self, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), PrivateKeyError> {
        let coordinates = point.strip_prefix(&[4]);
        let coordinates = coordinates.filter(|both| both.len() == 2 * self.length());
        let halves = coordinates.and_then(|both| both.split_at_checked(self.length()));
        let (x, y) = halves.ok_or(PrivateKeyError::Invalid)?;
        Ok((x.to_vec(), y.to_vec()))
    }
}

impl OkpCurve {
    /// The length of a point and of a private key, in bytes.
    pub(super) const LENGTH: usize = 32;
    const ALL: [Self; 2] = [Self::Ed25519, Self::X25519];

    pub(in crate::jose) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::X25519 => "X25519",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        let all = Self::ALL.into_iter();
        let mut named = all.filter(|curve| oid.as_bytes() == [0x2b, 0x65, curve.arc()]);
        named.next()
    }

    /// The last arc of its object identifier, 1.3.101.x (RFC 8410 §3).
    pub(super) fn arc(self) -> u8 {
        match self {
            Self::Ed25519 => 112,
            Self::X25519 => 110,
        }
    }

    /// The public point of a private key.
    pub(super) fn public(self, d: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let point = match self {
            Self::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(d);
                pair.map(|pair| pair.public_key().as_ref().to_vec()).ok()
            }
            Self::X25519 => {
                let key = AgreementKey::from_private_key(&agreement::X25519, d).ok();
                let point = key.and_then(|key| key.compute_public_key().ok());
                point.map(|point| point.as_ref().to_vec())
            }
        };
        point.ok_or(PrivateKeyError::Invalid)
    }
}

//! Key agreement between a token's sender and its reader: ECDH-ES (RFC 7518 §4.6, RFC 8037 §3.2).

use aws_lc_rs::agreement::{
    self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey, X25519,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use zeroize::Zeroizing;

use crate::jose::compact::decode;
use crate::jose::json::{Json, Object};
use crate::jose::{ContentEncryption, KeyAlgorithm};

use super::algorithm::Wrap;

/// A curve for key agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgreementCurve {
    P256,
    P384,
    P521,
    X25519,
}

/// The public inputs of a derived key (RFC 7518 §4.6.2).
pub(super) struct KdfContext<'a> {
    /// The `enc` of the content if the derived key encrypts it, else the `alg`.
    pub(super) algorithm: &'a str,
    /// `apu`, decoded.
    pub(super) party_u: &'a [u8],
    /// `apv`, decoded.
    pub(super) party_v: &'a [u8],
    /// The length of the derived key, in bytes.
    pub(super) key_length: usize,
}

impl AgreementCurve {
    const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::X25519];

    /// The curve with this `crv`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    pub(super) fn algorithm(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
            Self::X25519 => &X25519,
        }
    }

    pub(super) fn kty(self) -> &'static str {
        match self {
            Self::X25519 => "OKP",
            _ => "EC",
        }
    }

    /// The length of a coordinate, in bytes.
    pub(super) fn coordinate_length(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Returns true if a JWK is for this curve.
    pub(super) fn is_curve_of(self, jwk: &Object) -> bool {
        let is = |name: &str, value: &str| jwk.get(name).and_then(Json::as_str) == Some(value);
        is("kty", self.kty()) && is("crv", self.name())
    }

    /// The point of a public JWK, in the library's form; `None` if the JWK is malformed or for
    /// another curve. [`AgreementCurve::derive`] checks that the point is on the curve.
    pub(super) fn point(self, jwk: &Object) -> Option<Vec<u8>> {
        if !self.is_curve_of(jwk) {
            return None;
        }
        let coordinate = |name: &str| {
            let bytes = decode(jwk.get(name)?.as_str()?).ok()?;
            (bytes.len() == self.coordinate_length()).then_some(bytes)
        };
        let x = coordinate("x")?;
        match self {
            Self::X25519 => Some(x),
            _ => Some([&[4][..], &x, coordinate("y")?.as_slice()].concat()),
        }
    }

    /// Derives a key from the secret that a private key and the other side's point give.
    pub(super) fn derive(
        self,
        private: &PrivateKey,
        point: &[u8],
        context: &KdfContext<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let public = UnparsedPublicKey::new(self.algorithm(), point);
        agreement::agree(private, public, Unspecified, |secret| {
            context.derive(secret)
        })
    }
}

impl KdfContext<'_> {
    /// The context for these algorithms, without parties. The derived key unwraps the content key
    /// with `wrap`; without one, it is the content key.
    pub(super) fn new(
        algorithm: KeyAlgorithm,
        encryption: ContentEncryption,
        wrap: Option<Wrap>,
    ) -> Self {
        let (algorithm, key_length) = match wrap {
            None => (encryption.name(), encryption.key_length()),
            Some(wrap) => (algorithm.name(), wrap.key_length),
        };
        Self {
            algorithm,
            party_u: &[],
            party_v: &[],
            key_length,
        }
    }

    /// The Concat KDF of NIST SP 800-56A, with SHA-256.
    fn derive(&self, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut info = Vec::new();
        for part in [self.algorithm.as_bytes(), self.party_u, self.party_v] {
            let length = u32::try_from(part.len()).map_err(|_| Unspecified)?;
            info.extend_from_slice(&length.to_be_bytes());
            info.extend_from_slice(part);
        }
        let bits = u32::try_from(8 * self.key_length).map_err(|_| Unspecified)?;
        info.extend_from_slice(&bits.to_be_bytes());
        let mut key = Zeroizing::new(vec![0; self.key_length]);
        let algorithm = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256);
        sskdf_digest(algorithm.ok_or(Unspecified)?, secret, &info, &mut key)?;
        Ok(key)
    }
}

//! Signature algorithms (RFC 7518 §3, RFC 8037, RFC 9864).

use aws_lc_rs::{hmac, signature};
use signature::{EcdsaVerificationAlgorithm, EdDSAParameters, RsaParameters};

/// A signature algorithm by its registered, case-sensitive name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the registry's")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
    Ed25519,
    HS256,
    HS384,
    HS512,
}

/// The key type of an algorithm, with the parameters for verifying.
pub(super) enum Family {
    Rsa(&'static RsaParameters),
    /// The curve's name in a JWK and the length of a coordinate in bytes.
    Ec(&'static EcdsaVerificationAlgorithm, &'static str, usize),
    Ed25519(&'static EdDSAParameters),
    Hmac(hmac::Algorithm),
}

impl Algorithm {
    /// Every algorithm that is implemented.
    pub const ALL: [Self; 14] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
        Self::HS256,
        Self::HS384,
        Self::HS512,
    ];

    /// The algorithm with exactly this name. `none` is not an algorithm.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// The registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// Returns true if the key is a shared secret.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }

    /// The minimum length of a secret, in bytes (RFC 7518 §3.2: that of the hash). 0 for public
    /// keys.
    #[must_use]
    pub fn secret_length(self) -> usize {
        match self.family() {
            Family::Hmac(algorithm) => algorithm.tag_len(),
            _ => 0,
        }
    }

    /// Returns true if a key with `alg: name` may verify this algorithm. RFC 9864 names Ed25519 in
    /// addition to `EdDSA`, so for a key the two are equivalent.
    pub(super) fn fits_key_alg(self, name: &str) -> bool {
        match self {
            Self::EdDSA | Self::Ed25519 => matches!(name, "EdDSA" | "Ed25519"),
            _ => self.name() == name,
        }
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::RS256 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::ES256 => Family::Ec(&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32),
            Self::ES384 => Family::Ec(&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48),
            Self::ES512 => Family::Ec(&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66),
            Self::EdDSA | Self::Ed25519 => Family::Ed25519(&signature::ED25519),
            Self::HS256 => Family::Hmac(hmac::HMAC_SHA256),
            Self::HS384 => Family::Hmac(hmac::HMAC_SHA384),
            Self::HS512 => Family::Hmac(hmac::HMAC_SHA512),
        }
    }
}

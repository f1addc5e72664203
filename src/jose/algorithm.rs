//! Signature algorithms (RFC 7518 §3, RFC 8037, RFC 8812, RFC 9864, RFC 9964).

use aws_lc_rs::{hmac, signature};
use signature::{
    EcdsaVerificationAlgorithm, EdDSAParameters, PqdsaVerificationAlgorithm, RsaParameters,
};

/// The key type of an algorithm, with the parameters for verifying.
pub(super) enum Family {
    Rsa(&'static RsaParameters),
    /// The curve's name in a JWK and the length of a coordinate in bytes.
    Ec(&'static EcdsaVerificationAlgorithm, &'static str, usize),
    Ed25519(&'static EdDSAParameters),
    /// The length of a public key in bytes.
    MlDsa(&'static PqdsaVerificationAlgorithm, usize),
    Hmac(hmac::Algorithm),
}

/// Accepted if an issuer has no list of algorithms.
const BY_DEFAULT: bool = true;
/// Accepted only if an issuer lists the algorithm.
const IF_LISTED: bool = false;

/// Generates the enum and its tables from one list.
macro_rules! algorithms {
    ($($variant:ident $name:literal $is_default:ident = $family:expr;)*) => {
        /// A signature algorithm by its registered, case-sensitive name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Algorithm {
            $(#[doc = $name] $variant,)*
        }

        impl Algorithm {
            /// Every algorithm that is implemented.
            pub const ALL: [Self; [$($name,)*].len()] = [$(Self::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn is_default(self) -> bool {
                match self {
                    $(Self::$variant => $is_default,)*
                }
            }

            pub(super) fn family(self) -> Family {
                match self {
                    $(Self::$variant => $family,)*
                }
            }
        }
    };
}

algorithms! {
    RS256 "RS256" BY_DEFAULT = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256);
    RS384 "RS384" BY_DEFAULT = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384);
    RS512 "RS512" BY_DEFAULT = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512);
    PS256 "PS256" BY_DEFAULT = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256);
    PS384 "PS384" BY_DEFAULT = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384);
    PS512 "PS512" BY_DEFAULT = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512);
    ES256 "ES256" BY_DEFAULT = Family::Ec(&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32);
    ES384 "ES384" BY_DEFAULT = Family::Ec(&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48);
    ES512 "ES512" BY_DEFAULT = Family::Ec(&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66);
    EdDSA "EdDSA" BY_DEFAULT = Family::Ed25519(&signature::ED25519);
    Ed25519 "Ed25519" BY_DEFAULT = Family::Ed25519(&signature::ED25519);
    ES256K "ES256K" IF_LISTED = Family::Ec(&signature::ECDSA_P256K1_SHA256_FIXED, "secp256k1", 32);
    MlDsa44 "ML-DSA-44" IF_LISTED = Family::MlDsa(&signature::ML_DSA_44, 1312);
    MlDsa65 "ML-DSA-65" IF_LISTED = Family::MlDsa(&signature::ML_DSA_65, 1952);
    MlDsa87 "ML-DSA-87" IF_LISTED = Family::MlDsa(&signature::ML_DSA_87, 2592);
    HS256 "HS256" BY_DEFAULT = Family::Hmac(hmac::HMAC_SHA256);
    HS384 "HS384" IF_LISTED = Family::Hmac(hmac::HMAC_SHA384);
    HS512 "HS512" IF_LISTED = Family::Hmac(hmac::HMAC_SHA512);
}

impl Algorithm {
    /// The algorithm with exactly this name. `none` is not an algorithm.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name() == name)
    }

    /// The algorithms of an issuer that lists none: for a shared secret, or for public keys.
    pub(crate) fn defaults(symmetric: bool) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |algorithm| algorithm.is_default() && algorithm.is_symmetric() == symmetric)
    }

    pub(crate) fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }

    /// The minimum length of a secret, in bytes (RFC 7518 §3.2: that of the hash). 0 for public
    /// keys.
    pub(crate) fn secret_length(self) -> usize {
        match self.family() {
            Family::Hmac(algorithm) => algorithm.tag_len(),
            _ => 0,
        }
    }

    /// Returns true if a key with `alg: name` may verify this algorithm. RFC 9864 names Ed25519 in
    /// addition to `EdDSA`, so for a key the two are equivalent.
    pub(crate) fn fits_key_alg(self, name: &str) -> bool {
        match self {
            Self::EdDSA | Self::Ed25519 => matches!(name, "EdDSA" | "Ed25519"),
            _ => self.name() == name,
        }
    }
}

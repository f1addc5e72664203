//! Signature algorithms (RFC 7518 §3, RFC 8037, RFC 9864).

use aws_lc_rs::{hmac, signature};
use signature::{EcdsaVerificationAlgorithm, EdDSAParameters, RsaParameters};

/// The key type of an algorithm, with the parameters for verifying.
pub(super) enum Family {
    Rsa(&'static RsaParameters),
    /// The curve's name in a JWK and the length of a coordinate in bytes.
    Ec(&'static EcdsaVerificationAlgorithm, &'static str, usize),
    Ed25519(&'static EdDSAParameters),
    Hmac(hmac::Algorithm),
}

/// Generates the enum and its tables from one list.
macro_rules! algorithms {
    ($($name:ident = $family:expr;)*) => {
        /// A signature algorithm by its registered, case-sensitive name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the registry's")]
        pub enum Algorithm {
            $($name,)*
        }

        impl Algorithm {
            /// Every algorithm that is implemented.
            pub const ALL: [Self; [$(stringify!($name),)*].len()] = [$(Self::$name,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            pub(super) fn family(self) -> Family {
                match self {
                    $(Self::$name => $family,)*
                }
            }
        }
    };
}

algorithms! {
    RS256 = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256);
    RS384 = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384);
    RS512 = Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512);
    PS256 = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256);
    PS384 = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384);
    PS512 = Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512);
    ES256 = Family::Ec(&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32);
    ES384 = Family::Ec(&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48);
    ES512 = Family::Ec(&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66);
    EdDSA = Family::Ed25519(&signature::ED25519);
    Ed25519 = Family::Ed25519(&signature::ED25519);
    HS256 = Family::Hmac(hmac::HMAC_SHA256);
    HS384 = Family::Hmac(hmac::HMAC_SHA384);
    HS512 = Family::Hmac(hmac::HMAC_SHA512);
}

impl Algorithm {
    /// The algorithm with exactly this name. `none` is not an algorithm.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name() == name)
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
    pub(super) fn fits_key_alg(self, name: &str) -> bool {
        match self {
            Self::EdDSA | Self::Ed25519 => matches!(name, "EdDSA" | "Ed25519"),
            _ => self.name() == name,
        }
    }
}

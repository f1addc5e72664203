//! The reasons for which a key of a file cannot be used. None quotes the file.

use crate::jose::json::{JsonError, NotText};
use crate::jose::key_set::MAX_KEYS;
use crate::jose::{KeySetError, SkipReason, WeakKey};

/// A document of keys, or one of its keys, cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PrivateKeyError {
    #[error("{0}")]
    Json(JsonError),
    #[error("found neither PEM nor JSON of a key; expected PEM, a JWK, or a JWK set")]
    Shape,
    #[error("no key")]
    Empty,
    #[error("more than {MAX_KEYS} keys")]
    TooMany,
    #[error("found a value that is not an object; expected a JWK")]
    NotObject,
    /// A member is missing, has the wrong type, or is not base64url.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
    #[error("found {found} bytes in `{name}`; expected {expected}")]
    Length {
        name: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("found a public key; expected a private one")]
    PublicOnly,
    #[error("the key type is not supported; expected RSA, EC, OKP or oct")]
    KeyType,
    #[error(
        "the curve is not supported; expected P-256, P-384, P-521, secp256k1, Ed25519 or X25519"
    )]
    Curve,
    #[error("found an RSA key of {0} bits; expected 2048 to 8192")]
    RsaSize(usize),
    /// RFC 7518 §6.3.2: `p`, `q`, `dp`, `dq` and `qi` are optional in a JWK, and needed here.
    #[error("an RSA key needs p, q, dp, dq and qi beside d")]
    WithoutPrimes,
    #[error("found an RSA key of more than two primes; expected two")]
    ManyPrimes,
    #[error("the private part does not fit the public part")]
    Mismatch,
    /// A point that is not on its curve, or a private scalar out of range.
    #[error("the numbers of the key are not valid")]
    Invalid,
    #[error("weak key: {0}")]
    Weak(#[from] WeakKey),
    #[error("found a secret of {0} bytes; expected at least 16")]
    ShortSecret(usize),
    #[error("the key is encrypted: decrypt it first, with `openssl pkey -in FILE -out FILE`")]
    Encrypted,
    #[error("an OpenSSH key: convert it first, with `ssh-keygen -p -m PKCS8 -f FILE`")]
    OpenSsh,
    #[error("the PEM block is not a key; expected PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY")]
    Label,
    /// A boundary is missing, the labels differ, or the text between them is not base64.
    #[error("the PEM block is malformed or cut off")]
    Pem,
    #[error("the DER in the PEM block is malformed")]
    Der,
    #[error("PEM has no form for a shared secret; expected a JWK")]
    NoPem,
    /// The library failed, for example without random numbers.
    #[error("the cryptographic library failed")]
    Library,
}

impl From<x509_cert::der::Error> for PrivateKeyError {
    fn from(_: x509_cert::der::Error) -> Self {
        Self::Der
    }
}

impl From<KeySetError> for PrivateKeyError {
    fn from(error: KeySetError) -> Self {
        match error {
            // Not even the beginning of JSON.
            KeySetError::Json(JsonError::Syntax(0)) => Self::Shape,
            KeySetError::Json(error) => Self::Json(error),
            KeySetError::TooMany | KeySetError::TooManyValues => Self::TooMany,
            _ => Self::Shape,
        }
    }
}

/// For public keys in PEM.
impl From<SkipReason> for PrivateKeyError {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::Unsupported => Self::Curve,
            SkipReason::Weak(weak) => Self::Weak(weak),
            SkipReason::Invalid => Self::Invalid,
            _ => Self::Der,
        }
    }
}

/// For members that describe a key.
impl From<(&'static str, NotText)> for PrivateKeyError {
    fn from((name, NotText): (&'static str, NotText)) -> Self {
        Self::Member(name)
    }
}

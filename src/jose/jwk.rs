//! Turns a JSON Web Key (RFC 7517) into prepared keys: parsed and checked once, when it is loaded.

mod public_key;

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use super::Algorithm;
use super::algorithm::Family;
use super::heap::{allocated, shared};
use super::json::{Json, NotText, Object};
use super::weak_key::WeakKey;
use public_key::{curve_keys, ec_point, ml_dsa_keys, okp_point, rsa_keys};

/// The bytes that aws-lc holds for a public key: measured and rounded up
/// (tests/properties/memory.rs).
const CURVE_COST: usize = 1024;
const RSA_COST: usize = 1024;
/// Per byte of an RSA key in DER, most of which is the modulus.
const RSA_COST_OF_BYTE: usize = 4;
const ML_DSA_COST: usize = 1024;
/// Per byte of an ML-DSA key: one copy in the library, and one beside it.
const ML_DSA_COST_OF_BYTE: usize = 2;

/// A key that is ready to verify one algorithm.
pub(crate) struct PreparedKey {
    pub(super) kid: Option<Box<str>>,
    pub(super) algorithm: Algorithm,
    /// The public members of the key; `None` for a shared secret.
    pub(super) public: Option<Arc<Object>>,
    /// The index of its entry in the set.
    pub(super) entry: usize,
    verifier: VerifyingKey,
}

enum VerifyingKey {
    Public(ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

/// The reason for which a key of a set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum SkipReason {
    /// Not an object, or a member is missing or has the wrong type or encoding.
    #[error("malformed")]
    Malformed,
    #[error("key type or curve not supported")]
    Unsupported,
    /// According to `use` or `key_ops`, the key is not for verifying signatures.
    #[error("not for verifying signatures")]
    NotForVerifying,
    #[error("shared secret in a key set")]
    Symmetric,
    /// An RSA modulus or exponent out of bounds, or a point that is not on its curve.
    #[error("invalid key material")]
    Invalid,
    #[error("weak key: {0}")]
    Weak(#[from] WeakKey),
    /// More than two keys have this `kid` and algorithm.
    #[error("more than two keys with one kid")]
    Duplicate,
    /// Eight keys without `kid` precede it, and no more are tried for a token.
    #[error("more than eight keys without a kid")]
    Crowded,
    /// One of several documents contains a private key in PEM. The document is not used.
    #[error("a private key")]
    PrivateKey,
}

impl SkipReason {
    /// The stable code, for metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::NotForVerifying => "not_for_verifying",
            Self::Symmetric => "symmetric",
            Self::Invalid => "invalid",
            Self::Weak(_) => "weak",
            Self::Duplicate => "duplicate_kid",
            Self::Crowded => "too_many_without_kid",
            Self::PrivateKey => "private_key",
        }
    }
}

impl PreparedKey {
    /// One prepared key for each algorithm that the JWK may verify.
    pub(super) fn from_jwk(
        jwk: &Json,
        entry: usize,
    ) -> Result<Vec<Self>, (Option<Box<str>>, SkipReason)> {
        let malformed: (Option<Box<str>>, _) = (None, SkipReason::Malformed);
        let members = jwk.as_object().ok_or(malformed.clone())?;
        let kid = members.text("kid").map_err(|NotText| malformed)?;
        prepare(members, kid, entry).map_err(|reason| (kid.map(Into::into), reason))
    }

    /// A shared secret for one HMAC algorithm; `None` if the algorithm is not an HMAC, or the
    /// secret is shorter than [`Algorithm::secret_length`].
    pub(super) fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let Family::Hmac(hash) = algorithm.family() else {
            return None;
        };
        (secret.len() >= hash.tag_len()).then(|| Self {
            kid: None,
            algorithm,
            public: None,
            entry: 0,
            verifier: VerifyingKey::Secret(Box::new(hmac::Key::new(hash, secret))),
        })
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn verifies(&self, signing_input: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            VerifyingKey::Public(key) => key.verify_sig(signing_input, signature).is_ok(),
            VerifyingKey::Secret(key) => hmac::verify(key, signing_input, signature).is_ok(),
        }
    }

    /// Heap bytes, allocator overhead included, without the public members, which all algorithms of
    /// an entry share.
    pub(super) fn heap_size(&self) -> usize {
        let kid = self.kid.as_ref().map_or(0, |kid| allocated(kid.len()));
        let verifier = match (&self.verifier, self.algorithm.family()) {
            (VerifyingKey::Secret(_), _) => shared(size_of::<hmac::Key>()),
            (VerifyingKey::Public(key), Family::Rsa(_)) => {
                RSA_COST + RSA_COST_OF_BYTE * key.as_ref().len()
            }
            (VerifyingKey::Public(key), Family::MlDsa(..)) => {
                ML_DSA_COST + ML_DSA_COST_OF_BYTE * key.as_ref().len()
            }
            (VerifyingKey::Public(_), _) => CURVE_COST,
        };
        kid + verifier
    }

    pub(super) fn public_size(&self) -> usize {
        let public = self.public.as_ref();
        public.map_or(0, |public| shared(size_of::<Object>()) + public.heap_size())
    }
}

type Prepared = Result<Vec<PreparedKey>, SkipReason>;

fn prepare(members: &Object, kid: Option<&str>, entry: usize) -> Prepared {
    check_purpose(members)?;
    let alg = members.text("alg")?;
    let kty = members.text("kty")?.ok_or(SkipReason::Malformed)?;
    // RFC 7518 §6, RFC 8037 §2, RFC 9964 §3. No other members are ever shown: a set may contain
    // private ones by mistake.
    let (prepared, public): (_, &[&str]) = match kty {
        "RSA" => (rsa_keys(members, alg)?, &["e", "n"]),
        "EC" => (curve_keys(members, alg, ec_point)?, &["crv", "x", "y"]),
        "OKP" => (curve_keys(members, alg, okp_point)?, &["crv", "x"]),
        "AKP" => (ml_dsa_keys(members, alg)?, &["pub"]),
        "oct" => return Err(SkipReason::Symmetric),
        _ => return Err(SkipReason::Unsupported),
    };
    if prepared.is_empty() {
        return Err(SkipReason::Unsupported);
    }
    let public = Arc::new(members.subset(&[&["alg", "kid", "kty", "use"][..], public].concat()));
    let keys = prepared.into_iter().map(|(algorithm, key)| PreparedKey {
        kid: kid.map(Into::into),
        algorithm,
        public: Some(public.clone()),
        entry,
        verifier: VerifyingKey::Public(key),
    });
    Ok(keys.collect())
}

/// RFC 7517 §4.2 and §4.3: `use` and `key_ops` must permit verifying, if present.
fn check_purpose(members: &Object) -> Result<(), SkipReason> {
    if members.text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(SkipReason::NotForVerifying);
    }
    let Some(operations) = members.get("key_ops") else {
        return Ok(());
    };
    let mut operations = operations.as_array().ok_or(SkipReason::Malformed)?.iter();
    let permitted = operations.any(|operation| operation.as_str() == Some("verify"));
    permitted.then_some(()).ok_or(SkipReason::NotForVerifying)
}

impl From<NotText> for SkipReason {
    fn from(_: NotText) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;

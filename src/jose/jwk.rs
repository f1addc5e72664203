//! Turns a JSON Web Key (RFC 7517) into prepared keys: parsed and checked once, when it is loaded.

mod memory;

use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use aws_lc_rs::{hmac, signature};

use super::algorithm::Family;
use super::json::{Json, NotText, Object};
use super::weak_key::{self, WeakKey};
use super::{Algorithm, compact};

/// Largest RSA modulus, in bytes. aws-lc verifies up to 8192 bits.
const RSA_MAX: usize = 1024;
/// Smallest RSA modulus, in bytes (RFC 7518 §3.3: 2048 bits).
const RSA_MIN: usize = 256;
/// Largest RSA exponent, in bytes.
const EXPONENT_MAX: usize = 8;

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
pub enum SkipReason {
    /// Not an object, or a member is missing or has the wrong type or encoding.
    #[error("malformed")]
    Malformed,
    /// A key type or curve that is not implemented.
    #[error("key type or curve not supported")]
    Unsupported,
    /// According to `use` or `key_ops`, the key is not for verifying signatures.
    #[error("not for verifying signatures")]
    NotForVerifying,
    /// A shared secret in a published set.
    #[error("shared secret in a key set")]
    Symmetric,
    /// An RSA modulus or exponent out of bounds, or a point that is not on its curve.
    #[error("invalid key material")]
    Invalid,
    /// A public key for which anybody can forge signatures.
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
    #[must_use]
    pub fn code(self) -> &'static str {
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
        let Some(members) = jwk.as_object() else {
            return Err((None, SkipReason::Malformed));
        };
        let kid = members
            .text("kid")
            .map_err(|_| (None, SkipReason::Malformed))?;
        prepare(members, kid, entry).map_err(|reason| (kid.map(Into::into), reason))
    }

    /// A shared secret for one HMAC algorithm; `None` if the algorithm is not an HMAC, or the
    /// secret is shorter than [`Algorithm::secret_length`].
    pub(super) fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let Family::Hmac(hash) = algorithm.family() else {
            return None;
        };
        if secret.len() < algorithm.secret_length() {
            return None;
        }
        let verifier = VerifyingKey::Secret(Box::new(hmac::Key::new(hash, secret)));
        Some(Self {
            kid: None,
            algorithm,
            public: None,
            entry: 0,
            verifier,
        })
    }

    /// Its `kid`.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn verifies(&self, signing_input: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            VerifyingKey::Public(key) => key.verify_sig(signing_input, signature).is_ok(),
            VerifyingKey::Secret(key) => hmac::verify(key, signing_input, signature).is_ok(),
        }
    }
}

fn prepare(
    members: &Object,
    kid: Option<&str>,
    entry: usize,
) -> Result<Vec<PreparedKey>, SkipReason> {
    check_purpose(members)?;
    let alg = members.text("alg")?;
    let kty = members.text("kty")?.ok_or(SkipReason::Malformed)?;
    let prepared: Vec<_> = match kty {
        "RSA" => rsa_keys(members, alg)?,
        "EC" => curve_keys(members, alg, ec_point)?,
        "OKP" => curve_keys(members, alg, okp_point)?,
        "oct" => return Err(SkipReason::Symmetric),
        _ => return Err(SkipReason::Unsupported),
    };
    if prepared.is_empty() {
        return Err(SkipReason::Unsupported);
    }
    let public = Arc::new(members.subset(public_members(kty)));
    Ok(prepared
        .into_iter()
        .map(|(algorithm, key)| PreparedKey {
            kid: kid.map(Into::into),
            algorithm,
            public: Some(public.clone()),
            entry,
            verifier: VerifyingKey::Public(key),
        })
        .collect())
}

/// The public members of a key (RFC 7518 §6, RFC 8037 §2). No others are ever shown: a set may
/// contain private ones by mistake.
fn public_members(kty: &str) -> &'static [&'static str] {
    match kty {
        "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
        "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
        _ => &["alg", "crv", "kid", "kty", "use", "x"],
    }
}

/// RFC 7517 §4.2 and §4.3: `use` and `key_ops` must permit verifying, if present.
fn check_purpose(members: &Object) -> Result<(), SkipReason> {
    if members.text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(SkipReason::NotForVerifying);
    }
    let Some(operations) = members.get("key_ops") else {
        return Ok(());
    };
    let operations = operations.as_array().ok_or(SkipReason::Malformed)?;
    if operations
        .iter()
        .any(|operation| operation.as_str() == Some("verify"))
    {
        return Ok(());
    }
    Err(SkipReason::NotForVerifying)
}

type Keys = Vec<(Algorithm, ParsedPublicKey)>;

/// Reads the point of a key on a named curve; `None` if the algorithm is for another curve.
type Point = fn(&Object, &str, Algorithm) -> Result<Option<Vec<u8>>, SkipReason>;

fn rsa_keys(members: &Object, alg: Option<&str>) -> Result<Keys, SkipReason> {
    let modulus = integer(members, "n")?;
    let exponent = integer(members, "e")?;
    check_rsa(&modulus, &exponent)?;
    let mut keys = Keys::new();
    for algorithm in fitting(alg) {
        if let Family::Rsa(parameters) = algorithm.family() {
            let key = RsaPublicKeyComponents {
                n: &modulus,
                e: &exponent,
            }
            .to_parsed_public_key(parameters)
            .map_err(|_| SkipReason::Invalid)?;
            keys.push((algorithm, key));
        }
    }
    Ok(keys)
}

/// The library checks sizes only when it verifies, so they are checked here: 2048 to 8192 bits for
/// a modulus, at most 64 for an exponent.
fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), SkipReason> {
    let full = modulus.len() > RSA_MIN || modulus.first().is_some_and(|byte| *byte >= 0x80);
    let modulus_fits = (RSA_MIN..=RSA_MAX).contains(&modulus.len()) && full;
    if !modulus_fits || exponent.len() > EXPONENT_MAX {
        return Err(SkipReason::Invalid);
    }
    Ok(weak_key::check_rsa(modulus, exponent)?)
}

fn curve_keys(members: &Object, alg: Option<&str>, point: Point) -> Result<Keys, SkipReason> {
    let curve = members.text("crv")?.ok_or(SkipReason::Malformed)?;
    let mut keys = Keys::new();
    for algorithm in fitting(alg) {
        let Some(bytes) = point(members, curve, algorithm)? else {
            continue;
        };
        let parameters: &'static dyn signature::VerificationAlgorithm = match algorithm.family() {
            Family::Ec(parameters, ..) => parameters,
            Family::Ed25519(parameters) => parameters,
            Family::Rsa(_) | Family::Hmac(_) => continue,
        };
        let key = ParsedPublicKey::new(parameters, bytes).map_err(|_| SkipReason::Invalid)?;
        keys.push((algorithm, key));
    }
    Ok(keys)
}

/// The uncompressed point (SEC 1 §2.3.3); `None` if the algorithm is for another curve. RFC 7518
/// §6.2.1.2: coordinates have the full length of the field.
fn ec_point(
    members: &Object,
    curve: &str,
    algorithm: Algorithm,
) -> Result<Option<Vec<u8>>, SkipReason> {
    let Family::Ec(_, name, length) = algorithm.family() else {
        return Ok(None);
    };
    if name != curve {
        return Ok(None);
    }
    let (x, y) = (binary(members, "x")?, binary(members, "y")?);
    if x.len() != length || y.len() != length {
        return Err(SkipReason::Malformed);
    }
    weak_key::check_ec(&x)?;
    Ok(Some([&[4], x.as_slice(), y.as_slice()].concat()))
}

fn okp_point(
    members: &Object,
    curve: &str,
    algorithm: Algorithm,
) -> Result<Option<Vec<u8>>, SkipReason> {
    if curve != "Ed25519" || !matches!(algorithm.family(), Family::Ed25519(_)) {
        return Ok(None);
    }
    let x = binary(members, "x")?;
    let point = x.first_chunk().filter(|_| x.len() == 32);
    let point = point.ok_or(SkipReason::Malformed)?;
    weak_key::check_ed25519(point)?;
    if !weak_key::is_on_ed25519(point) {
        return Err(SkipReason::Invalid);
    }
    Ok(Some(x))
}

/// The algorithms that a key with this `alg` may verify; all, without one.
fn fitting(alg: Option<&str>) -> impl Iterator<Item = Algorithm> {
    Algorithm::ALL
        .into_iter()
        .filter(move |algorithm| alg.is_none_or(|name| algorithm.fits_key_alg(name)))
}

fn binary(members: &Object, name: &str) -> Result<Vec<u8>, SkipReason> {
    let text = members.text(name)?.ok_or(SkipReason::Malformed)?;
    compact::decode(text).map_err(|_| SkipReason::Malformed)
}

/// A big-endian integer without leading zeros; some issuers send one, and the library refuses it.
fn integer(members: &Object, name: &str) -> Result<Vec<u8>, SkipReason> {
    let bytes = binary(members, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.into_iter().skip(zeros).collect())
}

impl From<NotText> for SkipReason {
    fn from(_: NotText) -> Self {
        Self::Malformed
    }
}

//! Reads the key material of a public JWK, and checks its size and strength.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};

use super::SkipReason;
use crate::jose::algorithm::Family;
use crate::jose::{Algorithm, Object, compact, weak_key};

/// Largest RSA modulus, in bytes. aws-lc verifies up to 8192 bits.
const RSA_MAX: usize = 1024;
/// Smallest RSA modulus, in bytes (RFC 7518 §3.3: 2048 bits).
const RSA_MIN: usize = 256;
/// Largest RSA exponent, in bytes.
const EXPONENT_MAX: usize = 8;

pub(super) type Keys = Vec<(Algorithm, ParsedPublicKey)>;

/// The point of a key on a named curve; `None` if the algorithm is for another curve.
pub(super) type FoundPoint = Result<Option<Vec<u8>>, SkipReason>;

pub(super) fn rsa_keys(members: &Object, alg: Option<&str>) -> Result<Keys, SkipReason> {
    let (n, e) = (integer(members, "n")?, integer(members, "e")?);
    check_rsa(&n, &e)?;
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    let mut keys = Keys::new();
    for algorithm in fitting(alg) {
        if let Family::Rsa(parameters) = algorithm.family() {
            let key = components.to_parsed_public_key(parameters);
            keys.push((algorithm, key.map_err(|_| SkipReason::Invalid)?));
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

pub(super) fn curve_keys(
    members: &Object,
    alg: Option<&str>,
    point: fn(&Object, &str, Algorithm) -> FoundPoint,
) -> Result<Keys, SkipReason> {
    let curve = members.text("crv")?.ok_or(SkipReason::Malformed)?;
    let mut keys = Keys::new();
    for algorithm in fitting(alg) {
        let Some(bytes) = point(members, curve, algorithm)? else {
            continue;
        };
        let parameters: &'static dyn signature::VerificationAlgorithm = match algorithm.family() {
            Family::Ec(parameters, ..) => parameters,
            Family::Ed25519(parameters) => parameters,
            Family::Rsa(_) | Family::MlDsa(..) | Family::Hmac(_) => continue,
        };
        let key = ParsedPublicKey::new(parameters, bytes).map_err(|_| SkipReason::Invalid)?;
        keys.push((algorithm, key));
    }
    Ok(keys)
}

/// The uncompressed point (SEC 1 §2.3.3); `None` if the algorithm is for another curve. RFC 7518
/// §6.2.1.2: coordinates have the full length of the field.
pub(super) fn ec_point(members: &Object, curve: &str, algorithm: Algorithm) -> FoundPoint {
    let length = match algorithm.family() {
        Family::Ec(_, name, length) if name == curve => length,
        _ => return Ok(None),
    };
    let (x, y) = (binary(members, "x")?, binary(members, "y")?);
    if x.len() != length || y.len() != length {
        return Err(SkipReason::Malformed);
    }
    weak_key::check_ec(&x)?;
    Ok(Some([&[4], x.as_slice(), y.as_slice()].concat()))
}

pub(super) fn okp_point(members: &Object, curve: &str, algorithm: Algorithm) -> FoundPoint {
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

/// RFC 9964 §3: only `alg` says to which algorithm the bytes in `pub` belong, so it is mandatory.
pub(super) fn ml_dsa_keys(members: &Object, alg: Option<&str>) -> Result<Keys, SkipReason> {
    let alg = alg.ok_or(SkipReason::Malformed)?;
    let mut keys = Keys::new();
    for algorithm in fitting(Some(alg)) {
        if let Family::MlDsa(parameters, length) = algorithm.family() {
            let bytes = binary(members, "pub")?;
            if bytes.len() != length {
                return Err(SkipReason::Malformed);
            }
            weak_key::check_ml_dsa(&bytes)?;
            let key = ParsedPublicKey::new(parameters, bytes).map_err(|_| SkipReason::Invalid)?;
            keys.push((algorithm, key));
        }
    }
    Ok(keys)
}

/// The algorithms that a key with this `alg` may verify; all, without one.
fn fitting(alg: Option<&str>) -> impl Iterator<Item = Algorithm> {
    let all = Algorithm::ALL.into_iter();
    all.filter(move |algorithm| alg.is_none_or(|name| algorithm.fits_key_alg(name)))
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

//! Turns a public key in DER into a JWK. Sizes and points are checked later, as for every JWK.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use x509_cert::der::{self, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::jose::compact::encode;
use crate::jose::jwk::SkipReason;
use crate::jose::{Algorithm, Json, Object};

/// `rsaEncryption` (RFC 3279 §2.3.1). A key under `id-RSASSA-PSS` is not supported: it is
/// restricted to PSS, possibly with one hash, which a JWK cannot express for all PSS algorithms.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519` (RFC 8410 §3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `id-X25519` (RFC 8410 §3). It agrees on keys, and verifies nothing.
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
/// Curves (RFC 5480 §2.1.1.1, SEC 2 §A.2) with their JWK names (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
const CURVES: [(ObjectIdentifier, &str); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "P-256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "secp256k1"),
];
/// `id-ml-dsa-44` and so on (RFC 9881 §2), each with the `alg` of its JWK.
const ML_DSA: [(ObjectIdentifier, Algorithm); 3] = [
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
        Algorithm::MlDsa44,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
        Algorithm::MlDsa65,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
        Algorithm::MlDsa87,
    ),
];

/// The key of a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
pub(in crate::jose) fn from_spki(key: &SubjectPublicKeyInfoRef<'_>) -> Result<Json, SkipReason> {
    let bits = key.subject_public_key.as_bytes();
    let bytes = bits.ok_or(SkipReason::Malformed)?;
    let parameters = key.algorithm.parameters;
    match key.algorithm.oid {
        // RFC 3279 §2.3.1: the parameters must be NULL.
        RSA if parameters.is_some_and(AnyRef::is_null) => from_pkcs1(bytes),
        EC => from_point(parameters, bytes),
        // RFC 8410 §3: the parameters must be absent.
        ED25519 if parameters.is_none() => Ok(octet_pair("Ed25519", bytes)),
        X25519 if parameters.is_none() => Ok(octet_pair("X25519", bytes)),
        RSA | ED25519 | X25519 => Err(SkipReason::Malformed),
        other => from_ml_dsa(other, parameters, bytes),
    }
}

fn octet_pair(curve: &str, point: &[u8]) -> Json {
    jwk([("kty", "OKP"), ("crv", curve), ("x", &encode(point))])
}

/// `RSAPublicKey` (RFC 8017 A.1.1).
pub(in crate::jose) fn from_pkcs1(der: &[u8]) -> Result<Json, SkipReason> {
    let mut reader = SliceReader::new(der)?;
    let (modulus, exponent) = reader.sequence(integers)?;
    reader.finish()?;
    Ok(jwk([
        ("kty", "RSA"),
        ("n", &encode(modulus.as_bytes())),
        ("e", &encode(exponent.as_bytes())),
    ]))
}

fn integers<'a>(reader: &mut SliceReader<'a>) -> der::Result<(UintRef<'a>, UintRef<'a>)> {
    Ok((reader.decode()?, reader.decode()?))
}

/// An uncompressed point on a named curve. RFC 5480 §2.1.1 forbids explicit curve parameters, which
/// allow making a private key for another's point, and §2.2 makes compressed points optional.
fn from_point(parameters: Option<AnyRef<'_>>, point: &[u8]) -> Result<Json, SkipReason> {
    let parameters = parameters.ok_or(SkipReason::Malformed)?;
    let named = parameters.decode_as::<ObjectIdentifier>();
    let named = named.map_err(|_| SkipReason::Unsupported)?;
    let curve = CURVES.iter().find(|(curve, _)| *curve == named);
    let (_, curve) = curve.ok_or(SkipReason::Unsupported)?;
    let coordinates = match point {
        [4, coordinates @ ..] => coordinates,
        [2 | 3, ..] => return Err(SkipReason::Unsupported),
        _ => return Err(SkipReason::Malformed),
    };
    let (x, y) = coordinates
        .split_at_checked(coordinates.len() / 2)
        .ok_or(SkipReason::Malformed)?;
    Ok(jwk([
        ("kty", "EC"),
        ("crv", curve),
        ("x", &encode(x)),
        ("y", &encode(y)),
    ]))
}

/// RFC 9881 §2: the parameters must be absent.
fn from_ml_dsa(
    identifier: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    bytes: &[u8],
) -> Result<Json, SkipReason> {
    let known = ML_DSA.iter().find(|(known, _)| *known == identifier);
    let (_, algorithm) = known.ok_or(SkipReason::Unsupported)?;
    if parameters.is_some() {
        return Err(SkipReason::Malformed);
    }
    Ok(jwk([
        ("kty", "AKP"),
        ("alg", algorithm.name()),
        ("pub", &encode(bytes)),
    ]))
}

fn jwk<const N: usize>(members: [(&str, &str); N]) -> Json {
    Json::Object(Object::of_texts(members))
}

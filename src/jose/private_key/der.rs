//! Reads private keys in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), and SEC 1 (RFC 5915).

use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader, Tag, TagMode, TagNumber, Tagged as _};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::jwk::without_zeros;
use super::{EcCurve, KeyMaterial, OkpCurve, PrivateKeyError, RsaMaterial, SecretBytes};

/// `rsaEncryption` (RFC 8017 §A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

type Read = Result<KeyMaterial, PrivateKeyError>;

/// `OneAsymmetricKey`, of version 1 or 2.
pub(super) fn pkcs8(der: &[u8]) -> Read {
    let mut reader = SliceReader::new(der)?;
    let material = reader.sequence(one_asymmetric_key)?;
    reader.finish()?;
    Ok(material)
}

/// `RSAPrivateKey`.
pub(super) fn pkcs1(der: &[u8]) -> Read {
    let mut reader = SliceReader::new(der)?;
    let material = reader.sequence(rsa_private_key)?;
    reader.finish()?;
    Ok(KeyMaterial::Rsa(material))
}

/// `ECPrivateKey`, on a curve that it names if the caller does not.
pub(super) fn sec1(der: &[u8], curve: Option<EcCurve>) -> Read {
    let mut reader = SliceReader::new(der)?;
    let material = reader.sequence(|reader| ec_private_key(reader, curve))?;
    reader.finish()?;
    Ok(material)
}

fn one_asymmetric_key(reader: &mut SliceReader<'_>) -> Read {
    let version: u8 = reader.decode()?;
    if version > 1 {
        return Err(PrivateKeyError::Der);
    }
    let algorithm: AlgorithmIdentifierRef<'_> = reader.decode()?;
    let key: &OctetStringRef = reader.decode()?;
    let mut public = None;
    while !reader.is_finished() {
        let field: AnyRef<'_> = reader.decode()?;
        // `attributes`, which say nothing of the key, have the number 0.
        if field.tag().number() == TagNumber(1) {
            public = Some(field);
        }
    }
    let (key, parameters) = (key.as_bytes(), algorithm.parameters);
    if algorithm.oid == RSA {
        return pkcs1(key);
    }
    if algorithm.oid == EC {
        let named = parameters.ok_or(PrivateKeyError::Der)?;
        let named = named.decode_as::<ObjectIdentifier>();
        // RFC 5480 §2.1.1 forbids curves that are spelled out.
        let named = named.map_err(|_| PrivateKeyError::Curve)?;
        let curve = EcCurve::from_oid(named).ok_or(PrivateKeyError::Curve)?;
        return sec1(key, Some(curve));
    }
    let curve = OkpCurve::from_oid(algorithm.oid).ok_or(PrivateKeyError::KeyType)?;
    curve_private_key(curve, key, public)
}

/// RFC 8410 §7: the private key is an OCTET STRING; the public one, an implicit BIT STRING.
fn curve_private_key(curve: OkpCurve, key: &[u8], public: Option<AnyRef<'_>>) -> Read {
    let key = <&OctetStringRef>::from_der(key)?.as_bytes();
    if key.len() != OkpCurve::LENGTH {
        return Err(PrivateKeyError::Der);
    }
    let x = match public.map(AnyRef::value) {
        None => curve.public(key)?,
        // No bit of the last byte is unused.
        Some([0, point @ ..]) => point.to_vec(),
        Some(_) => return Err(PrivateKeyError::Der),
    };
    let d = Zeroizing::new(key.to_vec());
    Ok(KeyMaterial::Okp { curve, x, d })
}

fn rsa_private_key(reader: &mut SliceReader<'_>) -> Result<RsaMaterial, PrivateKeyError> {
    let version: u8 = reader.decode()?;
    if version != 0 {
        return Err(PrivateKeyError::ManyPrimes);
    }
    let mut number = || -> Result<SecretBytes, PrivateKeyError> {
        let number: UintRef<'_> = reader.decode()?;
        Ok(Zeroizing::new(number.as_bytes().to_vec()))
    };
    Ok(RsaMaterial {
        n: number()?.to_vec(),
        e: number()?.to_vec(),
        d: number()?,
        p: number()?,
        q: number()?,
        dp: number()?,
        dq: number()?,
        qi: number()?,
    })
}

fn ec_private_key(reader: &mut SliceReader<'_>, curve: Option<EcCurve>) -> Read {
    let version: u8 = reader.decode()?;
    if version != 1 {
        return Err(PrivateKeyError::Der);
    }
    let key: &OctetStringRef = reader.decode()?;
    let named: Option<AnyRef<'_>> = explicit(reader, 0)?;
    let named = match named {
        None => None,
        Some(named) if named.tag() == Tag::ObjectIdentifier => {
            let named = EcCurve::from_oid(named.decode_as()?);
            Some(named.ok_or(PrivateKeyError::Curve)?)
        }
        Some(_) => return Err(PrivateKeyError::Curve),
    };
    let curve = match (curve, named) {
        (Some(curve), None) | (None, Some(curve)) => curve,
        (Some(curve), Some(named)) if curve == named => curve,
        _ => return Err(PrivateKeyError::Curve),
    };
    let public = reader.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)?;
    let d = full_length(key.as_bytes(), curve.length())?;
    let (x, y) = match public {
        None => curve.public(&d)?,
        Some(point) => curve.coordinates(point.as_bytes().ok_or(PrivateKeyError::Der)?)?,
    };
    Ok(KeyMaterial::Ec { curve, x, y, d })
}

/// The value of an explicit, optional field.
fn explicit<'a>(
    reader: &mut SliceReader<'a>,
    number: u32,
) -> Result<Option<AnyRef<'a>>, PrivateKeyError> {
    if reader.is_finished() || !Tag::peek(reader)?.is_context_specific() {
        return Ok(None);
    }
    if Tag::peek(reader)?.number() != TagNumber(number) {
        return Ok(None);
    }
    let field: AnyRef<'a> = reader.decode()?;
    Ok(Some(AnyRef::from_der(field.value())?))
}

/// RFC 5915 §3 demands the length of the order; older programs write what the number needs.
fn full_length(number: &[u8], length: usize) -> Result<SecretBytes, PrivateKeyError> {
    let number = without_zeros(number);
    let zeros = length.checked_sub(number.len());
    let zeros = zeros.ok_or(PrivateKeyError::Invalid)?;
    let mut full = Zeroizing::new(Vec::with_capacity(length));
    full.resize(zeros, 0);
    full.extend_from_slice(&number);
    Ok(full)
}

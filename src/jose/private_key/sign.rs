//! Signing, for commands and tests: the server never does.

use aws_lc_rs::rand::SystemRandom;
use jsonwebtoken::EncodingKey;
use x509_cert::der::asn1::{AnyRef, OctetStringRef};
use x509_cert::der::{Decode as _, Reader as _};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{EcCurve, KeyMaterial, OkpCurve, PrivateKey, PrivateKeyError, SecretBytes};
use crate::jose::Algorithm;
use crate::jose::compact::encode;

const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const HMAC: [&str; 3] = ["HS256", "HS384", "HS512"];

impl PrivateKey {
    /// The algorithms that a key of this type and size can sign with, the usual one first. None
    /// for X25519, and for a secret of fewer than 32 bytes.
    pub(crate) fn signing_algorithms(&self) -> Vec<Algorithm> {
        let names: &[&str] = match &self.material {
            KeyMaterial::Rsa(_) => &RSA,
            KeyMaterial::Ec { curve, .. } => match curve {
                EcCurve::P256 => &["ES256"],
                EcCurve::P384 => &["ES384"],
                EcCurve::P521 => &["ES512"],
                EcCurve::Secp256k1 => &["ES256K"],
            },
            KeyMaterial::Okp { curve, .. } => match curve {
                OkpCurve::Ed25519 => &["EdDSA", "Ed25519"],
                OkpCurve::X25519 => &[],
            },
            KeyMaterial::Oct(_) => &HMAC,
        };
        let algorithms = names.iter().filter_map(|name| Algorithm::from_name(name));
        let length = match &self.material {
            KeyMaterial::Oct(secret) => secret.len(),
            _ => 0,
        };
        let fits = |algorithm: &Algorithm| length >= algorithm.secret_length();
        algorithms.filter(fits).collect()
    }

    /// RFC 7517 §4.2 and §4.3: `use` and `key_ops` must permit signing, if present.
    pub(crate) fn may_sign(&self) -> bool {
        let operations = self.operations();
        self.purpose().is_none_or(|purpose| purpose == "sig")
            && operations.is_none_or(|names| names.iter().any(|name| &**name == "sign"))
    }

    /// The signature of a JWS, in base64url. `algorithm` is one of
    /// [`PrivateKey::signing_algorithms`].
    ///
    /// # Errors
    /// [`PrivateKeyError`] if the algorithm is for other keys, or the library fails.
    pub(crate) fn sign(
        &self,
        algorithm: Algorithm,
        signing_input: &[u8],
    ) -> Result<String, PrivateKeyError> {
        let name = match algorithm {
            Algorithm::Ed25519 => "EdDSA",
            _ => algorithm.name(),
        };
        let Ok(known) = name.parse() else {
            return self.sign_otherwise(signing_input);
        };
        let signature = jsonwebtoken::crypto::sign(signing_input, &self.encoding_key()?, known);
        signature.map_err(|_| PrivateKeyError::Library)
    }

    fn encoding_key(&self) -> Result<EncodingKey, PrivateKeyError> {
        Ok(match &self.material {
            KeyMaterial::Rsa(_) => EncodingKey::from_rsa_der(&pkcs1(&self.to_pkcs8()?)?),
            KeyMaterial::Ec { .. } => EncodingKey::from_ec_der(&self.to_pkcs8()?),
            KeyMaterial::Okp { .. } => EncodingKey::from_ed_der(&self.to_pkcs8()?),
            KeyMaterial::Oct(secret) => EncodingKey::from_secret(secret),
        })
    }

    /// Signs with the algorithm of the key's curve: those that `jsonwebtoken` lacks.
    fn sign_otherwise(&self, signing_input: &[u8]) -> Result<String, PrivateKeyError> {
        let KeyMaterial::Ec { curve, d, .. } = &self.material else {
            return Err(PrivateKeyError::Curve);
        };
        let signature = curve.key_pair(d)?.sign(&SystemRandom::new(), signing_input);
        let signature = signature.map_err(|_| PrivateKeyError::Library)?;
        Ok(encode(signature))
    }
}

/// The `RSAPrivateKey` in a `PrivateKeyInfo`.
fn pkcs1(pkcs8: &[u8]) -> Result<SecretBytes, PrivateKeyError> {
    AnyRef::from_der(pkcs8)?.sequence(|reader| {
        let _version: u8 = reader.decode()?;
        let _algorithm: AlgorithmIdentifierRef<'_> = reader.decode()?;
        let key: &OctetStringRef = reader.decode()?;
        Ok(Zeroizing::new(key.as_bytes().to_vec()))
    })
}

//! New keys, from the random numbers of the library.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::EcdsaKeyPair;
use zeroize::Zeroizing;

use super::{
    EcCurve, KeyDescription, KeyMaterial, OkpCurve, PrivateKey, PrivateKeyError, SecretBytes, der,
};

/// The type and size of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewKey {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Secp256k1,
    Ed25519,
    X25519,
    /// A shared secret of this many bytes; at least 16.
    Oct(usize),
}

impl PrivateKey {
    /// A new key, without a description.
    ///
    /// # Errors
    /// [`PrivateKeyError`] if the library fails, or a secret would be too short.
    pub(crate) fn generate(kind: NewKey) -> Result<Self, PrivateKeyError> {
        let material = match kind {
            NewKey::Rsa2048 => rsa(KeySize::Rsa2048)?,
            NewKey::Rsa3072 => rsa(KeySize::Rsa3072)?,
            NewKey::Rsa4096 => rsa(KeySize::Rsa4096)?,
            NewKey::P256 => ec(EcCurve::P256)?,
            NewKey::P384 => ec(EcCurve::P384)?,
            NewKey::P521 => ec(EcCurve::P521)?,
            NewKey::Secp256k1 => ec(EcCurve::Secp256k1)?,
            NewKey::Ed25519 => okp(OkpCurve::Ed25519)?,
            NewKey::X25519 => okp(OkpCurve::X25519)?,
            NewKey::Oct(length) => KeyMaterial::Oct(random(length)?),
        };
        Self::checked(KeyDescription::default(), material)
    }
}

fn rsa(size: KeySize) -> Result<KeyMaterial, PrivateKeyError> {
    let pair = RsaKeyPair::generate(size).map_err(|_| PrivateKeyError::Library)?;
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair);
    der::pkcs8(pkcs8.map_err(|_| PrivateKeyError::Library)?.as_ref())
}

fn ec(curve: EcCurve) -> Result<KeyMaterial, PrivateKeyError> {
    let pair = EcdsaKeyPair::generate(curve.signing()).map_err(|_| PrivateKeyError::Library)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| PrivateKeyError::Library)?;
    der::pkcs8(pkcs8.as_ref())
}

fn okp(curve: OkpCurve) -> Result<KeyMaterial, PrivateKeyError> {
    let d = random(OkpCurve::LENGTH)?;
    let x = curve.public(&d)?;
    Ok(KeyMaterial::Okp { curve, x, d })
}

fn random(length: usize) -> Result<SecretBytes, PrivateKeyError> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::fill(&mut bytes).map_err(|_| PrivateKeyError::Library)?;
    Ok(bytes)
}

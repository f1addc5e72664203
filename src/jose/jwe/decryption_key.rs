//! Keys that decrypt tokens, and the content keys that they recover.

use aws_lc_rs::agreement::PrivateKey as AgreementPrivateKey;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use crate::jose::private_key::KeyMaterial;
use crate::jose::{ContentEncryption, Json, KeyAlgorithm, Object, PrivateKey};

use super::Jwe;
use super::agreement::{AgreementCurve, KdfContext};
use super::algorithm::{KeyManagement, Wrap};
use super::content::{ContentKey, SealedContent, open_gcm};
use super::key_wrap;

/// A private or shared key that is ready to decrypt tokens. Its secrets are wiped when it is
/// dropped.
pub struct DecryptionKey {
    kid: Option<Box<str>>,
    /// The thumbprint (RFC 7638), by which tokens may name the key.
    thumbprint: Box<str>,
    /// The `alg` of its JWK.
    alg: Option<Box<str>>,
    /// The `key_ops` of its JWK.
    operations: Option<Box<[Box<str>]>>,
    /// Its public JWK, with a `kid`; `None` for a shared key.
    public: Option<Object>,
    material: DecryptionMaterial,
}

/// The parsed key.
enum DecryptionMaterial {
    Rsa(OaepPrivateDecryptingKey),
    Agreement(AgreementCurve, AgreementPrivateKey),
    Shared(Zeroizing<Vec<u8>>),
}

impl DecryptionMaterial {
    fn of(key: &PrivateKey) -> Option<Self> {
        let agreement = |curve: &str, d: &[u8]| {
            let curve = AgreementCurve::from_name(curve)?;
            let key = AgreementPrivateKey::from_private_key(curve.algorithm(), d);
            Some(Self::Agreement(curve, key.ok()?))
        };
        match key.material() {
            KeyMaterial::Rsa(_) => {
                let key = PrivateDecryptingKey::from_pkcs8(&key.to_pkcs8().ok()?).ok()?;
                OaepPrivateDecryptingKey::new(key).ok().map(Self::Rsa)
            }
            KeyMaterial::Ec { curve, d, .. } => agreement(curve.name(), d),
            KeyMaterial::Okp { curve, d, .. } => agreement(curve.name(), d),
            KeyMaterial::Oct(secret) => Some(Self::Shared(secret.clone())),
        }
    }
}

impl DecryptionKey {
    /// Prepares a key; `None` if its type cannot decrypt, or its `use` or `key_ops` does not permit
    /// decryption (RFC 7517 §4.2 and §4.3).
    pub(crate) fn new(key: &PrivateKey) -> Option<Self> {
        if key.purpose().is_some_and(|purpose| purpose != "enc") {
            return None;
        }
        let key = Self {
            kid: key.kid().map(Into::into),
            thumbprint: key.thumbprint().into(),
            alg: key.alg().map(Into::into),
            operations: key.operations().map(Into::into),
            public: key.to_public_jwk(),
            material: DecryptionMaterial::of(key)?,
        };
        let mut algorithms = KeyAlgorithm::ALL.into_iter();
        algorithms
            .any(|algorithm| key.serves(algorithm))
            .then_some(key)
    }

    /// The keys of a document (PEM, JWK or JWK set) that can decrypt; none if it cannot be read.
    #[must_use]
    pub fn read_all(document: &[u8]) -> Vec<Self> {
        let keys = PrivateKey::read_all(document).into_iter().flatten();
        let keys = keys.filter_map(Result::ok);
        keys.filter_map(|key| Self::new(&key)).collect()
    }

    /// Returns true if the other is the same key with the same description.
    pub(crate) fn is_duplicate_of(&self, other: &Self) -> bool {
        self.is_same_key(other)
            && (&self.kid, &self.alg, &self.operations)
                == (&other.kid, &other.alg, &other.operations)
    }

    /// Returns true if the other is the same key, however its document describes it.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
    }

    /// Its `kid`, or else the thumbprint of its public half. `None` for a shared key without `kid`:
    /// a thumbprint would help to guess the secret.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let thumbprint = self.is_private().then_some(&*self.thumbprint);
        self.kid.as_deref().or(thumbprint)
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns true if a token with this `kid` names the key.
    pub(crate) fn is_named(&self, kid: &str) -> bool {
        // A comparison with the thumbprint of a secret would help to guess it.
        self.kid() == Some(kid) || (self.is_private() && *self.thumbprint == *kid)
    }

    /// The type of its public half: a curve, or RSA of any size. `None` for a shared key.
    pub(crate) fn public_type(&self) -> Option<&'static str> {
        match &self.material {
            DecryptionMaterial::Rsa(_) => Some("RSA"),
            DecryptionMaterial::Agreement(curve, _) => Some(curve.name()),
            DecryptionMaterial::Shared(_) => None,
        }
    }

    /// Its type, in words.
    pub(crate) fn kind(&self) -> String {
        match &self.material {
            DecryptionMaterial::Rsa(key) => format!("RSA-{}", key.key_size_bits()),
            DecryptionMaterial::Agreement(curve, _) => curve.name().to_owned(),
            DecryptionMaterial::Shared(key) => format!("shared, {} bits", 8 * key.len()),
        }
    }

    /// Returns true for a private key, and false for a shared one. Decrypting with a private key
    /// costs as much as a signature, or more.
    #[must_use]
    pub fn is_private(&self) -> bool {
        !matches!(self.material, DecryptionMaterial::Shared(_))
    }

    /// Returns true if its JWK permits these algorithms, and its type and length suit them.
    pub(crate) fn suits(&self, algorithm: KeyAlgorithm, encryption: ContentEncryption) -> bool {
        let permitted = self.alg.as_deref().is_none_or(|alg| {
            // Some name the content encryption for a key that is used directly.
            let direct = algorithm == KeyAlgorithm::Dir && alg == encryption.name();
            alg == algorithm.name() || direct
        });
        let has_length = match (&self.material, algorithm.management()) {
            (DecryptionMaterial::Shared(key), KeyManagement::Shared(wrap)) => {
                key.len() == wrap.key_length
            }
            (DecryptionMaterial::Shared(key), KeyManagement::Direct) => {
                key.len() == encryption.key_length()
            }
            _ => true,
        };
        permitted && has_length && self.serves(algorithm)
    }

    /// Returns true if its type is that of the algorithm, and its `key_ops` permit the algorithm's
    /// operation (RFC 7517 §4.3).
    fn serves(&self, algorithm: KeyAlgorithm) -> bool {
        let needed: &[&str] = match (&self.material, algorithm.management()) {
            (DecryptionMaterial::Rsa(_), KeyManagement::Rsa(_)) => &["decrypt", "unwrapKey"],
            (DecryptionMaterial::Agreement(..), KeyManagement::Agreement(_)) => {
                &["deriveKey", "deriveBits"]
            }
            // Libraries differ over AES-GCM, which encrypts the content key.
            (DecryptionMaterial::Shared(_), KeyManagement::Shared(_)) => &["unwrapKey", "decrypt"],
            (DecryptionMaterial::Shared(_), KeyManagement::Direct) => &["decrypt"],
            _ => return false,
        };
        let operations = self.operations.as_deref();
        operations.is_none_or(|all| all.iter().any(|operation| needed.contains(&&**operation)))
    }

    /// Returns true if the token has a point on this key's curve, or an encrypted key of the length
    /// of its modulus; always for a shared key. All of that is public.
    pub(crate) fn can_be_recipient_of(&self, jwe: &Jwe<'_>) -> bool {
        match &self.material {
            DecryptionMaterial::Rsa(key) => jwe.encrypted_key.len() == key.key_size_bytes(),
            DecryptionMaterial::Agreement(curve, _) => jwe
                .header
                .sender_key()
                .is_some_and(|epk| curve.is_curve_of(epk)),
            DecryptionMaterial::Shared(_) => true,
        }
    }

    /// The content key of a token; `None` if this key does not suit the algorithms, or does not
    /// recover one, whatever the cause.
    pub(super) fn content_key(&self, jwe: &Jwe<'_>) -> Option<ContentKey> {
        if !self.suits(jwe.algorithm, jwe.encryption) {
            return None;
        }
        let bytes = match (&self.material, jwe.algorithm.management()) {
            (DecryptionMaterial::Rsa(key), KeyManagement::Rsa(oaep)) => {
                decrypt_rsa(key, oaep, &jwe.encrypted_key)
            }
            (DecryptionMaterial::Agreement(curve, key), KeyManagement::Agreement(wrap)) => {
                agree(*curve, key, wrap, jwe)
            }
            (DecryptionMaterial::Shared(key), KeyManagement::Shared(wrap)) => {
                unwrap(wrap, key, jwe)
            }
            (DecryptionMaterial::Shared(key), KeyManagement::Direct) => Ok(key.clone()),
            _ => Err(Unspecified),
        };
        ContentKey::new(jwe.encryption, bytes.ok()?)
    }
}

/// The public halves of keys as a JWK set, each marked as a key to encrypt to, with its `alg` or
/// the given one.
pub(crate) fn public_key_set<'k>(
    keys: impl Iterator<Item = (&'k DecryptionKey, Option<KeyAlgorithm>)>,
) -> String {
    let keys = keys.filter_map(|(key, algorithm)| {
        let public = key.public.as_ref()?;
        let mut added = vec![("use", Json::string("enc"))];
        if let (Some(algorithm), None) = (algorithm, public.get("alg")) {
            added.push(("alg", Json::string(algorithm.name())));
        }
        let members = public.iter().filter(|(name, _)| *name != "use");
        let members = members.map(|(name, value)| (name, value.clone()));
        Some(Json::Object(Object::of(members.chain(added))))
    });
    let mut text = String::from("{\"keys\":");
    Json::Array(keys.collect()).write_ascii(&mut text);
    text.push('}');
    text
}

fn decrypt_rsa(
    key: &OaepPrivateDecryptingKey,
    oaep: &'static OaepAlgorithm,
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let mut output = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key.decrypt(oaep, encrypted, &mut output, None)?.len();
    output.truncate(length);
    Ok(output)
}

fn agree(
    curve: AgreementCurve,
    key: &AgreementPrivateKey,
    wrap: Option<Wrap>,
    jwe: &Jwe<'_>,
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let sender = jwe.header.sender_key().and_then(|epk| curve.point(epk));
    let context = KdfContext {
        party_u: &jwe.header.party_u,
        party_v: &jwe.header.party_v,
        ..KdfContext::new(jwe.algorithm, jwe.encryption, wrap)
    };
    let agreed = curve.derive(key, &sender.ok_or(Unspecified)?, &context)?;
    match wrap {
        None => Ok(agreed),
        Some(wrap) => unwrap(wrap, &agreed, jwe),
    }
}

fn unwrap(wrap: Wrap, key: &[u8], jwe: &Jwe<'_>) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    // The work is proportional to the length, which the sender chooses.
    if jwe.encrypted_key.len() != wrap.wrapped_length(jwe.encryption) {
        return Err(Unspecified);
    }
    if !wrap.is_gcm {
        return key_wrap::unwrap(key, &jwe.encrypted_key);
    }
    let wrapped = SealedContent {
        iv: &jwe.header.wrap_iv,
        header: "",
        ciphertext: &jwe.encrypted_key,
        tag: &jwe.header.wrap_tag,
    };
    open_gcm(key_wrap::gcm(key.len())?, key, wrapped)
}

// Keys are never printed.
crate::escape::redact! { "DecryptionKey" for DecryptionKey; }

#[cfg(test)]
mod tests;

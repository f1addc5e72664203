//! Makes encrypted tokens, for commands and tests. The server never makes one.

use aws_lc_rs::agreement::{PrivateKey, PublicKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};
use zeroize::Zeroizing;

use crate::jose::compact::{decode, encode};
use crate::jose::header::MAX_HEADER_VALUES;
use crate::jose::json::{Json, Object};
use crate::jose::{ContentEncryption, KeyAlgorithm};

use super::agreement::{AgreementCurve, KdfContext};
use super::algorithm::{KeyManagement, Wrap};
use super::content::{ContentKey, EncryptedContent, seal_gcm};
use super::key_wrap;

/// A public or shared key that tokens can be encrypted to.
pub struct EncryptionKey(EncryptionMaterial);

enum EncryptionMaterial {
    Rsa(OaepPublicEncryptingKey),
    Agreement {
        curve: AgreementCurve,
        point: Vec<u8>,
    },
    Shared(Zeroizing<Vec<u8>>),
}

/// The parts of a token from which its recipient recovers the content key.
#[derive(Default)]
struct Recipient {
    /// Members of the header.
    members: Vec<(&'static str, Json)>,
    encrypted_key: Vec<u8>,
}

impl EncryptionKey {
    /// Reads the text of a public JWK (`RSA`, `EC`, `OKP`), or of an `oct` JWK; `None` if it cannot
    /// be used to encrypt.
    #[must_use]
    pub fn parse(jwk: &[u8]) -> Option<Self> {
        let jwk = Zeroizing::new(Json::parse(jwk, MAX_HEADER_VALUES).ok()?);
        Self::from_jwk(jwk.as_object()?)
    }

    /// Reads a public JWK (`RSA`, `EC`, `OKP`), or an `oct` JWK; `None` if it cannot be used to
    /// encrypt.
    pub(crate) fn from_jwk(jwk: &Object) -> Option<Self> {
        let text = |name: &str| jwk.get(name)?.as_str();
        let binary = |name: &str| decode(text(name)?).ok();
        let material = match text("kty")? {
            "RSA" => {
                let components = PublicKeyComponents {
                    n: binary("n")?,
                    e: binary("e")?,
                };
                let key: PublicEncryptingKey = components.try_into().ok()?;
                EncryptionMaterial::Rsa(OaepPublicEncryptingKey::new(key).ok()?)
            }
            "EC" | "OKP" => {
                let curve = AgreementCurve::from_name(text("crv")?)?;
                let point = curve.point(jwk)?;
                EncryptionMaterial::Agreement { curve, point }
            }
            "oct" => EncryptionMaterial::Shared(Zeroizing::new(binary("k")?)),
            _ => return None,
        };
        Some(Self(material))
    }

    /// The default algorithm for a key of this type.
    pub(crate) fn usual_algorithm(&self) -> KeyAlgorithm {
        match &self.0 {
            EncryptionMaterial::Rsa(_) => KeyAlgorithm::RsaOaep256,
            EncryptionMaterial::Agreement { .. } => KeyAlgorithm::EcdhEs,
            EncryptionMaterial::Shared(_) => KeyAlgorithm::Dir,
        }
    }

    /// Encrypts content into a compact token. `members` are further members of the header, such
    /// as `kid` and `cty`; they must not be `alg`, `enc`, or what the algorithm itself adds.
    ///
    /// # Errors
    /// If the key does not suit the algorithms.
    pub fn encrypt(
        &self,
        content: &[u8],
        algorithm: KeyAlgorithm,
        encryption: ContentEncryption,
        members: &[(&str, &str)],
    ) -> Result<String, Unspecified> {
        let (key, recipient) = self.content_key(algorithm, encryption)?;
        let mut header = vec![
            ("alg", Json::string(algorithm.name())),
            ("enc", Json::string(encryption.name())),
        ];
        header.extend(recipient.members);
        header.extend(
            members
                .iter()
                .map(|(name, value)| (*name, Json::string(*value))),
        );
        let mut json = String::new();
        Json::Object(Object::of(header)).write_ascii(&mut json);
        let header = encode(json);
        let EncryptedContent {
            iv,
            ciphertext,
            tag,
        } = key.seal(&header, content)?;
        let segments = [recipient.encrypted_key, iv, ciphertext, tag].map(encode);
        Ok(format!("{header}.{}", segments.join(".")))
    }

    /// Makes a content key, and the parts of the token from which its recipient recovers it.
    fn content_key(
        &self,
        algorithm: KeyAlgorithm,
        encryption: ContentEncryption,
    ) -> Result<(ContentKey, Recipient), Unspecified> {
        let random = ContentKey::random(encryption)?;
        match (&self.0, algorithm.management()) {
            (EncryptionMaterial::Shared(key), KeyManagement::Direct) => {
                let key = ContentKey::new(encryption, key.clone()).ok_or(Unspecified)?;
                Ok((key, Recipient::default()))
            }
            (EncryptionMaterial::Agreement { curve, point }, KeyManagement::Agreement(wrap)) => {
                agree(*curve, point, wrap, algorithm, random, encryption)
            }
            (EncryptionMaterial::Rsa(key), KeyManagement::Rsa(oaep)) => {
                let mut encrypted = vec![0; key.ciphertext_size()];
                key.encrypt(oaep, random.bytes(), &mut encrypted, None)?;
                let recipient = Recipient {
                    encrypted_key: encrypted,
                    ..Recipient::default()
                };
                Ok((random, recipient))
            }
            (EncryptionMaterial::Shared(key), KeyManagement::Shared(wrap))
                if key.len() == wrap.key_length =>
            {
                let recipient = wrap_key(wrap, key, &random)?;
                Ok((random, recipient))
            }
            _ => Err(Unspecified),
        }
    }
}

fn agree(
    curve: AgreementCurve,
    point: &[u8],
    wrap: Option<Wrap>,
    algorithm: KeyAlgorithm,
    random: ContentKey,
    encryption: ContentEncryption,
) -> Result<(ContentKey, Recipient), Unspecified> {
    let sender = PrivateKey::generate(curve.algorithm())?;
    let context = KdfContext::new(algorithm, encryption, wrap);
    let agreed = curve.derive(&sender, point, &context)?;
    let epk = public_jwk(curve, &sender.compute_public_key()?)?;
    let (key, mut recipient) = match wrap {
        None => {
            let key = ContentKey::new(encryption, agreed).ok_or(Unspecified)?;
            (key, Recipient::default())
        }
        Some(wrap) => {
            let recipient = wrap_key(wrap, &agreed, &random)?;
            (random, recipient)
        }
    };
    recipient.members.push(("epk", Json::Object(epk)));
    Ok((key, recipient))
}

fn wrap_key(wrap: Wrap, key: &[u8], content_key: &ContentKey) -> Result<Recipient, Unspecified> {
    if !wrap.is_gcm {
        return Ok(Recipient {
            encrypted_key: key_wrap::wrap(key, content_key.bytes())?,
            ..Recipient::default()
        });
    }
    let algorithm = key_wrap::gcm(key.len())?;
    let wrapped = seal_gcm(algorithm, key, "", content_key.bytes())?;
    Ok(Recipient {
        members: vec![
            ("iv", Json::string(encode(wrapped.iv))),
            ("tag", Json::string(encode(wrapped.tag))),
        ],
        encrypted_key: wrapped.ciphertext,
    })
}

/// The public JWK of a point on a curve.
fn public_jwk(curve: AgreementCurve, public: &PublicKey) -> Result<Object, Unspecified> {
    let coordinate = |bytes: &[u8]| Json::string(encode(bytes));
    let mut members = vec![
        ("kty", Json::string(curve.kty())),
        ("crv", Json::string(curve.name())),
    ];
    let bytes = public.as_ref();
    if curve == AgreementCurve::X25519 {
        members.push(("x", coordinate(bytes)));
    } else {
        let coordinates = bytes.get(1..).ok_or(Unspecified)?;
        let halves = coordinates.split_at_checked(curve.coordinate_length());
        let (x, y) = halves.ok_or(Unspecified)?;
        members.extend([("x", coordinate(x)), ("y", coordinate(y))]);
    }
    Ok(Object::of(members))
}

// Keys are never printed.
crate::escape::redact! { "EncryptionKey" for EncryptionKey; }

//! The header of an encrypted token (RFC 7516 §4, RFC 7518 §4).

use crate::jose::compact::decode;
use crate::jose::header::{MAX_HEADER_VALUES, refuse_critical};
use crate::jose::json::{Json, Object};
use crate::jose::{ContentEncryption, JoseError, KeyAlgorithm};

use super::algorithm::KeyManagement;

/// The limit of `apu`, `apv`, `iv` and `tag`, in bytes. Real ones are names, nonces or tags.
const MAX_BINARY_MEMBER: usize = 512;

/// The claims that a header may repeat (RFC 7519 §5.3).
const REPEATABLE_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The header of an encrypted token. Nothing in it is authenticated before the token is decrypted,
/// and nothing in it says who made the token.
pub struct JweHeader {
    algorithm: Option<KeyAlgorithm>,
    encryption: Option<ContentEncryption>,
    pub(super) party_u: Vec<u8>,
    pub(super) party_v: Vec<u8>,
    /// The IV and the tag of a content key that is wrapped with AES-GCM.
    pub(super) wrap_iv: Vec<u8>,
    pub(super) wrap_tag: Vec<u8>,
    members: Object,
}

impl JweHeader {
    pub(in crate::jose) fn parse(segment: &str) -> Result<Self, JoseError> {
        let bytes = decode(segment)?;
        let Json::Object(members) = Json::parse(&bytes, MAX_HEADER_VALUES)? else {
            return Err(JoseError::Malformed);
        };
        let algorithm = members.text("alg")?.ok_or(JoseError::Malformed)?;
        let algorithm = KeyAlgorithm::from_name(algorithm);
        let encryption = members.text("enc")?;
        // A signature algorithm is not allowed here, whatever else is missing.
        if encryption.is_none() && algorithm.is_some() {
            return Err(JoseError::Malformed);
        }
        refuse_critical(&members)?;
        for name in ["kid", "typ", "cty"] {
            members.text(name)?;
        }
        if members.text("zip")?.is_some_and(|zip| zip != "DEF") {
            return Err(JoseError::Malformed);
        }
        let header = Self {
            algorithm,
            encryption: encryption.and_then(ContentEncryption::from_name),
            party_u: binary(&members, "apu")?,
            party_v: binary(&members, "apv")?,
            wrap_iv: binary(&members, "iv")?,
            wrap_tag: binary(&members, "tag")?,
            members,
        };
        header.check_needed()?;
        Ok(header)
    }

    /// RFC 7518 §4.6.1 and §4.7.1: the members that an algorithm needs.
    fn check_needed(&self) -> Result<(), JoseError> {
        let needed: &[&str] = match self.algorithm.map(KeyAlgorithm::management) {
            Some(KeyManagement::Agreement(_)) => &["epk"],
            Some(KeyManagement::Shared(wrap)) if wrap.is_gcm => &["iv", "tag"],
            _ => &[],
        };
        let complete = needed.iter().all(|name| self.members.contains(name));
        let epk = self.members.get("epk");
        let readable = epk.is_none_or(|epk| epk.as_object().is_some());
        (complete && readable)
            .then_some(())
            .ok_or(JoseError::Malformed)
    }

    /// The key management algorithm; `None` if it is not implemented.
    #[must_use]
    pub fn algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm
    }

    /// The content encryption; `None` if it is not implemented.
    #[must_use]
    pub fn encryption(&self) -> Option<ContentEncryption> {
        self.encryption
    }

    /// The `kid` of the key that decrypts the token.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// The media type of the token as a whole.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.text("typ")
    }

    /// The media type of the content.
    pub(crate) fn cty(&self) -> Option<&str> {
        self.text("cty")
    }

    /// Returns true if the content is compressed (`zip`, RFC 7516 §4.1.3).
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.members.contains("zip")
    }

    /// The sender's public key for key agreement.
    pub(super) fn sender_key(&self) -> Option<&Object> {
        self.members.get("epk")?.as_object()
    }

    /// The issuer, if the header repeats it.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// The claims that the header repeats.
    pub(crate) fn repeated_claims(&self) -> impl Iterator<Item = (&'static str, &Json)> {
        let claims = REPEATABLE_CLAIMS.into_iter();
        claims.filter_map(|name| Some((name, self.members.get(name)?)))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}

/// The bytes of a member in base64url; empty if it is absent.
fn binary(members: &Object, name: &str) -> Result<Vec<u8>, JoseError> {
    let bytes = decode(members.text(name)?.unwrap_or_default())?;
    if bytes.len() > MAX_BINARY_MEMBER {
        return Err(JoseError::Malformed);
    }
    Ok(bytes)
}

// Token content is never printed.
crate::escape::redact! { "JweHeader" for JweHeader; }

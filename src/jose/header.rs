//! The header of a signed token (RFC 7515 §4).

use super::compact;
use super::json::{Json, JsonError, NotText, Object};
use super::{Algorithm, JoseError};

/// The limit of JSON values in a header. Ordinary headers have three or four; with a key and its
/// certificates, thirty.
pub(crate) const MAX_HEADER_VALUES: usize = 256;

/// The members that Watchword reads. `jwk`, `jku`, `x5u`, `x5c` and thumbprints are ignored: a
/// token never brings or references its own key.
pub struct JoseHeader {
    algorithm: Option<Algorithm>,
    kid: Option<Box<str>>,
    typ: Option<Box<str>>,
}

impl JoseHeader {
    pub(super) fn parse(segment: &str) -> Result<Self, JoseError> {
        let bytes = compact::decode(segment)?;
        let json = Json::parse(&bytes, MAX_HEADER_VALUES)?;
        let members = json.as_object().ok_or(JoseError::Malformed)?;
        let alg = members.text("alg")?.ok_or(JoseError::Malformed)?;
        refuse_critical(members)?;
        Ok(Self {
            algorithm: Algorithm::from_name(alg),
            kid: members.text("kid")?.map(Into::into),
            typ: members.text("typ")?.map(Into::into),
        })
    }

    /// The algorithm; `None` if it is not implemented, or is `none`.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The media type of the token.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

/// Token content is never printed.
impl std::fmt::Debug for JoseHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoseHeader({:?}, redacted)", self.algorithm)
    }
}

/// RFC 7515 §4.1.11: a token with an unknown critical extension must be refused; `crit` is a
/// non-empty array of distinct strings. RFC 7797 §6: `b64` requires `crit`.
pub(super) fn refuse_critical(members: &Object) -> Result<(), JoseError> {
    let Some(crit) = members.get("crit") else {
        let b64 = members.contains("b64");
        return if b64 {
            Err(JoseError::Malformed)
        } else {
            Ok(())
        };
    };
    let names: Option<Vec<&str>> = crit
        .as_array()
        .and_then(|names| names.iter().map(Json::as_str).collect());
    let mut names = names
        .filter(|names| !names.is_empty())
        .ok_or(JoseError::Malformed)?;
    let listed = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < listed {
        return Err(JoseError::Malformed);
    }
    Err(JoseError::CritUnsupported)
}

impl From<NotText> for JoseError {
    fn from(_: NotText) -> Self {
        Self::Malformed
    }
}

impl From<JsonError> for JoseError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Values { .. } => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}

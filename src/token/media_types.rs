//! The media types that the header's `typ` may have (RFC 7515 §4.1.9).

use super::TokenKind;

/// The accepted media types of an issuer's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaTypes {
    /// True if a token may have no `typ`.
    pub(crate) optional: bool,
    /// Without `application/`, in any case.
    pub(crate) names: Vec<Box<str>>,
}

impl MediaTypes {
    /// Those of tokens of a kind, or of access tokens if the kind is not known (RFC 7519 §5.1, RFC
    /// 9068 §2.1, OIDC Back-Channel Logout 1.0 §2.4).
    pub(crate) fn of(kind: Option<TokenKind>) -> Self {
        let names: &[&str] = match kind {
            None | Some(TokenKind::Access) => &["JWT", "JOSE", "at+jwt"],
            Some(TokenKind::Rfc9068Access) => &["at+jwt"],
            Some(TokenKind::Id) => &["JWT", "JOSE"],
            Some(TokenKind::Logout) => &["JWT", "JOSE", "logout+jwt"],
        };
        Self {
            optional: kind != Some(TokenKind::Rfc9068Access),
            names: names.iter().map(|name| (*name).into()).collect(),
        }
    }

    /// `typ` is without `application/`.
    pub(crate) fn accept(&self, typ: Option<&str>) -> bool {
        typ.map_or(self.optional, |typ| {
            let mut names = self.names.iter();
            names.any(|name| name.eq_ignore_ascii_case(typ))
        })
    }
}

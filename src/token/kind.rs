//! Kinds of tokens, and the claims that tell them apart.
//!
//! Few issuers name the kind in the header. Most tokens show it only by a claim that names it, or
//! by a claim that a standard defines for one kind alone.

use crate::jose::Json;

use super::Denial;
use super::claims::{Claims, claim_invalid, claim_missing};

/// The event of a logout token (OIDC Back-Channel Logout 1.0 §2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Claims that only ID tokens have (OIDC Core 1.0 §3.1.3.6 and §3.3.2.11; `s_hash`: FAPI
/// 1.0 Advanced §5.1.1).
const ID_TOKEN_HASHES: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// Claims that only access tokens have (RFC 9068 §2.2.3; Microsoft and Okta write `scp`).
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

const ACCESS_KINDS: [TokenKind; 2] = [TokenKind::Access, TokenKind::Rfc9068Access];

/// A claim, a value of it, and the kinds of token with this value; empty for a kind that Watchword
/// never accepts. Keycloak writes `typ`, and Cognito writes `token_use`.
const KIND_WORDS: [(&str, &str, &[TokenKind]); 8] = [
    ("typ", "Bearer", &ACCESS_KINDS),
    ("typ", "DPoP", &ACCESS_KINDS),
    ("typ", "ID", &[TokenKind::Id]),
    ("typ", "Logout", &[TokenKind::Logout]),
    ("typ", "Refresh", &[]),
    ("typ", "Offline", &[]),
    ("token_use", "access", &ACCESS_KINDS),
    ("token_use", "id", &[TokenKind::Id]),
];

/// The kind that every token of an issuer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Any token without a sign of another kind.
    Access,
    /// An access token with all that RFC 9068 §2 requires.
    Rfc9068Access,
    /// OIDC Core 1.0 §2.
    Id,
    /// OIDC Back-Channel Logout 1.0 §2.4.
    Logout,
}

impl TokenKind {
    /// Checks that a token is not of another kind, and has the claims of this kind. `typ` is that
    /// of the header, in lower case and without `application/`.
    ///
    /// # Errors
    /// [`Denial::TokenTypeInvalid`] for another kind; [`Denial::ClaimMissing`] and
    /// [`Denial::ClaimInvalid`] for claims.
    pub(crate) fn check(self, typ: Option<&str>, claims: &Claims) -> Result<(), Denial> {
        if self.sign_of_another(typ, claims)?.is_some() {
            return Err(Denial::TokenTypeInvalid);
        }
        for name in self.required() {
            claims.require(name)?;
        }
        match self {
            Self::Access => Ok(()),
            Self::Rfc9068Access => claims.text("client_id").map(drop),
            Self::Id => check_authorized_party(claims),
            Self::Logout => check_logout(claims),
        }
    }

    /// The claim that shows that a token is of another kind.
    ///
    /// # Errors
    /// [`Denial::ClaimInvalid`] if `typ` or `token_use` is not a string.
    pub(crate) fn sign_of_another(
        self,
        typ: Option<&str>,
        claims: &Claims,
    ) -> Result<Option<&'static str>, Denial> {
        for name in ["typ", "token_use"] {
            let word = claims.text(name)?;
            if word.is_some_and(|word| self.is_refused_by(name, word)) {
                return Ok(Some(name));
            }
        }
        let mut forbidden = self.forbidden().iter().copied();
        let sign = forbidden.find(|name| claims.has(name));
        let is_nonce = ACCESS_KINDS.contains(&self) && is_nonce_of_id_token(typ, claims);
        let is_logout = self != Self::Logout && names_logout(claims);
        Ok(sign
            .or_else(|| is_nonce.then_some("nonce"))
            .or_else(|| is_logout.then_some("events")))
    }

    fn is_refused_by(self, claim: &str, word: &str) -> bool {
        let known = KIND_WORDS
            .iter()
            .find(|(name, known, _)| *name == claim && known.eq_ignore_ascii_case(word));
        known.is_some_and(|(_, _, kinds)| !kinds.contains(&self))
    }

    /// The claims that the kind requires, in addition to `iss` and `exp`, which every token needs.
    pub(crate) fn required(self) -> &'static [&'static str] {
        match self {
            Self::Access => &[],
            Self::Rfc9068Access => &["aud", "client_id", "iat", "jti", "sub"],
            Self::Id => &["aud", "iat", "sub"],
            Self::Logout => &["aud", "events", "iat", "jti"],
        }
    }

    /// The claims that no token of this kind has.
    pub(crate) fn forbidden(self) -> &'static [&'static str] {
        match self {
            Self::Access | Self::Rfc9068Access => &ID_TOKEN_HASHES,
            Self::Id => &SCOPE_CLAIMS,
            Self::Logout => &["nonce"],
        }
    }

    /// Returns true if tokens with this media type are of another kind.
    pub(crate) fn contradicts(self, typ: &str) -> bool {
        let kinds: &[Self] = match typ {
            "at+jwt" => &ACCESS_KINDS,
            "id_token+jwt" => &[Self::Id],
            "logout+jwt" => &[Self::Logout],
            _ => return false,
        };
        !kinds.contains(&self)
    }
}

/// Returns true for a `nonce` that only an ID token can have. Access tokens of Azure AD B2C, and of
/// Keycloak with an old default, have a nonce too; unlike ID tokens, they also have a scope.
fn is_nonce_of_id_token(typ: Option<&str>, claims: &Claims) -> bool {
    let has_scope = SCOPE_CLAIMS.iter().any(|name| claims.has(name));
    claims.has("nonce") && typ != Some("at+jwt") && !has_scope
}

/// With several audiences, requires `azp`: the client that the token was issued to (OIDC Core
/// 1.0 §2 and §3.1.3.7).
fn check_authorized_party(claims: &Claims) -> Result<(), Denial> {
    let audiences = claims.get("aud").and_then(Json::as_array);
    let has_several = audiences.is_some_and(|audiences| audiences.len() > 1);
    match claims.text("azp")? {
        None if has_several => Err(claim_missing("azp")),
        _ => Ok(()),
    }
}

/// OIDC Back-Channel Logout 1.0 §2.6.
fn check_logout(claims: &Claims) -> Result<(), Denial> {
    if !names_logout(claims) {
        return Err(claim_invalid("events"));
    }
    match (claims.text("sub")?, claims.text("sid")?) {
        (None, None) => Err(claim_missing("sub")),
        _ => Ok(()),
    }
}

fn names_logout(claims: &Claims) -> bool {
    let events = claims.get("events").and_then(Json::as_object);
    let event = events.and_then(|events| events.get(LOGOUT_EVENT));
    event.is_some_and(|event| event.as_object().is_some())
}

#[cfg(test)]
mod tests;

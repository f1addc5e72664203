//! The checks on an issuer's tokens that apply whatever the rule: type and kind, registered claims
//! (RFC 7519 §4.1), the client, and claims that must or must not be there.

use std::time::Duration;

use super::claims::{Claims, claim_invalid, claim_missing};
use super::client::check_client;
use super::{ClaimPath, Denial, MediaTypes, TokenKind, UnixTime, VerifiedToken};

/// The checks that every token of one issuer must pass.
#[derive(Clone, Debug)]
pub(crate) struct Expectations {
    /// The exact `iss`.
    pub(crate) issuer: Box<str>,
    pub(crate) audiences: Audiences,
    /// The tolerated difference between clocks.
    pub(crate) leeway: Duration,
    /// The longest time from `iat` (and from now) to `exp`. With it, `iat` is required.
    pub(crate) max_lifetime: Option<Duration>,
    /// The accepted values of `typ`.
    pub(crate) types: MediaTypes,
    /// The kind of the tokens; `None`: only `types` counts.
    pub(crate) kind: Option<TokenKind>,
    /// The accepted clients; empty for any.
    pub(crate) client_ids: Vec<Box<str>>,
    /// The claims that a token must have, with a value.
    pub(crate) required_claims: Vec<ClaimPath>,
    /// The claims that no token may have.
    pub(crate) forbidden_claims: Vec<ClaimPath>,
    /// True if a token that is bound to its sender (`cnf`, RFC 7800) is accepted without a proof.
    pub(crate) ignore_confirmation: bool,
}

/// The accepted audiences of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audiences {
    /// Any audience, as the configuration says explicitly. Only the type of `aud` is checked.
    Any,
    /// At least one of these, compared exactly.
    OneOf(Vec<Box<str>>),
}

impl Audiences {
    pub(crate) fn check(&self, named: &[Box<str>]) -> Result<(), Denial> {
        let admitted = match self {
            Self::Any => true,
            Self::OneOf(expected) => named.iter().any(|audience| expected.contains(audience)),
        };
        admitted.then_some(()).ok_or(Denial::AudienceMismatch)
    }
}

impl Expectations {
    /// Checks a verified token at the time `now`, up to the first check that fails.
    pub(crate) fn check(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Denial> {
        let claims = &token.registered;
        let typ = token.typ.as_deref();
        self.check_type(typ)?;
        self.check_kind(typ, token.claims())?;
        self.check_confirmation(token.claims())?;
        if claims.issuer != self.issuer {
            return Err(Denial::IssuerNotAllowed);
        }
        self.audiences.check(&claims.audiences)?;
        Self::check_clock(now)?;
        Self::check_order(claims.not_before, claims.expires)?;
        self.check_expiry(claims.expires, now)?;
        self.check_not_before(claims.not_before, now)?;
        self.check_issued(claims.issued, now)?;
        self.check_lifetime(claims.issued, claims.expires, now)?;
        self.check_client(token.claims())?;
        self.check_required(token.claims())?;
        self.check_forbidden(token.claims())
    }

    /// RFC 8725 §3.11: a token made for another purpose (a DPoP proof, a logout token) is not an
    /// access token. `typ` is in lower case, without `application/`.
    pub(crate) fn check_type(&self, typ: Option<&str>) -> Result<(), Denial> {
        let accepted = self.types.accept(typ);
        accepted.then_some(()).ok_or(Denial::TokenTypeInvalid)
    }

    pub(crate) fn check_kind(&self, typ: Option<&str>, claims: &Claims) -> Result<(), Denial> {
        self.kind.map_or(Ok(()), |kind| kind.check(typ, claims))
    }

    /// RFC 9449 and RFC 8705: a token with `cnf` is valid only together with its proof.
    pub(crate) fn check_confirmation(&self, claims: &Claims) -> Result<(), Denial> {
        let accepted = self.ignore_confirmation || claims.get("cnf").is_none();
        accepted.then_some(()).ok_or(Denial::TokenTypeInvalid)
    }

    /// A clock before 1970 is wrong, and by it no token would be expired.
    pub(crate) fn check_clock(now: UnixTime) -> Result<(), Denial> {
        if now < UnixTime::EPOCH {
            let ahead = UnixTime::EPOCH.since(now);
            return Err(Denial::TokenNotYetValid { ahead });
        }
        Ok(())
    }

    /// A token that starts after it expires is never valid. Without this check, the leeways at both
    /// ends would open a window.
    pub(crate) fn check_order(from: Option<UnixTime>, expires: UnixTime) -> Result<(), Denial> {
        let in_order = from.is_none_or(|from| from <= expires);
        in_order.then_some(()).ok_or_else(|| claim_invalid("nbf"))
    }

    pub(crate) fn check_expiry(&self, expires: UnixTime, now: UnixTime) -> Result<(), Denial> {
        // RFC 7519 §4.1.4: refused "on or after" the time.
        let is_before = now < expires.plus(self.leeway);
        let ago = now.since(expires);
        is_before.then_some(()).ok_or(Denial::TokenExpired { ago })
    }

    pub(crate) fn check_not_before(
        &self,
        from: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<(), Denial> {
        match from.filter(|from| *from > now.plus(self.leeway)) {
            Some(from) => Err(Denial::TokenNotYetValid {
                ahead: from.since(now),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn check_issued(
        &self,
        issued: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<(), Denial> {
        let is_past = issued.is_none_or(|issued| issued <= now.plus(self.leeway));
        is_past.then_some(()).ok_or_else(|| claim_invalid("iat"))
    }

    pub(crate) fn check_lifetime(
        &self,
        issued: Option<UnixTime>,
        expires: UnixTime,
        now: UnixTime,
    ) -> Result<(), Denial> {
        let Some(longest) = self.max_lifetime else {
            return Ok(());
        };
        // Without `iat`, a token of any lifetime would pass shortly before it expires.
        let issued = issued.ok_or_else(|| claim_missing("iat"))?;
        let from_issue = expires <= issued.plus(longest);
        let from_now = expires <= now.plus(longest).plus(self.leeway);
        let is_short = from_issue && from_now;
        is_short.then_some(()).ok_or_else(|| claim_invalid("exp"))
    }

    pub(crate) fn check_client(&self, claims: &Claims) -> Result<(), Denial> {
        if self.client_ids.is_empty() {
            return Ok(());
        }
        check_client(claims, &self.client_ids)
    }

    pub(crate) fn check_required(&self, claims: &Claims) -> Result<(), Denial> {
        let mut paths = self.required_claims.iter();
        paths.try_for_each(|path| claims.require_at(path))
    }

    pub(crate) fn check_forbidden(&self, claims: &Claims) -> Result<(), Denial> {
        let mut paths = self.forbidden_claims.iter();
        match paths.find(|path| claims.at(path).is_some()) {
            Some(path) => Err(claim_invalid(&path.to_string())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

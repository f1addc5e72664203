//! The checks on an issuer's tokens that apply whatever the rule: registered claims (RFC 7519 §4.1)
//! and type.

use std::time::Duration;

use super::claims::{Claims, claim_invalid, claim_missing};
use super::{Denial, UnixTime, VerifiedToken};

/// Media types of access tokens (RFC 7519 §5.1, RFC 7515 §4.1.9, RFC 9068).
const DEFAULT_TYPES: [&str; 3] = ["jwt", "jose", "at+jwt"];

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
    /// The accepted media types of `typ`, in lower case and without `application/`. If empty, a
    /// token may have no `typ`, or `JWT`, `JOSE` or `at+jwt`.
    pub(crate) types: Vec<Box<str>>,
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
        self.check_type(token.typ.as_deref())?;
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
        self.check_lifetime(claims.issued, claims.expires, now)
    }

    /// RFC 8725 §3.11: a token made for another purpose (a DPoP proof, a logout token) is not an
    /// access token. `typ` is in lower case, without `application/`.
    pub(crate) fn check_type(&self, typ: Option<&str>) -> Result<(), Denial> {
        let accepted = match typ {
            None => self.types.is_empty(),
            Some(typ) if self.types.is_empty() => DEFAULT_TYPES.contains(&typ),
            Some(typ) => self.types.iter().any(|accepted| **accepted == *typ),
        };
        accepted.then_some(()).ok_or(Denial::TokenTypeInvalid)
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
}

#[cfg(test)]
mod tests;

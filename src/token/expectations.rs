//! What an issuer's tokens must say, whatever the rule: registered claims (RFC 7519 §4.1) and type.

use std::time::Duration;

use super::claims::invalid;
use super::{Denial, UnixTime, VerifiedToken};

/// Media types of access tokens: the general ones (RFC 7519 §5.1, RFC 7515 §4.1.9), and RFC 9068's.
const DEFAULT_TYPES: [&str; 3] = ["jwt", "jose", "at+jwt"];

/// The checks that every token of one issuer must pass.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// The exact `iss`.
    pub issuer: Box<str>,
    /// Who the token must be for.
    pub audiences: Audiences,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// The longest time from `iat` (and from now) to `exp`.
    pub max_lifetime: Option<Duration>,
    /// Media types demanded in `typ`, lower case and without `application/`; empty: a token without
    /// `typ`, or with `JWT`, `JOSE` or `at+jwt`.
    pub types: Vec<Box<str>>,
    /// Whether a token that is bound to its sender (`cnf`, RFC 7800) may be used by its bearer.
    pub ignore_confirmation: bool,
}

/// Audiences of which the token must name one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audiences {
    /// Said explicitly in the configuration: `aud` is not looked at beyond its type.
    Any,
    /// At least one of these, compared exactly.
    OneOf(Vec<Box<str>>),
}

impl Audiences {
    /// Whether the token is for one of them.
    #[must_use]
    pub fn admit(&self, token: &VerifiedToken) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(expected) => token.is_for(expected),
        }
    }
}

impl Expectations {
    /// Judges a verified token at a time.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Denial> {
        self.check_type(token)?;
        if token.issuer != self.issuer {
            return Err(Denial::IssuerNotAllowed);
        }
        if !self.audiences.admit(token) {
            return Err(Denial::AudienceMismatch);
        }
        self.check_times(token, now)
    }

    /// RFC 8725 §3.11: a token made for another purpose (a DPoP proof, a logout token) is no access
    /// token. RFC 9449 and RFC 8705: a token with `cnf` is worth nothing without its proof.
    fn check_type(&self, token: &VerifiedToken) -> Result<(), Denial> {
        let accepted = match &token.typ {
            None => self.types.is_empty(),
            Some(typ) if self.types.is_empty() => DEFAULT_TYPES.contains(&&**typ),
            Some(typ) => self.types.contains(typ),
        };
        let bound = !self.ignore_confirmation && token.claims().get("cnf").is_some();
        if accepted && !bound {
            Ok(())
        } else {
            Err(Denial::TokenTypeInvalid)
        }
    }

    fn check_times(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Denial> {
        // Such a clock is wrong, and nothing is expired by it.
        if now < UnixTime::EPOCH {
            return Err(Denial::TokenNotYetValid {
                ahead: UnixTime::EPOCH.since(now),
            });
        }
        // RFC 7519 §4.1.4: refused "on or after" the time.
        let current = now < token.expires.plus(self.leeway);
        if !current {
            return Err(Denial::TokenExpired {
                ago: now.since(token.expires),
            });
        }
        let latest = now.plus(self.leeway);
        if let Some(from) = token.not_before.filter(|from| *from > latest) {
            return Err(Denial::TokenNotYetValid {
                ahead: from.since(now),
            });
        }
        if token.issued.is_some_and(|issued| issued > latest) {
            return Err(invalid("iat"));
        }
        self.check_lifetime(token, now)
    }

    fn check_lifetime(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Denial> {
        let Some(longest) = self.max_lifetime else {
            return Ok(());
        };
        let expires = token.expires;
        let from_issue = token
            .issued
            .is_none_or(|issued| expires <= issued.plus(longest));
        let from_now = expires <= now.plus(longest).plus(self.leeway);
        if from_issue && from_now {
            Ok(())
        } else {
            Err(invalid("exp"))
        }
    }
}

#[cfg(test)]
mod tests;

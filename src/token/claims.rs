//! The claims of a token.

use std::sync::Arc;

use crate::jose::{Json, JsonError, NotText, Object};

use super::{Denial, UnixTime};

/// The latest time that is accepted: up to here, doubles represent every second exactly.
const MAX_TIME: f64 = 9_007_199_254_740_992.0;

/// The limit of JSON values in a payload: enough for ten thousand groups or roles. In memory, a
/// value costs at most 104 bytes in addition to its text.
pub(crate) const MAX_VALUES: usize = 12 * 1024;

/// Returns true if a scope may have this byte (RFC 6749 §3.3). Challenges quote scopes.
pub(crate) fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

/// The claims of a token: a JSON object.
#[derive(Clone, Debug)]
pub struct Claims(Object);

/// The path to a claim: member names, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Arc<[Box<str>]>);

impl ClaimPath {
    /// Splits a path at its dots: `realm_access.roles`.
    pub(crate) fn dotted(path: &str) -> Self {
        Self(path.split('.').map(Into::into).collect())
    }

    /// The names as given; dots do not separate.
    pub(crate) fn literal(names: &[impl AsRef<str>]) -> Self {
        Self(names.iter().map(|name| name.as_ref().into()).collect())
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// True if the other claim is this one, or within it.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl std::fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, name) in self.names().enumerate() {
            write!(f, "{}{name}", if index > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

impl Claims {
    /// Parses a payload: exactly one JSON object.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], or [`Denial::TokenTooLarge`] for more than 12288 values.
    pub fn parse(payload: &[u8]) -> Result<Self, Denial> {
        match Json::parse(payload, MAX_VALUES) {
            Ok(Json::Object(members)) => Ok(Self(members)),
            Err(JsonError::Values { .. }) => Err(Denial::TokenTooLarge),
            Ok(_) | Err(_) => Err(Denial::TokenMalformed),
        }
    }

    /// Heap bytes, allocator overhead included.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.0.heap_size()
    }

    pub(crate) fn members(&self) -> &Object {
        &self.0
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// A claim at any depth; `None` if a step is missing or not an object.
    pub(crate) fn at(&self, path: &ClaimPath) -> Option<&Json> {
        let mut names = path.names();
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |value, name| value.as_object()?.get(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Checks that a claim is there, and neither null nor empty.
    pub(crate) fn require(&self, name: &str) -> Result<(), Denial> {
        let has_value = self.get(name).is_some_and(has_value);
        has_value.then_some(()).ok_or_else(|| claim_missing(name))
    }

    /// As [`Claims::require`], at any depth.
    pub(crate) fn require_at(&self, path: &ClaimPath) -> Result<(), Denial> {
        let has_value = self.at(path).is_some_and(has_value);
        let missing = || claim_missing(&path.to_string());
        has_value.then_some(()).ok_or_else(missing)
    }

    /// A registered claim that must be a string if it is present: an unreadable claim is not an
    /// absent one.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Denial> {
        self.0.text(name).map_err(|NotText| claim_invalid(name))
    }

    /// The `iss`.
    pub(crate) fn issuer(&self) -> Result<&str, Denial> {
        self.text("iss")?.ok_or_else(|| claim_missing("iss"))
    }

    /// A registered claim that must be a number from 0 to 2^53 if it is present.
    pub(crate) fn time(&self, name: &str) -> Result<Option<UnixTime>, Denial> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::Number(number)) if (0.0..=MAX_TIME).contains(&number.to_f64()) => {
                Ok(Some(UnixTime::from_secs(number.to_f64())))
            }
            Some(_) => Err(claim_invalid(name)),
        }
    }

    /// A claim that must be a string or an array of strings if it is present.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Denial> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(vec![text])),
            Some(Json::Array(elements)) => {
                let texts: Option<Vec<&str>> = elements.iter().map(Json::as_str).collect();
                texts.map(Some).ok_or_else(|| claim_invalid(name))
            }
            Some(_) => Err(claim_invalid(name)),
        }
    }

    /// The token's scopes: the words of `scope` (RFC 8693 §4.2) and of `scp`, each a string of
    /// words or an array of strings.
    pub(crate) fn scopes(&self) -> Result<Vec<&str>, Denial> {
        let mut scopes = Vec::new();
        for name in ["scope", "scp"] {
            match self.get(name) {
                // An array element is one scope, even if it contains spaces.
                Some(Json::Array(_)) => scopes.extend(self.texts(name)?.unwrap_or_default()),
                _ => scopes.extend(self.text(name)?.unwrap_or_default().split(' ')),
            }
        }
        scopes.retain(|scope| !scope.is_empty());
        Ok(scopes)
    }
}

fn has_value(claim: &Json) -> bool {
    match claim {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(elements) => !elements.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => true,
    }
}

/// The denial of a token whose claim has the wrong form.
pub(crate) fn claim_invalid(claim: &str) -> Denial {
    let claim = claim.into();
    Denial::ClaimInvalid { claim }
}

/// The denial of a token that lacks a claim.
pub(crate) fn claim_missing(claim: &str) -> Denial {
    let claim = claim.into();
    Denial::ClaimMissing { claim }
}

#[cfg(test)]
mod tests {
    use super::is_scope_byte;

    #[test]
    fn scope_has_visible_ascii_without_quote_and_backslash() {
        let allowed: Vec<u8> = (0..=u8::MAX).filter(|byte| is_scope_byte(*byte)).collect();
        let visible = (b'!'..=b'~').filter(|byte| !br#""\"#.contains(byte));
        assert_eq!(allowed, visible.collect::<Vec<u8>>());
    }
}

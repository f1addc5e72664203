//! Finds the token in a request (RFC 6750 §2).
//!
//! A request has exactly one credential, or none. Two credentials, or one that a proxy joined from
//! two, are malformed: otherwise an attacker could choose which one counts. The same holds for
//! spellings of a name, since the service may read `session ` or `SESSION` as `session`: a cookie
//! or parameter whose name is only another spelling of the configured one is malformed, not
//! ignored.

mod names;

use crate::jose::is_token_text;
use crate::request::{Request, fold};

use super::Denial;
use names::{is_other_spelling_of_cookie, is_other_spelling_of_parameter, named};

/// The text of a credential: only characters of a compact token, within the size limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a>(&'a str);

/// A place in the request that may hold a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A header field. With a scheme, its value is `Scheme token`; otherwise, the token.
    Header {
        /// Lower case.
        name: Box<str>,
        /// Compared without regard to case.
        scheme: Option<Box<str>>,
    },
    /// A cookie (RFC 6265 §4.2) with this case-sensitive name.
    Cookie(Box<str>),
    /// A query parameter (RFC 6750 §2.3) with this case-sensitive name, compared undecoded.
    Query(Box<str>),
}

/// The change that removes a credential from the upstream request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Removal {
    Header(Box<str>),
    Query(Box<str>),
    /// Replace the cookies with these; `None` removes them all, because no others are left or they
    /// are not text.
    Cookies(Option<Vec<u8>>),
}

impl<'a> BearerToken<'a> {
    /// Checks the size of a token's text, then its characters.
    ///
    /// # Errors
    /// [`Denial::TokenTooLarge`], [`Denial::TokenMalformed`].
    pub fn new(text: &'a [u8], max_size: usize) -> Result<Self, Denial> {
        if text.len() > max_size {
            return Err(Denial::TokenTooLarge);
        }
        if text.is_empty() || !is_token_text(text) {
            return Err(Denial::TokenMalformed);
        }
        let text = std::str::from_utf8(text).map_err(|_| Denial::TokenMalformed)?;
        Ok(Self(text))
    }

    /// The token's text. Never log it.
    pub(crate) fn as_str(&self) -> &'a str {
        self.0
    }
}

crate::escape::redact! { "BearerToken" for BearerToken<'_>; }

impl Location {
    /// Returns the credential in this place, if any.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`] if there is more than one, or something that looks like one.
    pub(crate) fn find<'a>(&self, request: &Request<'a>) -> Result<Option<&'a [u8]>, Denial> {
        match self {
            Self::Header { name, scheme } => {
                let Some(value) = at_most_one(request.values(name))? else {
                    return Ok(None);
                };
                header_token(value, scheme.as_deref())
            }
            Self::Cookie(name) => {
                if cookies(request).any(|pair| is_other_spelling_of_cookie(pair, name)) {
                    return Err(Denial::TokenMalformed);
                }
                at_most_one(cookies(request).filter_map(|pair| named(pair, name))).map(non_empty)
            }
            Self::Query(name) => {
                let parameters = || request.query().split(|byte| *byte == b'&');
                if parameters().any(|pair| is_other_spelling_of_parameter(pair, name)) {
                    return Err(Denial::TokenMalformed);
                }
                at_most_one(parameters().filter_map(|pair| named(pair, name))).map(non_empty)
            }
        }
    }

    /// Returns true if this header holds a token behind another scheme. Some services take the
    /// second word without checking the first.
    pub(crate) fn holds_foreign_token(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Header { name, scheme } => {
                scheme.is_some() && request.values(name).any(holds_jws)
            }
            _ => false,
        }
    }

    pub(crate) fn is_same_header(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => name == other,
            _ => false,
        }
    }

    /// Returns true if a reader may confuse the names of the two places.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let dashed = |name: &str| name.replace(['_', '.', '~'], "-");
        match (self, other) {
            // One header may hold credentials of several schemes.
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => {
                name != other && dashed(name) == dashed(other)
            }
            (Self::Cookie(name), Self::Cookie(other)) | (Self::Query(name), Self::Query(other)) => {
                fold::is_spelling_of(name.as_bytes(), other)
            }
            _ => false,
        }
    }

    /// The change that removes the credential in this place.
    pub(crate) fn removal(&self, request: &Request<'_>) -> Removal {
        match self {
            Self::Header { name, .. } => Removal::Header(name.clone()),
            Self::Query(name) => Removal::Query(name.clone()),
            Self::Cookie(name) => {
                let is_other = |pair: &&[u8]| !pair.is_empty() && named(pair, name).is_none();
                let others: Vec<_> = cookies(request).filter(is_other).collect();
                let rest = others.join(&b"; "[..]);
                let is_text = rest.iter().all(|byte| matches!(byte, b' '..=b'~'));
                Removal::Cookies((is_text && !rest.is_empty()).then_some(rest))
            }
        }
    }
}

/// The cookies of all `cookie` fields, without white space around them.
fn cookies<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a [u8]> {
    let fields = request.values("cookie");
    let pairs = fields.flat_map(|value| value.split(|byte| *byte == b';'));
    pairs.map(trim)
}

/// Returns the item, if there is one; more than one is malformed.
fn at_most_one<'a>(mut items: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, Denial> {
    match (items.next(), items.next()) {
        (_, Some(_)) => Err(Denial::TokenMalformed),
        (first, None) => Ok(first),
    }
}

/// A comma means that the proxy joined several fields (RFC 9110 §5.3): no token contains one.
/// Credentials of other schemes do (`Digest`); they are ignored.
fn header_token<'a>(value: &'a [u8], scheme: Option<&str>) -> Result<Option<&'a [u8]>, Denial> {
    let value = trim(value);
    let Some(scheme) = scheme else {
        return if value.contains(&b',') {
            Err(Denial::TokenMalformed)
        } else {
            Ok(non_empty(Some(value)))
        };
    };
    let mut parts = value.splitn(2, |byte| *byte == b' ');
    let word = parts.next().unwrap_or_default();
    if !word.eq_ignore_ascii_case(scheme.as_bytes()) {
        return if mentions(value, scheme) || is_bare_token(value) {
            Err(Denial::TokenMalformed)
        } else {
            Ok(None)
        };
    }
    if value.contains(&b',') {
        return Err(Denial::TokenMalformed);
    }
    // RFC 9110 §11.4: one or more spaces between scheme and token.
    let rest = parts.next().ok_or(Denial::TokenMalformed)?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    Ok(rest.get(spaces..))
}

/// Returns true if a service may find the scheme in the value: at its start with a character glued
/// to it, at the start of what may have been a field of its own, or anywhere before a separator.
fn mentions(value: &[u8], scheme: &str) -> bool {
    let begins = |text: &[u8]| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let ends = |word: &[u8]| {
        word.last()
            .is_some_and(|byte| !byte.is_ascii_alphanumeric())
    };
    let mut windows = value.windows(scheme.len().saturating_add(1));
    value.split(|byte| *byte == b',').map(trim).any(begins)
        || windows.any(|window| begins(window) && ends(window))
}

/// Returns true for a JWT without its scheme: some services accept it.
fn is_bare_token(value: &[u8]) -> bool {
    value.split(|byte| *byte == b'.').nth(2).is_some() && is_token_text(value)
}

/// Returns true if a word looks like a JWT: some services take the second word without checking the
/// scheme. Headers are JSON objects, which start with `ey` or `ew` in base64url.
fn holds_jws(value: &[u8]) -> bool {
    let mut words = value.split(|byte| !byte.is_ascii_alphanumeric() && !b"-_.".contains(byte));
    words.any(|word| (word.starts_with(b"ey") || word.starts_with(b"ew")) && is_bare_token(word))
}

/// An empty cookie or parameter, as a logout may leave it, is not a credential.
fn non_empty(value: Option<&[u8]>) -> Option<&[u8]> {
    value.filter(|value| !value.is_empty() && *value != b"\"\"")
}

/// Optional white space around a field value (RFC 9110 §5.5): spaces and tabs.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests;

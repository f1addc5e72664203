//! Finding the token in a request (RFC 6750 §2).
//!
//! Exactly one credential, or none: two of them, or one that a proxy joined from two, are malformed.
//! Which of two tokens counts is a question that an attacker would like to answer.

use crate::jose::is_token_text;
use crate::request::Request;

use super::Denial;

/// The text of a credential: characters of a compact token only, within the size limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a>(&'a str);

/// A place in the request where a token may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A header field; with a scheme, `Scheme token`, else the value is the token.
    Header {
        /// Lower case.
        name: Box<str>,
        /// Compared without regard to case.
        scheme: Option<Box<str>>,
    },
    /// A cookie (RFC 6265 §4.2).
    Cookie {
        /// Case-sensitive.
        name: Box<str>,
    },
    /// A query parameter (RFC 6750 §2.3).
    Query {
        /// Case-sensitive, compared undecoded.
        name: Box<str>,
    },
}

/// How a credential is taken out of the request that goes upstream.
#[derive(Clone, PartialEq, Eq)]
pub enum Removal {
    /// Remove this header.
    Header(Box<str>),
    /// Remove this query parameter.
    Query(Box<str>),
    /// Replace the cookies by these; `None`: remove them all, since no others are left or they are not text.
    Cookies(Option<Vec<u8>>),
}

impl<'a> BearerToken<'a> {
    /// Takes text for a token: first its size, then its characters.
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

    /// The token's text. Never to be logged.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

impl std::fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

impl Location {
    /// `Authorization: Bearer`.
    #[must_use]
    pub fn authorization() -> Self {
        Self::Header {
            name: "authorization".into(),
            scheme: Some("Bearer".into()),
        }
    }

    /// The credential that stands here, if any.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`] where there is more than one, or something else in its form.
    pub fn find<'a>(&self, request: &Request<'a>) -> Result<Option<&'a [u8]>, Denial> {
        match self {
            Self::Header { name, scheme } => {
                let Some(value) = only(request.values(name))? else {
                    return Ok(None);
                };
                header_token(value, scheme.as_deref())
            }
            Self::Cookie { name } => {
                // Envoy joins several fields with commas unless it sends raw headers.
                let joined = |pair: &[u8]| {
                    let mut parts = pair.split(|byte| *byte == b',').skip(1);
                    parts.any(|part| named(trim(part), name).is_some())
                };
                if cookies(request).any(joined) {
                    return Err(Denial::TokenMalformed);
                }
                only(cookies(request).filter_map(|pair| named(pair, name))).map(filled)
            }
            Self::Query { name } => {
                let pairs = || request.query().split(|byte| *byte == b'&');
                // The service decodes names; a second credential under another spelling is one too many.
                if pairs().any(|pair| respelt(pair, name)) {
                    return Err(Denial::TokenMalformed);
                }
                only(pairs().filter_map(|pair| named(pair, name))).map(filled)
            }
        }
    }
}

impl Location {
    /// How the credential that stands here is taken out of a request.
    #[must_use]
    pub fn removal(&self, request: &Request<'_>) -> Removal {
        match self {
            Self::Header { name, .. } => Removal::Header(name.clone()),
            Self::Query { name } => Removal::Query(name.clone()),
            Self::Cookie { name } => {
                let others = cookies(request).filter(|pair| named(pair, name).is_none());
                let rest = others
                    .filter(|pair| !pair.is_empty())
                    .collect::<Vec<_>>()
                    .join(&b"; "[..]);
                let text = !rest.is_empty() && rest.iter().all(|byte| matches!(byte, b' '..=b'~'));
                Removal::Cookies(text.then_some(rest))
            }
        }
    }
}

/// Cookies of all `cookie` fields, without white space around them.
fn cookies<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a [u8]> {
    request
        .values("cookie")
        .flat_map(|value| value.split(|byte| *byte == b';'))
        .map(trim)
}

/// The only item; none is fine, two are malformed.
fn only<'a>(mut items: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, Denial> {
    let first = items.next();
    if items.next().is_some() {
        Err(Denial::TokenMalformed)
    } else {
        Ok(first)
    }
}

/// A comma means that the proxy joined several fields (RFC 9110 §5.3), and no token holds one. Credentials of other
/// schemes do (`Digest`), and are none of ours.
fn header_token<'a>(value: &'a [u8], scheme: Option<&str>) -> Result<Option<&'a [u8]>, Denial> {
    let value = trim(value);
    if value.contains(&b',') && scheme.is_none_or(|scheme| mentions(value, scheme)) {
        return Err(Denial::TokenMalformed);
    }
    let Some(scheme) = scheme else {
        return Ok(Some(value).filter(|value| !value.is_empty()));
    };
    let mut parts = value.splitn(2, |byte| *byte == b' ');
    let word = parts.next().unwrap_or_default();
    if !word.eq_ignore_ascii_case(scheme.as_bytes()) {
        // `Bearer` with a character glued to it is a broken credential, not another scheme.
        let start = word.get(..scheme.len()).unwrap_or_default();
        let glued = start.eq_ignore_ascii_case(scheme.as_bytes());
        return if glued {
            Err(Denial::TokenMalformed)
        } else {
            Ok(None)
        };
    }
    // RFC 9110 §11.4: one or more spaces between scheme and token.
    let rest = parts.next().ok_or(Denial::TokenMalformed)?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    Ok(rest.get(spaces..))
}

/// Whether the value, or a part of it that may have been a field of its own, begins with the scheme.
fn mentions(value: &[u8], scheme: &str) -> bool {
    let begins = |part: &[u8]| {
        part.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    value.split(|byte| *byte == b',').map(trim).any(begins)
}

/// An empty cookie or parameter, as a logout may leave it, is no credential.
fn filled(value: Option<&[u8]>) -> Option<&[u8]> {
    value.filter(|value| !value.is_empty())
}

/// Whether a query parameter has this name only after decoding.
fn respelt(pair: &[u8], name: &str) -> bool {
    let spelt = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    if !spelt.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return false;
    }
    let Ok(spelt) = std::str::from_utf8(spelt) else {
        return true;
    };
    let mut decoded = Vec::with_capacity(spelt.len());
    let mut rest = spelt;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.extend_from_slice(before.as_bytes());
        let digits = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(digits.unwrap_or(b'%'));
        rest = if digits.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    decoded.extend_from_slice(rest.as_bytes());
    let plain: Vec<u8> = decoded
        .into_iter()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    plain.trim_ascii() == name.as_bytes()
}

fn named<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
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

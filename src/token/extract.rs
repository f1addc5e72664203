//! Finds the token in a request (RFC 6750 §2).
//!
//! A request has exactly one credential, or none. Two credentials, or one that a proxy joined from
//! two, are malformed: otherwise an attacker could choose which one counts. The same holds for
//! spellings of a name, since the service may read `session ` or `SESSION` as `session`: a cookie
//! or parameter whose name is only another spelling of the configured one is malformed, not
//! ignored.

use crate::jose::is_token_text;
use crate::request::{Request, fold};

use super::Denial;

/// The text of a credential: only characters of a compact token, within the size limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a>(&'a str);

/// A place in the request that may hold a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A header field. With a scheme, its value is `Scheme token`; otherwise, the token.
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

/// The change that removes a credential from the upstream request.
#[derive(Clone, PartialEq, Eq)]
pub enum Removal {
    /// Remove this header.
    Header(Box<str>),
    /// Remove this query parameter.
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

    /// Returns the credential in this place, if any.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`] if there is more than one, or something that looks like one.
    pub fn find<'a>(&self, request: &Request<'a>) -> Result<Option<&'a [u8]>, Denial> {
        match self {
            Self::Header { name, scheme } => {
                let Some(value) = at_most_one(request.values(name))? else {
                    return Ok(None);
                };
                header_token(value, scheme.as_deref())
            }
            Self::Cookie { name } => {
                if cookies(request).any(|pair| is_other_spelling_of_cookie(pair, name)) {
                    return Err(Denial::TokenMalformed);
                }
                at_most_one(cookies(request).filter_map(|pair| named(pair, name))).map(non_empty)
            }
            Self::Query { name } => {
                let parameters = || request.query().split(|byte| *byte == b'&');
                if parameters().any(|pair| is_other_spelling_of_parameter(pair, name)) {
                    return Err(Denial::TokenMalformed);
                }
                at_most_one(parameters().filter_map(|pair| named(pair, name))).map(non_empty)
            }
        }
    }
}

impl Location {
    /// Returns true if this header holds a token behind another scheme. Some services take the
    /// second word without checking the first.
    #[must_use]
    pub fn holds_foreign_token(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Header {
                name,
                scheme: Some(_),
            } => request.values(name).any(holds_jws),
            _ => false,
        }
    }

    /// Returns true if both are places in the same header.
    #[must_use]
    pub fn is_same_header(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => name == other,
            _ => false,
        }
    }

    /// Returns true if a reader may confuse the names of the two places.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let dashed = |name: &str| name.replace(['_', '.', '~'], "-");
        match (self, other) {
            // One header may hold credentials of several schemes.
            (Self::Header { name, .. }, Self::Header { name: other, .. }) => {
                name != other && dashed(name) == dashed(other)
            }
            (Self::Cookie { name }, Self::Cookie { name: other })
            | (Self::Query { name }, Self::Query { name: other }) => {
                fold::is_spelling_of(name.as_bytes(), other)
            }
            _ => false,
        }
    }

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

/// The cookies of all `cookie` fields, without white space around them.
fn cookies<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a [u8]> {
    request
        .values("cookie")
        .flat_map(|value| value.split(|byte| *byte == b';'))
        .map(trim)
}

/// Returns the item, if there is one; more than one is malformed.
fn at_most_one<'a>(mut items: impl Iterator<Item = &'a [u8]>) -> Result<Option<&'a [u8]>, Denial> {
    let first = items.next();
    if items.next().is_some() {
        Err(Denial::TokenMalformed)
    } else {
        Ok(first)
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

/// Returns true if a piece of a `cookie` field contains a cookie whose name a reader may take for
/// `name`, apart from a cookie of exactly this name.
fn is_other_spelling_of_cookie(pair: &[u8], name: &str) -> bool {
    let rest = named(pair, name).unwrap_or(pair);
    // In PHP, names may contain spaces.
    let whole = rest.iter().position(|byte| *byte == b'=');
    let whole = whole.and_then(|end| rest.get(..end));
    let mut names = CookieNames::of(rest).chain(whole);
    names.any(|other| fold::is_spelling_of(other, name))
}

/// Returns true if a query parameter's name is one that a reader may take for `name`, apart from a
/// parameter of exactly this name. Some readers also split parameters at `;`.
fn is_other_spelling_of_parameter(pair: &[u8], name: &str) -> bool {
    let rest = named(pair, name).unwrap_or(pair);
    let mut pieces = rest.split(|byte| *byte == b';');
    if rest.len() < pair.len() {
        pieces.next();
    }
    pieces.any(|piece| {
        let other = piece.split(|byte| *byte == b'=').next();
        fold::is_spelling_of(other.unwrap_or_default(), name)
    })
}

/// All texts in a piece of a `cookie` field that some reader may take for the name of a cookie.
/// Apart from `;`, a comma may separate cookies (Envoy joins fields with it, and old readers split
/// there), and in Python white space.
struct CookieNames<'a> {
    rest: &'a [u8],
    /// A word that is a name if `=` follows.
    waiting: Option<&'a [u8]>,
}

impl<'a> CookieNames<'a> {
    fn of(piece: &'a [u8]) -> Self {
        Self {
            rest: piece,
            waiting: None,
        }
    }

    /// The next run of visible ASCII.
    fn word(&mut self) -> Option<&'a [u8]> {
        let is_visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
        let start = self.rest.iter().position(is_visible)?;
        let (between, rest) = self.rest.split_at_checked(start)?;
        if between.contains(&b',') {
            self.waiting = None;
        }
        let length = rest.iter().position(|byte| !is_visible(byte));
        let (word, rest) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
        self.rest = rest;
        Some(word)
    }
}

impl<'a> Iterator for CookieNames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let word = self.word()?;
            if word.first() == Some(&b'=')
                && let Some(name) = self.waiting.take()
            {
                return Some(name);
            }
            // A word may start with characters that readers trim or skip, `=` included.
            let begins = |byte: &u8| fold::belongs_to_name(*byte) || *byte == b'%';
            let Some(start) = word.iter().position(begins) else {
                continue;
            };
            let name = word.get(start..).unwrap_or_default();
            match name.iter().position(|byte| *byte == b'=') {
                Some(end) => {
                    self.waiting = None;
                    return name.get(..end);
                }
                None => self.waiting = Some(name),
            }
        }
    }
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

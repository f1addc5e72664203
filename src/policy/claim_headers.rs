//! Claim headers, the header names that only Watchword may set, and those that no configuration may
//! set.
//!
//! Values can be read back exactly, and can never end their header or look like two values: all
//! bytes but visible ASCII and inner spaces are percent-encoded, and so is `%`.

use bytes::Bytes;

use crate::jose::Json;
use crate::request::Header;
use crate::token::{ClaimPath, Claims, Denial};

/// The size limit of one header value, in bytes.
const MAX_VALUE: usize = 4096;
/// The size limit of all claim headers of a response, in bytes. Envoy refuses requests with more
/// than 60 KiB of headers.
const MAX_TOTAL: usize = 16384;

/// Headers that make frameworks use another method or path than the one that was checked, each with
/// its underscore form. Express, Rack and Symfony read some of the first three, Laminas and older
/// Symfony the last two.
///
/// `x-original-uri` and `x-original-method` are not in the list: proxies write them for services to
/// read, and no framework that we know of routes by them.
const OVERRIDES: [(&str, &str); 5] = [
    ("x-http-method", "x_http_method"),
    ("x-http-method-override", "x_http_method_override"),
    ("x-method-override", "x_method_override"),
    ("x-original-url", "x_original_url"),
    ("x-rewrite-url", "x_rewrite_url"),
];

/// A lower-case header name that Watchword may manage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(Bytes);

/// The reason for which Watchword cannot manage a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderNameError {
    /// Not a field name, or not in lower case.
    #[error("not a header name in lower case (letters, digits, \"-\" and \"_\")")]
    Form,
    /// A name that HTTP, the proxy or the credential depends on.
    #[error("this header is reserved: HTTP, the proxy or the credential depends on it")]
    Reserved,
    /// A name that may make a framework use another method or path. A claim must not choose them.
    #[error("this header is reserved: frameworks take the method or the path from it")]
    Override,
}

/// A claim that becomes a header.
#[derive(Clone, Debug)]
pub struct ClaimHeader {
    /// The header.
    pub name: HeaderName,
    /// The claim.
    pub claim: ClaimPath,
    /// The encoding of an array.
    pub array: ArrayForm,
    /// True if a token without the claim is denied.
    pub required: bool,
}

/// The encoding of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrayForm {
    /// Elements joined with commas; a comma within an element is percent-encoded.
    #[default]
    Comma,
    /// JSON in ASCII.
    Json,
}

/// The claim headers of one issuer.
#[derive(Clone, Debug, Default)]
pub struct ClaimHeaders(Vec<ClaimHeader>);

/// The header names that some issuer's claims may set, and those that Watchword removes from every
/// request.
#[derive(Debug)]
pub struct ManagedHeaders {
    names: Vec<HeaderName>,
    /// The names with underscores for dashes: many frameworks treat both as the same name.
    underscored: Vec<Bytes>,
    /// The headers that may hold tokens. A look-alike could carry a second credential to the
    /// service.
    credentials: Vec<Box<str>>,
    /// [`OVERRIDES`], or none if the configuration forwards them.
    overrides: &'static [(&'static str, &'static str)],
}

impl HeaderName {
    /// Checks a name from the configuration.
    ///
    /// # Errors
    /// [`HeaderNameError`].
    pub fn parse(name: &str) -> Result<Self, HeaderNameError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > 128 || !name.bytes().all(allowed) {
            return Err(HeaderNameError::Form);
        }
        let dashed = name.replace('_', "-");
        if is_reserved(&dashed) {
            return Err(HeaderNameError::Reserved);
        }
        if OVERRIDES.iter().any(|(known, _)| *known == dashed) {
            return Err(HeaderNameError::Override);
        }
        Ok(Self(Bytes::copy_from_slice(name.as_bytes())))
    }

    /// Returns true if a reader may treat `other` as this name: in another case, with another
    /// character for `-`, or with spaces around it.
    #[must_use]
    pub fn is_like(&self, other: &[u8]) -> bool {
        is_like(&self.0, other)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Checked in `parse`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn is_like(name: &[u8], other: &[u8]) -> bool {
    let other = other.trim_ascii();
    let same = |(ours, theirs): (&u8, &u8)| fold(*ours) == fold(*theirs);
    other.len() == name.len() && name.iter().zip(other).all(same)
}

fn fold(byte: u8) -> u8 {
    // CGI and its descendants map every character but letters and digits to one.
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// Names that HTTP framing, routing or the credential depends on.
fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
        "x-request-id",
    ];
    NAMES.contains(&name)
        || name.starts_with("x-envoy-")
        || name.starts_with("x-forwarded-")
        || name.starts_with("grpc-")
}

impl ClaimHeaders {
    /// The headers of one issuer. The caller ensures that no two names are alike.
    #[must_use]
    pub fn new(headers: Vec<ClaimHeader>) -> Self {
        Self(headers)
    }

    /// Returns the headers that a token's claims set.
    ///
    /// # Errors
    /// [`Denial::ClaimMissing`] for a required claim that is absent, null or empty;
    /// [`Denial::ClaimInvalid`] for a value that cannot be a header value.
    pub fn render(&self, claims: &Claims) -> Result<Vec<(Bytes, Bytes)>, Denial> {
        let mut total = 0;
        let mut headers = Vec::with_capacity(self.0.len());
        for header in &self.0 {
            let Some(value) = header.render(claims)? else {
                continue;
            };
            total += value.len();
            if value.len() > MAX_VALUE || total > MAX_TOTAL {
                return Err(header.invalid());
            }
            headers.push((header.name.0.clone(), Bytes::from(value)));
        }
        Ok(headers)
    }
}

impl ClaimHeader {
    fn render(&self, claims: &Claims) -> Result<Option<String>, Denial> {
        let claim = claims.at(&self.claim);
        let mut value = String::new();
        if let Some(claim) = claim {
            self.write(claim, &mut value)
                .ok_or_else(|| self.invalid())?;
        }
        match (value.is_empty(), self.required) {
            (false, _) => Ok(Some(value)),
            (true, false) => Ok(None),
            (true, true) => Err(Denial::ClaimMissing {
                claim: self.claim.to_string().into(),
            }),
        }
    }

    fn write(&self, claim: &Json, out: &mut String) -> Option<()> {
        match claim {
            Json::Null => Some(()),
            Json::Array(elements) if self.array == ArrayForm::Comma => {
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_element(element, out)?;
                }
                Some(())
            }
            Json::String(text) if self.array == ArrayForm::Comma => write_text(text, "", out),
            other => {
                other.write_ascii(out);
                Some(())
            }
        }
    }

    fn invalid(&self) -> Denial {
        Denial::ClaimInvalid {
            claim: self.claim.to_string().into(),
        }
    }
}

fn write_element(element: &Json, out: &mut String) -> Option<()> {
    if let Json::String(text) = element {
        return write_text(text, ",", out);
    }
    let mut json = String::new();
    element.write_ascii(&mut json);
    write_text(&json, ",", out)
}

/// Percent-encodes all but visible ASCII, and also `%`, the bytes of `also`, and spaces that a
/// reader might trim or fold. `None` for a control character: only attackers need one.
fn write_text(text: &str, also: &str, out: &mut String) -> Option<()> {
    use std::fmt::Write as _;
    if text.chars().any(char::is_control) {
        return None;
    }
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied();
        let plain = match byte {
            b' ' => {
                let before = neighbour(index.checked_sub(1));
                let after = neighbour(index.checked_add(1));
                before.is_some_and(|b| b != b' ') && after.is_some()
            }
            b'%' => false,
            0x21..=0x7e => !also.as_bytes().contains(byte),
            _ => false,
        };
        if plain {
            out.push(char::from(*byte));
        } else {
            write!(out, "%{byte:02X}").ok()?;
        }
    }
    Some(())
}

impl ManagedHeaders {
    pub(super) fn new<'a>(
        issuers: impl Iterator<Item = &'a ClaimHeaders>,
        credentials: Vec<Box<str>>,
    ) -> Self {
        let mut names: Vec<HeaderName> = Vec::new();
        for header in issuers.flat_map(|headers| &headers.0) {
            if !names.contains(&header.name) {
                names.push(header.name.clone());
            }
        }
        let underscored = |name: &HeaderName| {
            let text = name
                .0
                .iter()
                .map(|byte| if *byte == b'-' { b'_' } else { *byte });
            text.collect::<Bytes>()
        };
        let underscored = names
            .iter()
            .filter(|name| name.0.contains(&b'-'))
            .map(underscored)
            .collect();
        Self {
            names,
            underscored,
            credentials,
            overrides: &OVERRIDES,
        }
    }

    pub(super) fn forward_overrides(&mut self) {
        self.overrides = &[];
    }

    /// The names that some issuer's claims may set.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.names.iter()
    }

    /// The names of headers that may change the method or the path, in the form with dashes; none
    /// if the configuration forwards them.
    pub fn overrides(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|(dashed, _)| *dashed)
    }

    /// Returns the names to remove from a request with the headers `received`, given the headers
    /// `set`: managed names that are not set, override headers, the underscore forms of both, and
    /// received headers that a service may take for one of these or for a token header.
    ///
    /// Fixed names are listed even if they were not received: the proxy may hide headers.
    #[must_use]
    pub fn to_remove(&self, set: &[(Bytes, Bytes)], received: &[Header<'_>]) -> Vec<Bytes> {
        let is_set = |name: &Bytes| set.iter().any(|(known, _)| known == name);
        let most = self.names.len() + self.underscored.len() + 2 * self.overrides.len();
        let mut remove = Vec::with_capacity(most);
        let managed = self.names.iter().map(|name| &name.0);
        let managed = managed.chain(&self.underscored);
        remove.extend(managed.filter(|name| !is_set(name)).cloned());
        // Claims never set these: their names are reserved.
        let overrides = self.overrides.iter();
        remove.extend(overrides.flat_map(|(dashed, underscored)| {
            [dashed, underscored].map(|name| Bytes::from_static(name.as_bytes()))
        }));
        let fixed = remove.len();
        for header in received {
            let alias = self.names.iter().any(|name| name.is_like(header.name))
                || self.is_like_override(header.name);
            let second = self.is_credential_lookalike(header.name);
            if alias || second {
                let lower = Bytes::from(header.name.to_ascii_lowercase());
                if !is_set(&lower) {
                    remove.push(lower);
                }
            }
        }
        // Sorted, not searched: a caller may send a hundred thousand headers.
        if remove.len() > fixed {
            remove.sort_unstable();
            remove.dedup();
        }
        remove
    }

    /// Returns true if a service may treat this header as a token header, although its name
    /// differs.
    pub(super) fn is_credential_lookalike(&self, other: &[u8]) -> bool {
        self.credentials.iter().any(|name| {
            is_like(name.as_bytes(), other) && !name.as_bytes().eq_ignore_ascii_case(other)
        })
    }

    fn is_like_override(&self, name: &[u8]) -> bool {
        let mut names = self.overrides.iter();
        names.any(|(dashed, _)| is_like(dashed.as_bytes(), name))
    }
}

#[cfg(test)]
mod tests;

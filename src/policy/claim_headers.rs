//! Turns claims into headers.
//!
//! Values can be read back exactly, and can never end their header or look like two values: all
//! bytes but visible ASCII and inner spaces are percent-encoded, and so is `%`.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::jose::Json;
use crate::token::{ClaimPath, Claims, Denial, claim_invalid, claim_missing};

use super::HeaderName;

/// The size limit of one header value, in bytes.
const MAX_VALUE: usize = 4096;
/// The size limit of all claim headers of a response, in bytes. Envoy refuses requests with more
/// than 60 KiB of headers.
const MAX_TOTAL: usize = 16384;

#[derive(Clone, Debug)]
pub(crate) struct ClaimHeader {
    pub(crate) name: HeaderName,
    pub(crate) claim: ClaimPath,
    pub(crate) array: ArrayForm,
    /// True if a token without the claim is denied.
    pub(crate) required: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ArrayForm {
    /// Elements joined with commas; a comma within an element is percent-encoded.
    #[default]
    Comma,
    /// JSON in ASCII.
    Json,
}

/// The headers of one issuer. No two names are alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimHeaders(pub(crate) Vec<ClaimHeader>);

impl ClaimHeaders {
    pub(super) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|header| &header.name)
    }

    /// Returns the headers that a token's claims set.
    ///
    /// # Errors
    /// [`Denial::ClaimMissing`] for a required claim that is absent, null or empty;
    /// [`Denial::ClaimInvalid`] for a value that cannot be a header value.
    pub(crate) fn render(&self, claims: &Claims) -> Result<Vec<(Bytes, Bytes)>, Denial> {
        let mut total = 0;
        let mut headers = Vec::with_capacity(self.0.len());
        for header in &self.0 {
            let Some(value) = header.render(claims)? else {
                continue;
            };
            total += value.len();
            if value.len() > MAX_VALUE || total > MAX_TOTAL {
                return Err(claim_invalid(&header.claim.to_string()));
            }
            headers.push((header.name.0.clone(), Bytes::from(value)));
        }
        Ok(headers)
    }
}

impl ClaimHeader {
    fn render(&self, claims: &Claims) -> Result<Option<String>, Denial> {
        let mut value = String::new();
        if let Some(claim) = claims.at(&self.claim) {
            let written = self.write(claim, &mut value);
            written.ok_or_else(|| claim_invalid(&self.claim.to_string()))?;
        }
        match (value.is_empty(), self.required) {
            (false, _) => Ok(Some(value)),
            (true, false) => Ok(None),
            (true, true) => Err(claim_missing(&self.claim.to_string())),
        }
    }

    fn write(&self, claim: &Json, out: &mut String) -> Option<()> {
        match (claim, self.array) {
            (Json::Null, _) => {}
            (Json::Array(elements), ArrayForm::Comma) => {
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_element(element, out)?;
                }
            }
            (Json::String(text), ArrayForm::Comma) => write_text(text, "", out)?,
            (other, _) => other.write_ascii(out),
        }
        Some(())
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
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut before = b' ';
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let is_plain = match byte {
            b' ' => before != b' ' && bytes.peek().is_some(),
            b'%' => false,
            _ => byte.is_ascii_graphic() && !also.as_bytes().contains(&byte),
        };
        if is_plain {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").ok()?;
        }
        before = byte;
    }
    Some(())
}

#[cfg(test)]
mod tests;

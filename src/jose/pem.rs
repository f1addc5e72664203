//! Public keys in PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY` and `CERTIFICATE`.
//!
//! Each block becomes a JWK without `kid`, and is judged as every JWK is. Of a certificate, its key is taken, and
//! neither its validity, nor its signature, nor its chain is looked at: naming the file is the trust. What a
//! certificate says of its key is heeded, so that no file makes a certificate authority a signer of tokens by
//! accident:
//!
//! * `keyUsage` without `digitalSignature`: not for verifying (RFC 5280 §4.2.1.3).
//! * A certificate authority (`basicConstraints` with `cA`, or the issuer of another certificate in the text, since
//!   old roots say nothing): not for verifying, unless it is the only entry of the whole key set. A self-signed
//!   certificate for signing tokens, which many tools mark as an authority, works if it is alone.
//!
//! A private key is refused with the whole text: somebody named the wrong file. Whatever begins or ends a block and
//! cannot be read counts as a malformed entry, so that a damaged file never looks like a smaller one.

mod public_key;

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::{Decode as _, referenced::OwnedToRef as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::{Certificate, TbsCertificate};

use super::document::Entry;
use super::json::Json;
use super::jwk::SkipReason;

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";

/// The text holds a private key.
pub(super) struct PrivateKey;

/// Whether the text is to be read as PEM.
pub(super) fn is_pem(text: &[u8]) -> bool {
    contains(text, BEGIN)
}

/// The key of every block, in order.
pub(super) fn entries(text: &[u8]) -> Result<Vec<Entry>, PrivateKey> {
    let contents: Vec<_> = blocks(text)?.into_iter().map(Block::content).collect();
    let certificates = contents.iter().flatten();
    let issuers: HashSet<Name> = certificates.filter_map(Content::issuer).cloned().collect();
    let entry = |content: Result<Content, SkipReason>| {
        let entry = content.and_then(|content| content.entry(&issuers));
        entry.unwrap_or_else(Entry::Unusable)
    };
    Ok(contents.into_iter().map(entry).collect())
}

/// What a block holds.
enum Content {
    Key(Json),
    Certificate(Box<Certificate>),
}

impl Content {
    /// Who issued a certificate. What is self-issued says nothing about others, even if they have the same name.
    fn issuer(&self) -> Option<&Name> {
        let Self::Certificate(certificate) = self else {
            return None;
        };
        let certificate = certificate.tbs_certificate();
        Some(certificate.issuer()).filter(|issuer| *issuer != certificate.subject())
    }

    fn entry(self, issuers: &HashSet<Name>) -> Result<Entry, SkipReason> {
        match self {
            Self::Key(jwk) => Ok(Entry::Key(jwk)),
            Self::Certificate(certificate) => certified(certificate.tbs_certificate(), issuers),
        }
    }
}

/// The key of a certificate, and what it may be used for.
fn certified(certificate: &TbsCertificate, issuers: &HashSet<Name>) -> Result<Entry, SkipReason> {
    let usage = certificate.get_extension::<KeyUsage>()?;
    if usage.is_some_and(|(_, usage)| !usage.digital_signature()) {
        return Err(SkipReason::NotForVerifying);
    }
    let constraints = certificate.get_extension::<BasicConstraints>()?;
    let authority = constraints.is_some_and(|(_, constraints)| constraints.ca)
        || issuers.contains(certificate.subject());
    let key = certificate.subject_public_key_info().owned_to_ref();
    let jwk = public_key::from_spki(&key)?;
    Ok(if authority {
        Entry::Authority(jwk)
    } else {
        Entry::Key(jwk)
    })
}

/// From one boundary to the other. The label is `None` where a boundary is missing or not well-formed, or they differ.
#[derive(Default)]
struct Block<'a> {
    label: Option<&'a [u8]>,
    base64: Vec<u8>,
}

impl Block<'_> {
    fn content(self) -> Result<Content, SkipReason> {
        let label = self.label.ok_or(SkipReason::Malformed)?;
        let decoded = STANDARD.decode(&self.base64);
        let der = decoded.map_err(|_| SkipReason::Malformed);
        match label {
            b"PUBLIC KEY" => {
                let der = der?;
                let key = SubjectPublicKeyInfoRef::from_der(&der)?;
                public_key::from_spki(&key).map(Content::Key)
            }
            b"RSA PUBLIC KEY" => public_key::from_pkcs1(&der?).map(Content::Key),
            b"CERTIFICATE" => {
                let certificate = Certificate::from_der(&der?)?;
                Ok(Content::Certificate(Box::new(certificate)))
            }
            _ => Err(SkipReason::Unsupported),
        }
    }
}

/// The blocks of a text, which may hold other lines around them (RFC 7468 §2).
fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, PrivateKey> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    for line in lines.map(<[u8]>::trim_ascii) {
        if contains(line, BEGIN) {
            if contains(line, b"PRIVATE KEY") {
                return Err(PrivateKey);
            }
            let begun = Block {
                label: label(line, BEGIN),
                base64: Vec::new(),
            };
            let unended = open.replace(begun);
            blocks.extend(unended.map(|_| Block::default()));
        } else if contains(line, END) {
            let ended = open.take().filter(|block| block.label == label(line, END));
            blocks.push(ended.unwrap_or_default());
        } else if let Some(block) = &mut open {
            block.base64.extend_from_slice(line);
        }
    }
    blocks.extend(open.map(|_| Block::default()));
    Ok(blocks)
}

/// The label in a boundary line, which holds nothing else.
fn label<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(boundary)?
        .strip_prefix(b" ")?
        .strip_suffix(b"-----")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl From<x509_cert::der::Error> for SkipReason {
    fn from(_: x509_cert::der::Error) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;

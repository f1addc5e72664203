//! Public keys in PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY` and `CERTIFICATE`.
//!
//! Each block becomes a JWK without `kid`, with the same checks. Of a certificate, only the key is
//! used: its validity, signature and chain are not checked, because the configuration names the
//! file as trusted. Its restrictions on the key apply, so a certificate authority does not become a
//! signer of tokens by accident:
//!
//! * `keyUsage` without `digitalSignature`: not for verifying (RFC 5280 §4.2.1.3).
//! * A certificate authority (`basicConstraints` with `cA`, or the issuer of another certificate in
//!   the text, since old roots lack the extension): not for verifying, unless it is the only entry
//!   of the key set. Many tools mark self-signed signing certificates as authorities.
//!
//! A private key makes the whole text invalid: it is the wrong file. Each unreadable block counts
//! as a malformed entry, so a damaged file never looks like a smaller one.

pub(super) mod public_key;

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::{Decode as _, Encode as _, referenced::OwnedToRef as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::{Certificate, TbsCertificate};

use super::KeySetError;
use super::document::DocumentEntry;
use super::json::Json;
use super::jwk::SkipReason;
use super::key_set::MAX_KEYS;

pub(super) const BEGIN: &[u8] = b"-----BEGIN";
pub(super) const END: &[u8] = b"-----END";
/// The size limit of a block, in base64. A certificate takes many times its size while it is
/// parsed.
pub(super) const MAX_BLOCK: usize = 64 * 1024;

pub(super) fn has_block(text: &[u8]) -> bool {
    contains(text, BEGIN)
}

/// The key of every block, in order.
///
/// # Errors
/// [`KeySetError::PrivateKey`]; [`KeySetError::TooMany`] blocks.
pub(super) fn entries(text: &[u8]) -> Result<Vec<DocumentEntry>, KeySetError> {
    let contents: Vec<_> = blocks(text)?.into_iter().map(Block::content).collect();
    let certificates = contents.iter().flatten();
    let issuers: HashSet<Box<[u8]>> = certificates
        .filter_map(PemContent::issuer)
        .map(Into::into)
        .collect();
    let entry = |content: Result<PemContent, SkipReason>| {
        let entry = content.and_then(|content| content.entry(&issuers));
        entry.unwrap_or_else(DocumentEntry::Unusable)
    };
    Ok(contents.into_iter().map(entry).collect())
}

enum PemContent {
    Key(Json),
    Certificate(Box<Certified>),
}

/// The parts of a certificate that are used.
struct Certified {
    /// Names, in DER.
    subject: Box<[u8]>,
    issuer: Box<[u8]>,
    key: Result<CertifiedKey, SkipReason>,
}

struct CertifiedKey {
    jwk: Json,
    is_authority: bool,
}

impl PemContent {
    /// The issuer of a certificate; `None` if it is self-issued, which says nothing about others of
    /// the same name.
    fn issuer(&self) -> Option<&[u8]> {
        let Self::Certificate(certificate) = self else {
            return None;
        };
        Some(&*certificate.issuer).filter(|issuer| *issuer != &*certificate.subject)
    }

    fn entry(self, issuers: &HashSet<Box<[u8]>>) -> Result<DocumentEntry, SkipReason> {
        let certificate = match self {
            Self::Key(jwk) => return Ok(DocumentEntry::Key(jwk)),
            Self::Certificate(certificate) => certificate,
        };
        let CertifiedKey { jwk, is_authority } = certificate.key?;
        Ok(if is_authority || issuers.contains(&certificate.subject) {
            DocumentEntry::Authority(jwk)
        } else {
            DocumentEntry::Key(jwk)
        })
    }
}

impl Certified {
    fn from_der(der: &[u8]) -> Result<Self, SkipReason> {
        let certificate = Certificate::from_der(der)?;
        let certificate = certificate.tbs_certificate();
        Ok(Self {
            subject: certificate.subject().to_der()?.into(),
            issuer: certificate.issuer().to_der()?.into(),
            key: CertifiedKey::of(certificate),
        })
    }
}

impl CertifiedKey {
    fn of(certificate: &TbsCertificate) -> Result<Self, SkipReason> {
        let usage = certificate.get_extension::<KeyUsage>()?;
        if usage.is_some_and(|(_, usage)| !usage.digital_signature()) {
            return Err(SkipReason::NotForVerifying);
        }
        let constraints = certificate.get_extension::<BasicConstraints>()?;
        let key = certificate.subject_public_key_info().owned_to_ref();
        Ok(Self {
            jwk: public_key::from_spki(&key)?,
            is_authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
        })
    }
}

/// A block from `BEGIN` to `END`. The label is `None` if a boundary is missing or malformed, or the
/// labels differ.
#[derive(Default)]
struct Block<'a> {
    label: Option<&'a [u8]>,
    base64: Vec<u8>,
}

impl Block<'_> {
    fn content(self) -> Result<PemContent, SkipReason> {
        let label = self.label.ok_or(SkipReason::Malformed)?;
        if self.base64.len() > MAX_BLOCK {
            return Err(SkipReason::Malformed);
        }
        let decoded = STANDARD.decode(&self.base64);
        let der = decoded.map_err(|_| SkipReason::Malformed);
        match label {
            b"PUBLIC KEY" => {
                let der = der?;
                let key = SubjectPublicKeyInfoRef::from_der(&der)?;
                public_key::from_spki(&key).map(PemContent::Key)
            }
            b"RSA PUBLIC KEY" => public_key::from_pkcs1(&der?).map(PemContent::Key),
            b"CERTIFICATE" => {
                let certificate = Certified::from_der(&der?)?;
                Ok(PemContent::Certificate(Box::new(certificate)))
            }
            _ => Err(SkipReason::Unsupported),
        }
    }
}

/// The blocks of a text, which may have other lines around them (RFC 7468 §2).
fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, KeySetError> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    let mut too_many = false;
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    for line in lines.map(<[u8]>::trim_ascii) {
        if contains(line, BEGIN) {
            if contains(line, b"PRIVATE KEY") {
                return Err(KeySetError::PrivateKey);
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
        // Continues, because the rest may contain a private key.
        if blocks.len() > MAX_KEYS {
            blocks.truncate(MAX_KEYS);
            too_many = true;
        }
    }
    blocks.extend(open.map(|_| Block::default()));
    if too_many || blocks.len() > MAX_KEYS {
        return Err(KeySetError::TooMany);
    }
    Ok(blocks)
}

/// The label of a boundary line that contains nothing else.
pub(super) fn label<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(boundary)?
        .strip_prefix(b" ")?
        .strip_suffix(b"-----")
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl From<x509_cert::der::Error> for SkipReason {
    fn from(_: x509_cert::der::Error) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;

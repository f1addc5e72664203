//! Private keys in PEM (RFC 7468): `PRIVATE KEY`, `RSA PRIVATE KEY` and `EC PRIVATE KEY`; and the
//! public keys that may stand between them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, referenced::OwnedToRef as _};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::{KeyDescription, PrivateKey, PrivateKeyError, ReadKey, SecretBytes, der};
use crate::jose::key_set::MAX_KEYS;
use crate::jose::pem::{BEGIN, END, MAX_BLOCK, contains, label, public_key};

type PemKey = Result<ReadKey, PrivateKeyError>;

/// The key of every block, in order. Parameters of curves, which OpenSSL writes before a key, are
/// not keys.
pub(super) fn keys(text: &[u8]) -> Result<Vec<PemKey>, PrivateKeyError> {
    let mut keys = Vec::new();
    let mut open: Option<KeyBlock<'_>> = None;
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        if contains(line, BEGIN) {
            let begun = KeyBlock::new(label(line, BEGIN), text.len());
            let unended = open.replace(begun);
            keys.extend(unended.map(|_| Err(PrivateKeyError::Pem)));
        } else if contains(line, END) {
            let ended = open.take().filter(|block| block.label == label(line, END));
            keys.extend(ended.map_or(Some(Err(PrivateKeyError::Pem)), KeyBlock::key));
        } else if let Some(block) = &mut open {
            block.push(line);
        }
        if keys.len() > MAX_KEYS {
            return Err(PrivateKeyError::TooMany);
        }
    }
    keys.extend(open.map(|_| Err(PrivateKeyError::Pem)));
    Ok(keys)
}

struct KeyBlock<'a> {
    label: Option<&'a [u8]>,
    base64: SecretBytes,
    /// Longer than any key.
    is_too_long: bool,
    /// `Proc-Type: 4,ENCRYPTED` (RFC 1421 §4.6.1.1), as OpenSSL wrote it before PKCS#8.
    is_encrypted: bool,
}

impl<'a> KeyBlock<'a> {
    fn new(label: Option<&'a [u8]>, text_length: usize) -> Self {
        Self {
            label,
            // Never grows, which would leave a copy behind.
            base64: Zeroizing::new(Vec::with_capacity(text_length.min(MAX_BLOCK))),
            is_too_long: false,
            is_encrypted: false,
        }
    }

    fn push(&mut self, line: &[u8]) {
        if line.starts_with(b"Proc-Type:") && contains(line, b"ENCRYPTED") {
            self.is_encrypted = true;
        } else if self.base64.len() + line.len() > MAX_BLOCK {
            self.is_too_long = true;
        } else {
            self.base64.extend_from_slice(line);
        }
    }

    /// `None` for a block that is no key.
    fn key(self) -> Option<PemKey> {
        let label = match self.label {
            None => return Some(Err(PrivateKeyError::Pem)),
            Some(b"EC PARAMETERS") => return None,
            Some(label) => label,
        };
        Some(self.named(label))
    }

    fn named(&self, label: &[u8]) -> PemKey {
        if self.is_encrypted || label == b"ENCRYPTED PRIVATE KEY" {
            return Err(PrivateKeyError::Encrypted);
        }
        let material = match label {
            b"PRIVATE KEY" => der::pkcs8(&self.der()?)?,
            b"RSA PRIVATE KEY" => der::pkcs1(&self.der()?)?,
            b"EC PRIVATE KEY" => der::sec1(&self.der()?, None)?,
            b"OPENSSH PRIVATE KEY" => return Err(PrivateKeyError::OpenSsh),
            _ => return self.public(label),
        };
        let key = PrivateKey::checked(KeyDescription::default(), material)?;
        Ok(ReadKey::Private(Box::new(key)))
    }

    fn public(&self, label: &[u8]) -> PemKey {
        let jwk = match label {
            b"PUBLIC KEY" => {
                public_key::from_spki(&SubjectPublicKeyInfoRef::from_der(&self.der()?)?)
            }
            b"RSA PUBLIC KEY" => public_key::from_pkcs1(&self.der()?),
            b"CERTIFICATE" => {
                let certificate = Certificate::from_der(&self.der()?)?;
                let certificate = certificate.tbs_certificate();
                public_key::from_spki(&certificate.subject_public_key_info().owned_to_ref())
            }
            _ => return Err(PrivateKeyError::Label),
        };
        ReadKey::from_jwk(&jwk?)
    }

    fn der(&self) -> Result<SecretBytes, PrivateKeyError> {
        if self.is_too_long {
            return Err(PrivateKeyError::Pem);
        }
        let decoded = STANDARD.decode(&*self.base64);
        decoded
            .map(Zeroizing::new)
            .map_err(|_| PrivateKeyError::Pem)
    }
}

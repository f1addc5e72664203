//! Encrypted tokens in compact form (RFC 7516).
//!
//! A token that decrypts proves nothing about its origin: anybody can encrypt to a public key. The
//! caller must require that the content is a signed token.
//!
//! After the header is read, there is one error, whatever failed. If no content key can be
//! recovered, a random one takes its place, so that a forged encrypted key fails as a forged
//! content does (RFC 7516 §11.5).

mod agreement;
mod algorithm;
mod content;
mod decryption_key;
mod encrypt;
mod header;
mod inflate;
mod key_wrap;

pub use algorithm::{ContentEncryption, KeyAlgorithm};
pub use decryption_key::DecryptionKey;
pub(crate) use decryption_key::public_key_set;
pub use encrypt::EncryptionKey;
pub use header::JweHeader;

use std::ops::Deref;

use zeroize::Zeroizing;

use super::JoseError;
use super::compact::{Compact, JweSegments, decode};

use content::{ContentKey, SealedContent};

/// The content of a decrypted token, which is authentic. Wiped when it is dropped.
pub struct DecryptedContent {
    bytes: Zeroizing<Vec<u8>>,
    is_from_shared_key: bool,
}

/// A well-formed encrypted token, whose algorithms are implemented.
pub struct Jwe<'a> {
    header: JweHeader,
    algorithm: KeyAlgorithm,
    encryption: ContentEncryption,
    /// The header as it stands in the token, which is authenticated with the content.
    header_segment: &'a str,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> Jwe<'a> {
    /// Parses a compact token.
    ///
    /// # Errors
    /// [`JoseError::Malformed`], also for a signed token; [`JoseError::TooLarge`],
    /// [`JoseError::CritUnsupported`]; [`JoseError::AlgNotAllowed`] for algorithms that are not
    /// implemented.
    pub fn parse(token: &'a str) -> Result<Self, JoseError> {
        match Compact::split(token)? {
            Compact::Jwe(segments) => segments.open(segments.header()?),
            Compact::Jws(_) => Err(JoseError::Malformed),
        }
    }

    /// The header. Not authenticated before the token is decrypted.
    #[must_use]
    pub fn header(&self) -> &JweHeader {
        &self.header
    }

    /// The key management algorithm.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The content encryption.
    #[must_use]
    pub fn encryption(&self) -> ContentEncryption {
        self.encryption
    }

    /// Decrypts the content, and inflates it if it is compressed, to at most `max_content` bytes.
    ///
    /// # Errors
    /// [`JoseError::DecryptFailed`], whatever failed; [`JoseError::TooLarge`] for an authentic
    /// content that is larger.
    pub fn decrypt(
        &self,
        key: &DecryptionKey,
        max_content: usize,
    ) -> Result<DecryptedContent, JoseError> {
        let failed = JoseError::DecryptFailed;
        // Made before it is known to be needed, so that the time tells nothing.
        let random = ContentKey::random(self.encryption).map_err(|_| failed)?;
        let content_key = key.content_key(self).unwrap_or(random);
        let mut bytes = content_key.open(self.sealed()).map_err(|_| failed)?;
        if self.header.is_compressed() {
            bytes = inflate::inflate(&bytes, max_content)?;
        }
        Ok(DecryptedContent {
            bytes,
            is_from_shared_key: !key.is_private(),
        })
    }

    /// The header alone, to keep after the token is decrypted.
    #[must_use]
    pub fn into_header(self) -> JweHeader {
        self.header
    }

    fn sealed(&self) -> SealedContent<'_> {
        SealedContent {
            iv: &self.iv,
            header: self.header_segment,
            ciphertext: &self.ciphertext,
            tag: &self.tag,
        }
    }
}

impl DecryptedContent {
    /// Returns true if a shared key decrypted it. Anybody can encrypt to a public key, and that
    /// content is authentic too.
    #[must_use]
    pub fn is_from_shared_key(&self) -> bool {
        self.is_from_shared_key
    }
}

impl Deref for DecryptedContent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> JweSegments<'a> {
    pub(crate) fn header(&self) -> Result<JweHeader, JoseError> {
        JweHeader::parse(self.header)
    }

    /// Decodes the other segments. RFC 7516 §5.2, steps 10 and 11: the encrypted key is present
    /// exactly if the algorithm has one.
    pub(crate) fn open(&self, header: JweHeader) -> Result<Jwe<'a>, JoseError> {
        let algorithm = header.algorithm().ok_or(JoseError::AlgNotAllowed)?;
        let encryption = header.encryption().ok_or(JoseError::AlgNotAllowed)?;
        let encrypted_key = decode(self.encrypted_key)?;
        if encrypted_key.is_empty() == algorithm.has_encrypted_key() {
            return Err(JoseError::Malformed);
        }
        Ok(Jwe {
            header,
            algorithm,
            encryption,
            header_segment: self.header,
            encrypted_key,
            iv: decode(self.iv)?,
            ciphertext: decode(self.ciphertext)?,
            tag: decode(self.tag)?,
        })
    }
}

// Token content is never printed.
crate::escape::redact! {
    "Jwe" for Jwe<'_>;
    "DecryptedContent" for DecryptedContent;
}

#[cfg(test)]
mod tests;

//! The compact serialization (RFC 7515 §7.1, RFC 7516 §7.1): segments and strict base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{JoseError, JoseHeader, Jws};

/// The segments of a token in compact form, still encoded.
pub(crate) enum Compact<'a> {
    /// Three segments.
    Jws(JwsSegments<'a>),
    /// Five segments.
    Jwe(JweSegments<'a>),
}

/// The segments of a signed token (RFC 7515 §7.1).
pub(crate) struct JwsSegments<'a> {
    /// `header.payload`, the bytes that are signed.
    signing_input: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The segments of an encrypted token (RFC 7516 §7.1).
pub(crate) struct JweSegments<'a> {
    pub(super) header: &'a str,
    pub(super) encrypted_key: &'a str,
    pub(super) iv: &'a str,
    pub(super) ciphertext: &'a str,
    pub(super) tag: &'a str,
}

impl<'a> Compact<'a> {
    /// Splits at dots; stops after five segments.
    pub(crate) fn split(token: &'a str) -> Result<Self, JoseError> {
        let mut rest = token.splitn(6, '.');
        let segments = [(); 6].map(|()| rest.next());
        match segments {
            [Some(header), Some(payload), Some(signature), None, ..] => {
                let signed = token.len() - signature.len() - 1;
                let signing_input = token.get(..signed).ok_or(JoseError::Malformed)?;
                Ok(Self::Jws(JwsSegments {
                    signing_input,
                    header,
                    payload,
                    signature,
                }))
            }
            [
                Some(header),
                Some(encrypted_key),
                Some(iv),
                Some(ciphertext),
                Some(tag),
                None,
            ] => Ok(Self::Jwe(JweSegments {
                header,
                encrypted_key,
                iv,
                ciphertext,
                tag,
            })),
            _ => Err(JoseError::Malformed),
        }
    }
}

impl JweSegments<'_> {
    pub(crate) fn header_bytes(&self) -> Result<Vec<u8>, JoseError> {
        decode(self.header)
    }
}

impl<'a> JwsSegments<'a> {
    pub(crate) fn header_bytes(&self) -> Result<Vec<u8>, JoseError> {
        decode(self.header)
    }

    pub(crate) fn header(&self) -> Result<JoseHeader, JoseError> {
        JoseHeader::parse(self.header)
    }

    /// Decodes the payload and the signature.
    pub(crate) fn open(&self, header: JoseHeader) -> Result<Jws<'a>, JoseError> {
        Ok(Jws {
            signing_input: self.signing_input,
            header,
            payload: decode(self.payload)?,
            signature: decode(self.signature)?,
        })
    }
}

/// Decodes base64url without padding; refuses white space, other alphabets and stray trailing bits.
pub(super) fn decode(segment: &str) -> Result<Vec<u8>, JoseError> {
    let decoded = URL_SAFE_NO_PAD.decode(segment);
    decoded.map_err(|_| JoseError::Malformed)
}

/// Encodes in base64url without padding.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns true if the text has only bytes that a compact token may contain. Checks every byte
/// without stopping early, which the compiler turns into vector instructions.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "branches would keep the loop from being vectorized"
)]
pub(crate) fn is_token_text(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let digit = byte.wrapping_sub(b'0') < 10;
        all & (letter | digit | (*byte == b'-') | (*byte == b'_') | (*byte == b'.'))
    })
}

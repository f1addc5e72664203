//! The ciphers of contents, one of each kind (RFC 7518 §5).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::{hmac, rand};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCipher {
    A256Gcm,
    A128CbcHs256,
}

/// In bytes; also the length of a CBC initialization vector.
const BLOCK: usize = 16;
/// In bytes, for both ciphers.
pub(super) const KEY: usize = 32;

impl ContentCipher {
    pub const ALL: [Self; 2] = [Self::A256Gcm, Self::A128CbcHs256];

    /// Its `enc`.
    pub fn name(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
        }
    }

    pub(super) fn new_iv(self) -> Vec<u8> {
        random(match self {
            Self::A256Gcm => NONCE_LEN,
            Self::A128CbcHs256 => BLOCK,
        })
    }

    /// Ciphertext and tag.
    pub(super) fn seal(
        self,
        key: &[u8],
        iv: &[u8],
        header: &str,
        content: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::A256Gcm => {
                let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
                let nonce = Nonce::try_assume_unique_for_key(iv).unwrap();
                let mut text = content.to_vec();
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), &mut text);
                (text, tag.unwrap().as_ref().to_vec())
            }
            Self::A128CbcHs256 => {
                let text = encrypt_blocks(key, iv, &padded(content));
                let tag = mac(key, iv, header, &text);
                (text, tag)
            }
        }
    }
}

/// AES-CBC of whole blocks, with the second half of a content key: whatever padding they have, or
/// none.
pub fn encrypt_blocks(content_key: &[u8], iv: &[u8], blocks: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_128, &content_key[KEY / 2..]).unwrap();
    let iv: [u8; BLOCK] = iv.try_into().expect("an IV of one block");
    let mut text = blocks.to_vec();
    let context = EncryptionContext::Iv128(iv.into());
    let key = EncryptingKey::cbc(key).unwrap();
    key.less_safe_encrypt(&mut text, context).unwrap();
    text
}

/// RFC 7518 §5.2.2.1.
pub(super) fn mac(content_key: &[u8], iv: &[u8], header: &str, ciphertext: &[u8]) -> Vec<u8> {
    let bits = 8 * u64::try_from(header.len()).unwrap();
    let bits = bits.to_be_bytes();
    let input = [header.as_bytes(), iv, ciphertext, &bits].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &content_key[..KEY / 2]);
    hmac::sign(&key, &input).as_ref()[..BLOCK].to_vec()
}

/// PKCS #7: as many bytes as are missing, each of that value.
fn padded(content: &[u8]) -> Vec<u8> {
    let missing = BLOCK - content.len() % BLOCK;
    let padding = vec![u8::try_from(missing).unwrap(); missing];
    [content, &padding].concat()
}

pub(super) fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).expect("random bytes");
    bytes
}

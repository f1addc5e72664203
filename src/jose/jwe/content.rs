//! Content encryption (RFC 7518 §5). Content is decrypted only if it is authentic.

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{aead, hmac, rand};
use zeroize::Zeroizing;

use super::algorithm::{ContentCipher, ContentEncryption};

/// The length of a GCM tag, in bytes. A shorter one is easier to forge.
const GCM_TAG_LENGTH: usize = 16;
/// The length of a CBC initialization vector, in bytes.
const CBC_IV_LENGTH: usize = 16;

/// A content key for one algorithm, of the right length.
pub(super) struct ContentKey {
    encryption: ContentEncryption,
    bytes: Zeroizing<Vec<u8>>,
}

/// The parts of a token that its content key decrypts and authenticates.
#[derive(Clone, Copy)]
pub(super) struct SealedContent<'a> {
    pub(super) iv: &'a [u8],
    /// The header as it stands in the token, which is authenticated with the content.
    pub(super) header: &'a str,
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8],
}

/// A content after encryption, or a content key that is wrapped with AES-GCM.
pub(super) struct EncryptedContent {
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl ContentKey {
    /// A key of the length that the algorithm needs; `None` for any other length.
    pub(super) fn new(encryption: ContentEncryption, bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == encryption.key_length()).then_some(Self { encryption, bytes })
    }

    pub(super) fn random(encryption: ContentEncryption) -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new(vec![0; encryption.key_length()]);
        rand::fill(&mut bytes)?;
        Ok(Self { encryption, bytes })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decrypts and authenticates the content.
    pub(super) fn open(
        &self,
        sealed: SealedContent<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        match self.encryption.cipher() {
            ContentCipher::Gcm(algorithm) => open_gcm(algorithm, &self.bytes, sealed),
            ContentCipher::CbcHmac(cipher, mac) => self.open_cbc(cipher, *mac, sealed),
        }
    }

    /// Encrypts the content.
    pub(super) fn seal(
        &self,
        header: &str,
        content: &[u8],
    ) -> Result<EncryptedContent, Unspecified> {
        match self.encryption.cipher() {
            ContentCipher::Gcm(algorithm) => seal_gcm(algorithm, &self.bytes, header, content),
            ContentCipher::CbcHmac(cipher, mac) => self.seal_cbc(cipher, *mac, header, content),
        }
    }

    /// RFC 7518 §5.2.2.2: the MAC is checked before anything is decrypted, so the padding is no
    /// oracle.
    fn open_cbc(
        &self,
        cipher: &'static cipher::Algorithm,
        mac: hmac::Algorithm,
        sealed: SealedContent<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let iv: [u8; CBC_IV_LENGTH] = sealed.iv.try_into().map_err(|_| Unspecified)?;
        let (mac_key, cipher_key) = self.halves()?;
        let tag = authentication_tag(mac, mac_key, sealed.header, sealed.iv, sealed.ciphertext);
        verify_slices_are_equal(tag.as_deref().ok_or(Unspecified)?, sealed.tag)?;
        let key = UnboundCipherKey::new(cipher, cipher_key)?;
        let mut content = Zeroizing::new(sealed.ciphertext.to_vec());
        let iv = DecryptionContext::Iv128(iv.into());
        let length = PaddedBlockDecryptingKey::cbc_pkcs7(key)?
            .decrypt(&mut content, iv)?
            .len();
        content.truncate(length);
        Ok(content)
    }

    fn seal_cbc(
        &self,
        cipher: &'static cipher::Algorithm,
        mac: hmac::Algorithm,
        header: &str,
        content: &[u8],
    ) -> Result<EncryptedContent, Unspecified> {
        let (mac_key, cipher_key) = self.halves()?;
        let mut iv = [0; CBC_IV_LENGTH];
        rand::fill(&mut iv)?;
        let key = UnboundCipherKey::new(cipher, cipher_key)?;
        let mut ciphertext = content.to_vec();
        PaddedBlockEncryptingKey::cbc_pkcs7(key)?
            .less_safe_encrypt(&mut ciphertext, EncryptionContext::Iv128(iv.into()))?;
        let tag = authentication_tag(mac, mac_key, header, &iv, &ciphertext);
        Ok(EncryptedContent {
            iv: iv.to_vec(),
            ciphertext,
            tag: tag.ok_or(Unspecified)?,
        })
    }

    /// The MAC's key, then the cipher's.
    fn halves(&self) -> Result<(&[u8], &[u8]), Unspecified> {
        let halves = self.bytes.split_at_checked(self.bytes.len() / 2);
        halves.ok_or(Unspecified)
    }
}

/// RFC 7518 §5.2.2.1: the first half of the HMAC over header, IV, ciphertext, and the header's
/// length in bits.
fn authentication_tag(
    mac: hmac::Algorithm,
    key: &[u8],
    header: &str,
    iv: &[u8],
    ciphertext: &[u8],
) -> Option<Vec<u8>> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(mac, key));
    let header_bits = u64::try_from(header.len()).ok()?.checked_mul(8)?;
    for part in [
        header.as_bytes(),
        iv,
        ciphertext,
        &header_bits.to_be_bytes(),
    ] {
        context.update(part);
    }
    let full = context.sign();
    let half = full.as_ref().get(..full.as_ref().len() / 2);
    half.map(<[u8]>::to_vec)
}

pub(super) fn open_gcm(
    algorithm: &'static aead::Algorithm,
    key: &[u8],
    sealed: SealedContent<'_>,
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    if sealed.tag.len() != GCM_TAG_LENGTH {
        return Err(Unspecified);
    }
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
    let nonce = Nonce::try_assume_unique_for_key(sealed.iv)?;
    let mut content = Zeroizing::new(sealed.ciphertext.to_vec());
    let header = Aad::from(sealed.header);
    key.open_in_place_separate_tag(nonce, header, sealed.tag, &mut content)?;
    Ok(content)
}

/// Encrypts under a random nonce.
pub(super) fn seal_gcm(
    algorithm: &'static aead::Algorithm,
    key: &[u8],
    header: &str,
    content: &[u8],
) -> Result<EncryptedContent, Unspecified> {
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
    let mut iv = [0; aead::NONCE_LEN];
    rand::fill(&mut iv)?;
    let nonce = Nonce::assume_unique_for_key(iv);
    let mut ciphertext = content.to_vec();
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), &mut ciphertext)?;
    Ok(EncryptedContent {
        iv: iv.to_vec(),
        ciphertext,
        tag: tag.as_ref().to_vec(),
    })
}

//! Content keys that are wrapped with AES: AES Key Wrap (RFC 3394) and AES-GCM (RFC 7518 §4.7).

use aws_lc_rs::aead;
use aws_lc_rs::cipher::{
    self, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use zeroize::Zeroizing;

/// The value that shows that a key is unwrapped unchanged (RFC 3394 §2.2.3.1).
const INITIAL_VALUE: [u8; 8] = [0xa6; 8];
/// The length of the blocks that AES Key Wrap counts, in bytes: half of a block of AES.
const HALF_BLOCK: usize = 8;

/// Unwraps a content key. The caller checks the length of the result.
pub(super) fn unwrap(key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let length = wrapped.len().checked_sub(HALF_BLOCK).ok_or(Unspecified)?;
    let mut output = Zeroizing::new(vec![0; length]);
    let unwrapped = match key.len() {
        16 => AesKek::new(&AES_128, key)?.unwrap(wrapped, &mut output)?,
        24 => return unwrap_192(key, wrapped),
        32 => AesKek::new(&AES_256, key)?.unwrap(wrapped, &mut output)?,
        _ => return Err(Unspecified),
    };
    if unwrapped.len() != length {
        return Err(Unspecified);
    }
    Ok(output)
}

/// Wraps a content key.
pub(super) fn wrap(key: &[u8], content_key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut output = vec![0; content_key.len() + HALF_BLOCK];
    match key.len() {
        16 => AesKek::new(&AES_128, key)?.wrap(content_key, &mut output)?,
        24 => return wrap_192(key, content_key),
        32 => AesKek::new(&AES_256, key)?.wrap(content_key, &mut output)?,
        _ => return Err(Unspecified),
    };
    Ok(output)
}

/// RFC 3394 §2.2.2. The library wraps with keys of 128 and 256 bits only.
fn unwrap_192(key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let key = DecryptingKey::ecb(UnboundCipherKey::new(&cipher::AES_192, key)?)?;
    let (check, blocks) = wrapped
        .split_first_chunk::<HALF_BLOCK>()
        .ok_or(Unspecified)?;
    let mut check = *check;
    let mut blocks = Zeroizing::new(blocks.to_vec());
    let mut step = steps(&blocks)?;
    for _ in 0..6 {
        for block in blocks.rchunks_exact_mut(HALF_BLOCK) {
            let counted = count(check, step);
            let mut pair = Zeroizing::new([&counted[..], block].concat());
            key.decrypt(&mut pair, DecryptionContext::None)?;
            check = split_pair(&pair, block)?;
            step -= 1;
        }
    }
    aws_lc_rs::constant_time::verify_slices_are_equal(&check, &INITIAL_VALUE)?;
    Ok(blocks)
}

/// RFC 3394 §2.2.1.
fn wrap_192(key: &[u8], content_key: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let key = EncryptingKey::ecb(UnboundCipherKey::new(&cipher::AES_192, key)?)?;
    let mut check = INITIAL_VALUE;
    let mut blocks = content_key.to_vec();
    let last = steps(&blocks)?;
    let mut step = 0;
    while step < last {
        for block in blocks.chunks_exact_mut(HALF_BLOCK) {
            step += 1;
            let mut pair = Zeroizing::new([&check[..], block].concat());
            key.less_safe_encrypt(&mut pair, EncryptionContext::None)?;
            check = count(split_pair(&pair, block)?, step);
        }
    }
    Ok([&check[..], &blocks].concat())
}

/// The number of steps for these blocks: six for each. There must be at least two blocks.
fn steps(blocks: &[u8]) -> Result<u64, Unspecified> {
    let number = blocks.len() / HALF_BLOCK;
    if number < 2 || !blocks.len().is_multiple_of(HALF_BLOCK) {
        return Err(Unspecified);
    }
    u64::try_from(6 * number).map_err(|_| Unspecified)
}

fn count(check: [u8; HALF_BLOCK], step: u64) -> [u8; HALF_BLOCK] {
    (u64::from_be_bytes(check) ^ step).to_be_bytes()
}

/// Writes the second half to `block`, and returns the first.
fn split_pair(pair: &[u8], block: &mut [u8]) -> Result<[u8; HALF_BLOCK], Unspecified> {
    let (check, rest) = pair.split_first_chunk::<HALF_BLOCK>().ok_or(Unspecified)?;
    if rest.len() != block.len() {
        return Err(Unspecified);
    }
    block.copy_from_slice(rest);
    Ok(*check)
}

/// The AES-GCM algorithm for a wrapping key of this length, in bytes.
pub(super) fn gcm(key_length: usize) -> Result<&'static aead::Algorithm, Unspecified> {
    match key_length {
        16 => Ok(&aead::AES_128_GCM),
        24 => Ok(&aead::AES_192_GCM),
        32 => Ok(&aead::AES_256_GCM),
        _ => Err(Unspecified),
    }
}

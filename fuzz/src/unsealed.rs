//! A second implementation of decryption (RFC 7516, RFC 7518 §4 and §5), for all algorithms that
//! Watchword implements.
//!
//! It shares aws-lc's primitives with Watchword, and nothing else: `serde_json` reads headers, and
//! keys are derived and unwrapped here. It trusts its caller about sizes.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::cipher::{
    self, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepPrivateDecryptingKey,
};
use aws_lc_rs::{digest, hmac};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde_json::Value;

use super::second_opinion::{decoded, object};

/// A private or shared key.
pub enum Secret {
    Rsa(OaepPrivateDecryptingKey),
    Agreement(&'static agreement::Algorithm, PrivateKey),
    Shared(Vec<u8>),
}

/// Decrypts a compact token; `None` if it is not authentic, or not for this key.
pub fn open(token: &str, secret: &Secret, max_content: usize) -> Option<Vec<u8>> {
    let segments: Vec<&str> = token.split('.').collect();
    let [header, encrypted_key, iv, ciphertext, tag] = segments[..] else {
        return None;
    };
    let associated = header.as_bytes();
    let header = object(&decoded(header)?)?;
    let [encrypted_key, iv, ciphertext, tag] = [encrypted_key, iv, ciphertext, tag].map(decoded);
    let enc = header.get("enc")?.as_str()?;
    let key = content_key(&header, enc, &encrypted_key?, secret)?;
    let content = opened(enc, &key, &iv?, associated, ciphertext?, &tag?)?;
    match header.get("zip").map(Value::as_str) {
        None => Some(content),
        Some(Some("DEF")) => decompress_to_vec_with_limit(&content, max_content).ok(),
        Some(_) => None,
    }
}

type Header = serde_json::Map<String, Value>;

/// The length of a content key, in bytes.
fn key_length(enc: &str) -> Option<usize> {
    Some(match enc {
        "A128GCM" => 16,
        "A192GCM" => 24,
        "A256GCM" | "A128CBC-HS256" => 32,
        "A192CBC-HS384" => 48,
        "A256CBC-HS512" => 64,
        _ => return None,
    })
}

fn content_key(header: &Header, enc: &str, encrypted: &[u8], secret: &Secret) -> Option<Vec<u8>> {
    let alg = header.get("alg")?.as_str()?;
    let key = match secret {
        Secret::Rsa(key) => {
            let padding = match alg {
                "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
                "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
                "RSA-OAEP-384" => &OAEP_SHA384_MGF1SHA384,
                "RSA-OAEP-512" => &OAEP_SHA512_MGF1SHA512,
                _ => return None,
            };
            let mut output = vec![0; key.min_output_size()];
            let key = key.decrypt(padding, encrypted, &mut output, None);
            key.ok()?.to_vec()
        }
        Secret::Agreement(curve, private) => {
            let wrap = alg.strip_prefix("ECDH-ES")?;
            let (name, length) = match wrap {
                "" => (enc, key_length(enc)?),
                "+A128KW" => (alg, 16),
                "+A192KW" => (alg, 24),
                "+A256KW" => (alg, 32),
                _ => return None,
            };
            let agreed = agree(header, curve, private, name, length)?;
            match wrap {
                "" if encrypted.is_empty() => agreed,
                "" => return None,
                _ => unwrap(&agreed, encrypted)?,
            }
        }
        Secret::Shared(key) => match alg {
            "dir" if encrypted.is_empty() => key.clone(),
            "A128KW" | "A192KW" | "A256KW" => unwrap(key, encrypted)?,
            "A128GCMKW" | "A192GCMKW" | "A256GCMKW" => {
                let text = |name: &str| decoded(header.get(name)?.as_str()?);
                let cipher = gcm(key.len())?;
                open_gcm(
                    cipher,
                    key,
                    &text("iv")?,
                    b"",
                    encrypted.to_vec(),
                    &text("tag")?,
                )?
            }
            _ => return None,
        },
    };
    (key.len() == key_length(enc)?).then_some(key)
}

/// RFC 7518 §4.6: ECDH, then the Concat KDF with SHA-256, one round for each 32 bytes.
fn agree(
    header: &Header,
    curve: &'static agreement::Algorithm,
    private: &PrivateKey,
    name: &str,
    length: usize,
) -> Option<Vec<u8>> {
    let epk = header.get("epk")?.as_object()?;
    let text = |name: &str| epk.get(name)?.as_str();
    let coordinate = |name: &str| decoded(text(name)?).filter(|bytes| bytes.len() == 32);
    let is_montgomery = *curve == agreement::X25519;
    let point = match (text("kty")?, text("crv")?) {
        ("OKP", "X25519") if is_montgomery => coordinate("x")?,
        ("EC", "P-256") if !is_montgomery => [vec![4], coordinate("x")?, coordinate("y")?].concat(),
        _ => return None,
    };
    let party = |name: &str| match header.get(name) {
        None => Some(Vec::new()),
        Some(party) => decoded(party.as_str()?),
    };
    let mut info = Vec::new();
    for part in [name.as_bytes(), &party("apu")?, &party("apv")?] {
        info.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        info.extend(part);
    }
    info.extend(u32::try_from(length * 8).ok()?.to_be_bytes());
    let derive = |secret: &[u8]| {
        let rounds = (1..=u32::try_from(length.div_ceil(32)).expect("short")).map(|round| {
            let input = [&round.to_be_bytes()[..], secret, &info].concat();
            digest::digest(&digest::SHA256, &input).as_ref().to_vec()
        });
        let mut key = rounds.collect::<Vec<_>>().concat();
        key.truncate(length);
        Ok(key)
    };
    agreement::agree(private, UnparsedPublicKey::new(curve, point), (), derive).ok()
}

/// RFC 3394 §2.2.2, in the form of §2.2.1's indices.
fn unwrap(key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let cipher = match key.len() {
        16 => &cipher::AES_128,
        24 => &cipher::AES_192,
        32 => &cipher::AES_256,
        _ => return None,
    };
    let aes = DecryptingKey::ecb(UnboundCipherKey::new(cipher, key).ok()?).ok()?;
    if !wrapped.len().is_multiple_of(8) || wrapped.len() < 24 {
        return None;
    }
    let blocks = wrapped.len() / 8 - 1;
    let mut registers = wrapped.to_vec();
    for step in (1..=6 * blocks).rev() {
        let at = 8 * ((step - 1) % blocks + 1);
        let mut pair = [0; 16];
        pair[..8].copy_from_slice(&registers[..8]);
        for (byte, counter) in pair.iter_mut().zip((step as u64).to_be_bytes()) {
            *byte ^= counter;
        }
        pair[8..].copy_from_slice(&registers[at..at + 8]);
        aes.decrypt(&mut pair, DecryptionContext::None).ok()?;
        registers[..8].copy_from_slice(&pair[..8]);
        registers[at..at + 8].copy_from_slice(&pair[8..]);
    }
    (registers[..8] == [0xa6; 8]).then(|| registers[8..].to_vec())
}

fn gcm(length: usize) -> Option<&'static aead::Algorithm> {
    Some(match length {
        16 => &aead::AES_128_GCM,
        24 => &aead::AES_192_GCM,
        32 => &aead::AES_256_GCM,
        _ => return None,
    })
}

fn open_gcm(
    cipher: &'static aead::Algorithm,
    key: &[u8],
    iv: &[u8],
    associated: &[u8],
    mut sealed: Vec<u8>,
    tag: &[u8],
) -> Option<Vec<u8>> {
    if tag.len() != 16 {
        return None;
    }
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    sealed.extend_from_slice(tag);
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).ok()?);
    let content = key.open_in_place(nonce, Aad::from(associated), &mut sealed);
    content.ok().map(|content| content.to_vec())
}

fn opened(
    enc: &str,
    key: &[u8],
    iv: &[u8],
    associated: &[u8],
    ciphertext: Vec<u8>,
    tag: &[u8],
) -> Option<Vec<u8>> {
    if enc.ends_with("GCM") {
        return open_gcm(gcm(key.len())?, key, iv, associated, ciphertext, tag);
    }
    let (cipher, mac) = match enc {
        "A128CBC-HS256" => (&cipher::AES_128, hmac::HMAC_SHA256),
        "A192CBC-HS384" => (&cipher::AES_192, hmac::HMAC_SHA384),
        "A256CBC-HS512" => (&cipher::AES_256, hmac::HMAC_SHA512),
        _ => return None,
    };
    let (mac_key, cipher_key) = key.split_at(key.len() / 2);
    let bits = 8 * associated.len() as u64;
    let input = [associated, iv, &ciphertext, &bits.to_be_bytes()].concat();
    let computed = hmac::sign(&hmac::Key::new(mac, mac_key), &input);
    if computed.as_ref()[..mac_key.len()] != *tag {
        return None;
    }
    let iv: [u8; 16] = iv.try_into().ok()?;
    let key = UnboundCipherKey::new(cipher, cipher_key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut content = ciphertext;
    let content = key.decrypt(&mut content, DecryptionContext::Iv128(iv.into()));
    content.ok().map(|content| content.to_vec())
}

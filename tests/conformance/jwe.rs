//! The calls of the crate for encrypted tokens: a token and keys in, the content or a refusal out.

use serde_json::Value;
use watchword::jose::{DecryptionKey, JoseError, Jwe};

/// More than any example has.
const MAX_CONTENT: usize = 100_000;

/// The keys of a JWK or JWK set that can decrypt.
pub(crate) fn keys(jwk: &Value) -> Vec<DecryptionKey> {
    DecryptionKey::read_all(jwk.to_string().as_bytes())
}

/// The content of a token that one of these keys decrypts.
pub(crate) fn decrypted(token: &str, keys: &[DecryptionKey]) -> Result<Vec<u8>, JoseError> {
    let jwe = Jwe::parse(token)?;
    let mut result = Err(JoseError::KeyNotFound);
    for key in keys {
        result = jwe
            .decrypt(key, MAX_CONTENT)
            .map(|content| content.to_vec());
        if result.is_ok() {
            break;
        }
    }
    result
}

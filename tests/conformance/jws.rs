//! The only calls of the crate: a token and a key in, a verified payload or a refusal out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use watchword::jose::{Algorithm, JoseError, Jws, KeySet};

/// The payload of a token that verifies. Every algorithm is allowed, so only the key is a reason to
/// refuse.
pub(crate) fn verified(token: &str, keys: &KeySet) -> Result<Vec<u8>, JoseError> {
    let jws = Jws::parse(token)?;
    let payload = jws.payload().to_vec();
    jws.verify(keys, &Algorithm::ALL)?;
    Ok(payload)
}

/// A JWK or JWK set as a user configures it: public keys as a key set, a single shared secret as a
/// secret for its one algorithm (HS256 if the key names none). `None` if loading refuses it.
pub(crate) fn keys(jwk: &Value) -> Option<KeySet> {
    let sole = match jwk["keys"].as_array().map(Vec::as_slice) {
        Some([key]) => key,
        _ => jwk,
    };
    if sole["kty"] != "oct" {
        return KeySet::from_documents([jwk.to_string().as_bytes()]).ok();
    }
    let algorithm = Algorithm::from_name(sole["alg"].as_str().unwrap_or("HS256"))?;
    let secret = URL_SAFE_NO_PAD.decode(sole["k"].as_str()?).ok()?;
    KeySet::from_secret(&[algorithm], &secret).ok()
}

//! A second opinion on tokens: `jsonwebtoken` for signatures, `serde_json` for what is written, and
//! [`super::unsealed`] for encryption.
//!
//! It knows the issuers of [`super::keys`] and the rules of [`super::world`], and is strict.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::json::Strict;
use super::keys::{AUDIENCE, Encryption, ISSUERS, IssuerKey, NOW, RECIPIENTS};
use super::unsealed;

pub const LEEWAY: f64 = 30.0;
const MAX_TOKEN: usize = 16 * 1024;

/// Decodes base64url without padding.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A JSON object without duplicate names, within Watchword's bounds for a header.
pub fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match Strict::read(text)?.within(32, 256)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Returns true if a token is good for a request that needs no scope. Spaces before it belong to
/// the header, which has one or more of them after the scheme (RFC 9110 §11.4).
pub fn confirms(token: &str) -> bool {
    // RFC 9110 §5.5: white space around a header's value is no part of it.
    let token = token.trim_start_matches(' ').trim_end_matches([' ', '\t']);
    match token.split('.').count() {
        3 => confirms_signed(token, None),
        5 => confirms_sealed(token),
        _ => false,
    }
}

/// The keys that decrypt a token, with its content.
pub fn opened(token: &str) -> Option<(usize, Vec<u8>)> {
    let mut keys = RECIPIENTS.iter().enumerate();
    keys.find_map(|(at, key)| Some((at, unsealed::open(token, &key.secret, MAX_TOKEN)?)))
}

fn confirms_sealed(token: &str) -> bool {
    let Some((key, content)) = opened(token) else {
        return false;
    };
    let header = token.split('.').next().and_then(decoded);
    let Some(header) = header.and_then(|header| object(&header)) else {
        return false;
    };
    let is_trusted_key = key + 1 == RECIPIENTS.len();
    let is_plain = !header.contains_key("zip") && !header.contains_key("crit");
    if !is_plain || !repeats(&header, &content) {
        return false;
    }
    if content.first() == Some(&b'{') {
        let issuer = ISSUERS.last().expect("an issuer");
        let typ = header.get("typ");
        return is_trusted_key && is_access_token(typ) && passes(&content, issuer, 0.01);
    }
    let Ok(content) = std::str::from_utf8(&content) else {
        return false;
    };
    confirms_signed(content, Some(is_trusted_key))
}

/// Claims that the header repeats must be those of the content (RFC 7519 §5.3).
fn repeats(header: &Map<String, Value>, content: &[u8]) -> bool {
    let payload = if content.first() == Some(&b'{') {
        Some(content.to_vec())
    } else {
        let text = std::str::from_utf8(content).ok();
        text.and_then(|text| decoded(text.split('.').nth(1)?))
    };
    let Some(Value::Object(claims)) =
        payload.and_then(|payload| Some(Strict::read(&payload)?.value()))
    else {
        return false;
    };
    let names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let single = |value: &Value| match value {
        Value::Array(elements) if elements.len() == 1 => elements[0].clone(),
        value => value.clone(),
    };
    let mut repeated = names
        .iter()
        .filter_map(|name| Some((name, header.get(*name)?)));
    repeated.all(|(name, value)| claims.get(*name).map(single) == Some(single(value)))
}

/// `inside` is `None` for a token that was not encrypted, else true if it was encrypted with the
/// key of the issuer `trusted`.
fn confirms_signed(token: &str, inside: Option<bool>) -> bool {
    let segments: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = segments[..] else {
        return false;
    };
    let (Some(header), Some(payload)) = (decoded(header), decoded(payload)) else {
        return false;
    };
    let Some(header) = object(&header) else {
        return false;
    };
    let claims: Option<Value> = serde_json::from_slice(&payload).ok();
    let url = claims.and_then(|claims| Some(claims.get("iss")?.as_str()?.to_owned()));
    let Some(issuer) = ISSUERS.iter().find(|it| Some(it.url()) == url) else {
        return false;
    };
    let may_be = matches!(
        (issuer.encryption, inside),
        (Encryption::Refused | Encryption::Trusted, None)
            | (Encryption::Required, Some(false))
            | (Encryption::Trusted, Some(true))
    );
    // A kid, where there is one, must name the issuer's key.
    let kid = header.get("kid");
    let is_secret = issuer.signer.alg().starts_with("HS");
    let names_key = is_secret || kid.is_none_or(|kid| kid == issuer.signer.kid());
    may_be
        && names_key
        && !header.contains_key("crit")
        && is_access_token(header.get("typ"))
        && is_signed(token, issuer)
        && passes(&payload, issuer, 0.01)
}

fn is_access_token(typ: Option<&Value>) -> bool {
    let Some(typ) = typ else { return true };
    let Some(typ) = typ.as_str().map(str::to_ascii_lowercase) else {
        return false;
    };
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    ["jwt", "jose", "at+jwt"].contains(&typ)
}

/// The library's checks, except those of times: it reads the system's clock.
fn is_signed(token: &str, issuer: &IssuerKey) -> bool {
    let signer = &issuer.signer;
    let algorithm: Algorithm = signer.alg().parse().expect("an algorithm of the library");
    let key = if signer.alg().starts_with("HS") {
        DecodingKey::from_secret(&signer.private_der())
    } else {
        let jwk = serde_json::from_value(signer.jwk()).expect("a JWK");
        DecodingKey::from_jwk(&jwk).expect("a key of the library")
    };
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer.url()]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

/// Returns true if claims pass, times with this much more leeway, in seconds: neither side loses an
/// argument about the last digit of a fraction.
pub fn passes(payload: &[u8], issuer: &IssuerKey, more: f64) -> bool {
    let claims = Strict::read(payload).and_then(|read| read.within(32, 12 * 1024));
    let Some(Value::Object(claims)) = claims else {
        return false;
    };
    let is_text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    let is_time = |name: &str| {
        claims.get(name).is_none_or(|time| {
            let seconds = time.as_f64();
            seconds.is_some_and(|seconds| (0.0..=9_007_199_254_740_992.0).contains(&seconds))
        })
    };
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    let names_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == AUDIENCE,
        Some(Value::Array(all)) => {
            all.iter().all(Value::is_string) && all.iter().any(|audience| audience == AUDIENCE)
        }
        _ => false,
    };
    let now = NOW as f64;
    let Some(expires) = time("exp") else {
        return false;
    };
    claims.get("iss") == Some(&Value::String(issuer.url()))
        && names_us
        && ["sub", "jti"].into_iter().all(is_text)
        && ["exp", "nbf", "iat"].into_iter().all(is_time)
        && now < expires + LEEWAY + more
        && time("nbf").is_none_or(|from| from <= now + LEEWAY + more && from <= expires + more)
        && time("iat").is_none_or(|issued| issued <= now + LEEWAY + more)
        && !claims.contains_key("cnf")
}

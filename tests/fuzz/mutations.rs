//! Mutations of tokens that know the format: bits, characters, segments, members, claims, keys.

use serde_json::{Value, json};
use watchword_test_support::mint::{Signer, b64};

use crate::edits::{edited_claims, edited_header};
use crate::random::Random;
use crate::targets::keys::ISSUERS;
use crate::targets::second_opinion::decoded;
use crate::targets::tokens::{RECIPES, Recipe};

/// The level at which a token is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Bit,
    Character,
    Base64,
    DecodedBit,
    Segment,
    Header,
    Claim,
    /// Changed claims or headers, signed and encrypted by the issuer as ever.
    Genuine,
    /// Signed by another key or algorithm.
    Forged,
    /// Another content, encrypted or not; anybody can encrypt to a public key.
    Sealed,
}

impl Level {
    const ALL: [Self; 10] = [
        Self::Bit,
        Self::Character,
        Self::Base64,
        Self::DecodedBit,
        Self::Segment,
        Self::Header,
        Self::Claim,
        Self::Genuine,
        Self::Forged,
        Self::Sealed,
    ];
}

/// A random recipe: those whose decryption or signature costs much are rare.
pub(crate) fn recipe(random: &mut Random) -> &'static Recipe {
    loop {
        let recipe = random.pick(&RECIPES);
        let algorithm = recipe.seal.map(|seal| seal.algorithm.name());
        let odds = match algorithm {
            Some(name) if name.starts_with("RSA") => 16,
            Some(name) if name.starts_with("ECDH") => 3,
            None => 1,
            Some(_) => 3,
        };
        if random.one_in(odds) {
            return recipe;
        }
    }
}

/// A changed token, and the level of the change.
pub(crate) fn mutated(random: &mut Random, recipe: &Recipe) -> (Level, String) {
    let mut level = *random.pick(&Level::ALL);
    let is_rsa = recipe.issuer.signer.alg() == "RS256";
    let is_costly = matches!(level, Level::Genuine | Level::Forged | Level::Sealed);
    // RSA signs slowly, and to make an encrypted token costs a key.
    let is_slow = is_rsa || recipe.seal.is_some();
    if is_costly && is_slow && !random.one_in(4) {
        level = Level::DecodedBit;
    }
    let token = &*recipe.token;
    let changed = match level {
        Level::Bit => {
            let mut bytes = token.as_bytes().to_vec();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(7);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Level::Character => character(random, token),
        Level::Base64 => base64(random, token),
        Level::DecodedBit => decoded_bit(random, token),
        Level::Segment => segment(random, token),
        Level::Header => with_header(random, token),
        Level::Claim => with_claims(random, token),
        Level::Genuine => {
            let (header, claims) = edited(random, recipe);
            recipe.sealed(&recipe.signed(&header, &claims))
        }
        Level::Forged => recipe.sealed(&forged(random, recipe)),
        Level::Sealed => match sealed_content(random, recipe) {
            content if random.one_in(5) => content,
            content => recipe.sealed(&content),
        },
    };
    (level, changed)
}

fn character(random: &mut Random, token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] = *random.pick(b"ABCz09-_.=+/ \t,\"%"),
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, *random.pick(b"Az0._-= ")),
        3 => bytes.truncate(at),
        4 => {
            let other = random.below(bytes.len());
            bytes.swap(at, other);
        }
        _ => bytes.extend_from_slice(&token.as_bytes()[..at.min(40)]),
    }
    String::from_utf8(bytes).unwrap()
}

/// Replaces a character of base64url by another one; at the end of a segment, one that may decode
/// to the same.
fn base64(random: &mut Random, token: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = token.as_bytes().to_vec();
    let ends: Vec<usize> = (1..bytes.len())
        .filter(|at| *at + 1 == bytes.len() || bytes[*at + 1] == b'.')
        .collect();
    let at = if random.one_in(2) {
        *random.pick(&ends)
    } else {
        random.below(bytes.len())
    };
    match DIGITS.iter().position(|digit| *digit == bytes[at]) {
        Some(value) if random.one_in(2) => bytes[at] = DIGITS[value ^ (1 + random.below(3))],
        _ => bytes[at] = *random.pick(DIGITS),
    }
    String::from_utf8(bytes).unwrap()
}

fn decoded_bit(random: &mut Random, token: &str) -> String {
    let mut segments: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    let at = random.below(segments.len());
    let mut bytes = decoded(&segments[at]).unwrap();
    match bytes.len() {
        0 => bytes.push(random.next() as u8),
        length => bytes[random.below(length)] ^= 1 << random.below(8),
    }
    segments[at] = b64(&bytes);
    segments.join(".")
}

/// Segments in another order, of another token, or with other lengths.
fn segment(random: &mut Random, token: &str) -> String {
    let mut segments: Vec<&str> = token.split('.').collect();
    let (at, other) = (random.below(segments.len()), random.below(segments.len()));
    let stranger = &recipe(random).token;
    let mut foreign = stranger.split('.');
    match random.below(7) {
        0 => segments.swap(at, other),
        1 => segments[at] = "",
        2 => drop(segments.remove(at)),
        3 => segments.insert(at, segments[other]),
        4 | 5 => segments[at] = foreign.nth(at % 3).unwrap(),
        _ => {
            let (head, length) = (segments[at], segments[at].len());
            segments[at] = &head[..length - random.below(length.min(8) + 1)];
        }
    }
    segments.join(".")
}

fn with_header(random: &mut Random, token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let header = String::from_utf8(decoded(header).unwrap()).unwrap();
    let header = edited_header(random, &header);
    format!("{}.{rest}", b64(header.as_bytes()))
}

/// The second segment with other claims: of a signed token, the payload.
fn with_claims(random: &mut Random, token: &str) -> String {
    let mut segments: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    let claims = decoded(&segments[1]).and_then(|it| serde_json::from_slice::<Value>(&it).ok());
    let Some(claims) = claims else {
        return decoded_bit(random, token);
    };
    segments[1] = b64(edited_claims(random, &claims).as_bytes());
    segments.join(".")
}

fn edited(random: &mut Random, recipe: &Recipe) -> (String, String) {
    let (mut header, mut claims) = (recipe.header.to_string(), recipe.claims.to_string());
    if random.one_in(3) {
        header = edited_header(random, &header);
    } else {
        claims = edited_claims(random, &recipe.claims);
    }
    (header, claims)
}

/// The claims of a recipe under a signature that is not the issuer's.
fn forged(random: &mut Random, recipe: &Recipe) -> String {
    let own = &recipe.issuer.signer;
    let (header, claims) = (recipe.header.to_string(), recipe.claims.to_string());
    let payload = claims.as_bytes();
    match random.below(6) {
        // Another issuer's key; RSA signs slowly.
        0 => ISSUERS[random.below(3)].signer.sign_text(&header, payload),
        1 => {
            let alg = *random.pick(&["EdDSA", "ES256", "HS256"]);
            let stranger = Signer::fixed(alg, own.kid(), 200);
            stranger.sign_text(&stranger.header().to_string(), payload)
        }
        // The public key as a shared secret.
        2 if !own.alg().starts_with("HS") => {
            let secret = Signer::from_secret("HS256", &own.public_der());
            let header = json!({"alg": "HS256", "kid": own.kid()});
            secret.sign_text(&header.to_string(), payload)
        }
        3 => {
            let header = json!({"alg": random.pick(&["none", "None", "HS256", "EdDSA"])});
            format!("{}.{}.", b64(header.to_string().as_bytes()), b64(payload))
        }
        4 => {
            let signature = b64(&vec![0; *random.pick(&[0, 1, 32, 64, 256])]);
            format!("{}.{}.{signature}", b64(header.as_bytes()), b64(payload))
        }
        _ => ISSUERS[random.below(3)]
            .signer
            .with_alg(own.alg())
            .with_kid(own.kid())
            .sign_text(&header, payload),
    }
}

/// What an attacker may encrypt: a signed token that was changed, claims, or a token in a token.
fn sealed_content(random: &mut Random, recipe: &Recipe) -> String {
    let signed = recipe.issuer.signer.sign(&recipe.claims);
    match random.below(6) {
        0 => decoded_bit(random, &signed),
        1 => with_claims(random, &signed),
        2 => recipe.claims.to_string(),
        3 => random.pick(&RECIPES).token.clone(),
        4 => signed,
        _ => forged(random, recipe),
    }
}

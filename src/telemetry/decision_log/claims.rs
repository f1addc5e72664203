//! The claims that the configuration lists: hashed, or truncated to a bounded size.

use std::cell::Cell;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use crate::config::ClaimForm;
use crate::jose::Json;
use crate::token::{ClaimPath, Claims};

/// Most bytes of text of one claim, names of members included.
const BUDGET: usize = 256;
/// Most levels of arrays and objects.
const DEPTH: usize = 4;
/// Bytes of a hash: enough that two values do not collide by chance.
const HASH: usize = 16;
/// The sign of an omission.
const ELLIPSIS: &str = "…";

/// The listed claims, and the key for their hashes.
#[derive(Debug)]
pub(super) struct ListedClaims {
    /// Each with its name in a line.
    list: Vec<(String, ClaimPath)>,
    key: Option<hmac::Key>,
}

/// The listed claims of one token.
pub(super) struct ClaimValues<'d> {
    listed: &'d ListedClaims,
    claims: &'d Claims,
}

impl ListedClaims {
    /// # Errors
    /// If a random key is needed, and the system has no random numbers.
    pub(super) fn new(paths: &[ClaimPath], form: &ClaimForm) -> Result<Self, Unspecified> {
        let algorithm = hmac::HMAC_SHA256;
        let key = match form {
            ClaimForm::Plain => None,
            ClaimForm::Hashed(Some(key)) => Some(hmac::Key::new(algorithm, key.as_bytes())),
            ClaimForm::Hashed(None) => Some(hmac::Key::generate(algorithm, &SystemRandom::new())?),
        };
        let list = paths.iter().map(|path| (path.to_string(), path.clone()));
        Ok(Self {
            list: list.collect(),
            key,
        })
    }

    /// `None` if no claim is listed.
    pub(super) fn of<'d>(&'d self, claims: &'d Claims) -> Option<ClaimValues<'d>> {
        let any = !self.list.is_empty();
        any.then_some(ClaimValues {
            listed: self,
            claims,
        })
    }
}

impl Serialize for ClaimValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, path) in &self.listed.list {
            let Some(value) = self.claims.at(path) else {
                continue;
            };
            if let Some(key) = &self.listed.key {
                map.serialize_entry(name, &hash(key, value))?;
            } else {
                let room = &Cell::new(BUDGET);
                let depth = DEPTH;
                map.serialize_entry(name, &BoundedValue { value, room, depth })?;
            }
        }
        map.end()
    }
}

/// Hashes the bytes of a string, or the JSON of another value.
fn hash(key: &hmac::Key, value: &Json) -> String {
    let mut json = String::new();
    let text = value.as_str().unwrap_or_else(|| {
        value.write_ascii(&mut json);
        &json
    });
    let tag = hmac::sign(key, text.as_bytes());
    let first = tag.as_ref().first_chunk::<HASH>();
    let number = first.map(|bytes| u128::from_be_bytes(*bytes));
    format!("{:032x}", number.unwrap_or_default())
}

/// A value that is written until `room` is used up.
struct BoundedValue<'v> {
    value: &'v Json,
    /// The remaining bytes.
    room: &'v Cell<usize>,
    depth: usize,
}

impl<'v> BoundedValue<'v> {
    fn within(&self, value: &'v Json) -> Self {
        Self {
            value,
            room: self.room,
            depth: self.depth.saturating_sub(1),
        }
    }

    /// Uses up these bytes, and one for punctuation. Returns false if there were too few.
    fn reserve(&self, bytes: usize) -> bool {
        let left = self.room.get().checked_sub(bytes.saturating_add(1));
        self.room.set(left.unwrap_or_default());
        left.is_some()
    }

    fn text<S: Serializer>(&self, text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        let room = self.room.get();
        if self.reserve(text.len()) {
            return serializer.serialize_str(text);
        }
        let start = (0..=room).rev().find_map(|end| text.get(..end));
        let start = start.unwrap_or_default();
        serializer.collect_str(&format_args!("{start}{ELLIPSIS}"))
    }

    fn number<S: Serializer>(&self, text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.reserve(text.len()) {
            return serializer.serialize_str(ELLIPSIS);
        }
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => serializer.serialize_i64(whole),
            (_, Ok(number)) if number.is_finite() => serializer.serialize_f64(number),
            _ => serializer.serialize_str(text),
        }
    }
}

impl Serialize for BoundedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Json::String(text) => self.text(text, serializer),
            Json::Number(number) => self.number(number.as_str(), serializer),
            Json::Bool(value) if self.reserve(5) => serializer.serialize_bool(*value),
            Json::Null if self.reserve(4) => serializer.serialize_unit(),
            Json::Array(elements) if self.depth > 0 && self.reserve(1) => {
                let mut list = serializer.serialize_seq(None)?;
                for element in elements {
                    if self.room.get() == 0 {
                        list.serialize_element(ELLIPSIS)?;
                        break;
                    }
                    list.serialize_element(&self.within(element))?;
                }
                list.end()
            }
            Json::Object(members) if self.depth > 0 && self.reserve(1) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in members.iter() {
                    if !self.reserve(name.len()) {
                        map.serialize_entry(ELLIPSIS, ELLIPSIS)?;
                        break;
                    }
                    map.serialize_entry(name, &self.within(value))?;
                }
                map.end()
            }
            Json::Bool(_) | Json::Null | Json::Array(_) | Json::Object(_) => {
                serializer.serialize_str(ELLIPSIS)
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! A strict JSON parser for hostile input (RFC 8259).
//!
//! The JSON of a token decides its verdict, so it must have one meaning only. General parsers keep
//! the last of two members with one name, turn large integers into floats, or treat a magic member
//! name as a number. This one refuses duplicate names (compared after unescaping, RFC 7519 §4),
//! lone surrogates and trailing text, keeps the text of numbers, and limits the depth.
//!
//! A value takes up to 36 times as much memory as its text, so the caller limits both the length of
//! the text and the number of values.

mod reader;

use zeroize::Zeroize;

use super::heap::allocated;
use reader::{JsonReader, MAX_DEPTH};

/// A JSON value that owns its text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    /// A string, unescaped.
    String(Box<str>),
    Array(Box<[Json]>),
    Object(Object),
}

/// A number, stored as its text, so no digit is lost.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Number(Box<str>);

/// An object: members with distinct names, sorted by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Object(Box<[(Box<str>, Json)]>);

/// A member is present, but not a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText;

/// The text is not JSON that this parser accepts. Positions are byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum JsonError {
    #[error("not UTF-8")]
    Encoding,
    /// An unexpected character, or the end of the text.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    #[error("nested deeper than {MAX_DEPTH} levels at byte {0}")]
    Depth(usize),
    #[error("a member name stands twice in the object that ends at byte {0}")]
    Duplicate(usize),
    /// More values than the caller's limit. An array or object counts as one, in addition to its
    /// content.
    #[error("more than {most} values at byte {at}")]
    Values { most: usize, at: usize },
}

impl Json {
    /// A string, not escaped.
    pub(crate) fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    /// Parses exactly one value that contains at most `max_values` values, itself included.
    pub(crate) fn parse(text: &[u8], max_values: usize) -> Result<Self, JsonError> {
        Self::parse_counted(text, max_values).map(|(value, _)| value)
    }

    /// As [`Json::parse`]; also returns the number of values.
    pub(super) fn parse_counted(
        text: &[u8],
        max_values: usize,
    ) -> Result<(Self, usize), JsonError> {
        let text = std::str::from_utf8(text).map_err(|_| JsonError::Encoding)?;
        JsonReader::new(text, max_values).single_value()
    }

    /// Bytes that it holds beyond its own size, with what the allocator adds.
    pub(crate) fn heap_size(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 0,
            Self::Number(Number(text)) | Self::String(text) => allocated(text.len()),
            Self::Array(elements) => {
                let held = elements.iter().map(Self::heap_size).sum::<usize>();
                allocated(size_of_val::<[Self]>(elements)) + held
            }
            Self::Object(members) => members.heap_size(),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Writes compact JSON in ASCII: other characters become `\u` escapes.
    pub(crate) fn write_ascii(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => out.push_str(number.as_str()),
            Self::String(text) => write_ascii_string(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write_ascii(out);
                }
                out.push(']');
            }
            Self::Object(Object(members)) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_ascii_string(name, out);
                    out.push(':');
                    value.write_ascii(out);
                }
                out.push('}');
            }
        }
    }
}

/// Wipes texts and numbers, for trees that held secrets. Copies that the parser made while it
/// unescaped a text, or before it refused one, are not reached.
impl Zeroize for Json {
    fn zeroize(&mut self) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(Number(text)) | Self::String(text) => text.zeroize(),
            Self::Array(elements) => elements.iter_mut().for_each(Self::zeroize),
            Self::Object(Object(members)) => {
                members.iter_mut().for_each(|(_, value)| value.zeroize());
            }
        }
    }
}

/// Shows only the type, so claim values never reach a log through `Debug`.
impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        })
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "object of {} members", self.0.len())
    }
}

impl Number {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double; always finite.
    pub(crate) fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl Object {
    /// An object of these members. The names must be distinct.
    pub(crate) fn of<'n>(members: impl IntoIterator<Item = (&'n str, Json)>) -> Self {
        let members = members.into_iter();
        let mut members: Box<[(Box<str>, Json)]> =
            members.map(|(name, value)| (name.into(), value)).collect();
        members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Self(members)
    }

    /// An object of strings. The names must be distinct.
    pub(super) fn of_texts<const N: usize>(members: [(&str, &str); N]) -> Self {
        Self::of(members.map(|(name, text)| (name, Json::string(text))))
    }

    pub(super) fn subset(&self, names: &[&str]) -> Self {
        let members = self.0.iter();
        let chosen = members.filter(|(name, _)| names.contains(&&**name));
        Self(chosen.cloned().collect())
    }

    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let members = self.0.iter();
        let others = members.filter(|(name, _)| !names.contains(&&**name));
        Self(others.cloned().collect())
    }

    pub(super) fn into_member(self, name: &str) -> Option<Json> {
        let mut members = self.0.into_iter();
        let (_, value) = members.find(|(member, _)| &**member == name)?;
        Some(value)
    }

    /// Bytes that it holds beyond its own size, with what the allocator adds.
    pub(crate) fn heap_size(&self) -> usize {
        let of_member =
            |(name, value): &(Box<str>, Json)| allocated(name.len()) + value.heap_size();
        let held = self.0.iter().map(of_member).sum::<usize>();
        allocated(size_of_val::<[(Box<str>, Json)]>(&self.0)) + held
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let members = &self.0;
        let found = members.binary_search_by(|(member, _)| (**member).cmp(name));
        members.get(found.ok()?).map(|(_, value)| value)
    }

    /// The text of a member that must be a string if it is present.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, NotText> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(NotText),
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

fn write_ascii_string(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some(c @ ' '..='~') => out.push(c),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "\\u{unit:04x}")),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;

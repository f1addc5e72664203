//! Formats untrusted text: escaped to ASCII, so it cannot control a terminal or imitate other
//! letters, and cut.

use crate::jose::Json;
use crate::token::Location;

/// The length limit of one value, in characters.
const MAX_VALUE: usize = 160;
const MAX_LISTED: usize = 12;

pub(super) fn value(json: &Json) -> String {
    let mut text = String::new();
    json.write_ascii(&mut text);
    cut(text)
}

pub(super) fn value_or_absent(json: Option<&Json>) -> String {
    json.map_or_else(|| "absent".to_owned(), value)
}

pub(super) fn quoted(text: &str) -> String {
    value(&Json::string(text))
}

/// A text without quotes, escaped and cut.
pub(crate) fn plain(text: &str) -> String {
    let mut escaped = String::new();
    Json::string(text).write_ascii(&mut escaped);
    let inner = escaped.get(1..escaped.len() - 1);
    cut(inner.unwrap_or_default().replace("\\\"", "\""))
}

/// The text is ASCII, so it can be cut at any index.
fn cut(mut text: String) -> String {
    let length = text.len();
    if length <= MAX_VALUE {
        return text;
    }
    text.truncate(MAX_VALUE);
    format!("{text}… ({length} characters)")
}

pub(super) fn list(mut values: impl Iterator<Item = String>) -> String {
    let listed: Vec<_> = values.by_ref().take(MAX_LISTED).collect();
    let text = listed.join(", ");
    match values.count() {
        0 => text,
        more => format!("{text}, and {more} more"),
    }
}

/// The accepted values: "one of …".
pub(super) fn one_of(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    let words = if values.len() == 1 { "" } else { "one of " };
    words.to_owned() + &list(values.into_iter())
}

pub(super) fn location(location: &Location) -> String {
    match location {
        Location::Header { name, scheme } => {
            let scheme = scheme.as_ref().map(|scheme| format!(" ({scheme})"));
            format!("the header {name}{}", scheme.unwrap_or_default())
        }
        Location::Cookie(name) => format!("the cookie {name}"),
        Location::Query(name) => format!("the query parameter {name}"),
    }
}

/// A number of things: `2 keys`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

//! Formats untrusted text: escaped to ASCII, so it cannot control a terminal or imitate other
//! letters, and cut.

use crate::jose::Json;
use crate::token::Location;

/// The length limit of one value, in characters.
const MAX_VALUE: usize = 160;
/// The limit of values in a list.
const MAX_LISTED: usize = 12;

/// A JSON value.
pub(super) fn value(json: &Json) -> String {
    let mut text = String::new();
    json.write_ascii(&mut text);
    cut(text)
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    value(&Json::String(text.into()))
}

/// A text without quotes, escaped and cut.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut escaped = String::new();
    Json::String(text.into()).write_ascii(&mut escaped);
    let inner = escaped.strip_prefix('"').unwrap_or(&escaped);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    cut(inner.replace("\\\"", "\""))
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

/// Values with commas between them.
pub(super) fn list(values: impl Iterator<Item = String>) -> String {
    let mut values = values.peekable();
    let mut text = String::new();
    for value in values.by_ref().take(MAX_LISTED) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&value);
    }
    match values.count() {
        0 => text,
        more => format!("{text}, and {more} more"),
    }
}

/// The accepted values: "one of …".
pub(super) fn one_of(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    let alone = values.len() == 1;
    let list = list(values.into_iter());
    if alone {
        list
    } else {
        format!("one of {list}")
    }
}

/// The accepted places: "… or …".
pub(super) fn any_of(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(" or ")
}

/// A place that may hold a token.
pub(super) fn location(location: &Location) -> String {
    match location {
        Location::Header { name, scheme } => match scheme {
            Some(scheme) => format!("the header {name} ({scheme})"),
            None => format!("the header {name}"),
        },
        Location::Cookie { name } => format!("the cookie {name}"),
        Location::Query { name } => format!("the query parameter {name}"),
    }
}

/// The plural ending of a noun after this number.
pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

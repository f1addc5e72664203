//! The JSON Schema of the settings: a file is compared with it, and editors read it.
//!
//! The module knows the part of JSON Schema that the types produce: `$ref`, `type`, `enum`,
//! `const`, `properties`, `required`, `additionalProperties`, `items`, `anyOf`, `oneOf`, bounds and
//! lengths. Of its own are `x-kind` (`duration`, `path`, `URL`), `x-minimum` and `x-maximum` of
//! durations, `x-form` (an example for messages), and `x-restart` (see `restart`).

mod check;
mod convert;
mod publish;

pub(super) use check::check;
pub(super) use convert::convert;
pub use publish::schema;

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::document::{Node, Value};
use super::settings;

/// The schema. It never allows `null`: an empty value is most likely a list without its entries,
/// and not the same as no setting.
pub(super) static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(settings::Settings).to_value();
    without_null(&mut schema);
    schema
});

/// Takes out `null`, which the types have for settings that may be left out: as a type and in
/// defaults.
fn without_null(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.retain(|name, value| !(name == "default" && value.is_null()));
            if let Some(Json::Array(types)) = members.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Json::Array(alternatives)) = members.get_mut("anyOf") {
                let null = serde_json::json!({"type": "null"});
                alternatives.retain(|alternative| *alternative != null);
                if let [Json::Object(only)] = alternatives.as_slice() {
                    let only = only.clone();
                    members.remove("anyOf");
                    members.extend(only);
                }
            }
            for (name, value) in members.iter_mut() {
                if name == "default" {
                    *value = without_null_members(value.take());
                } else {
                    without_null(value);
                }
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A value without members that are `null`, all the way down.
pub(super) fn without_null_members(value: Json) -> Json {
    match value {
        Json::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_null_members(value)))
            .collect(),
        Json::Array(elements) => elements.into_iter().map(without_null_members).collect(),
        other => other,
    }
}

/// The schema that a `$ref` names, or the schema itself.
pub(super) fn resolve(schema: &Json) -> Option<&Map<String, Json>> {
    let members = schema.as_object()?;
    match members.get("$ref").and_then(Json::as_str) {
        Some(reference) => resolve(SCHEMA.pointer(reference.strip_prefix('#')?)?),
        None => Some(members),
    }
}

/// The alternatives of a schema, without nesting; none if the schema stands for itself.
pub(super) fn alternatives(schema: &Map<String, Json>) -> Vec<&Map<String, Json>> {
    let mut all = Vec::new();
    for alternative in own_alternatives(schema).filter_map(resolve) {
        let nested = alternatives(alternative);
        if nested.is_empty() {
            all.push(alternative);
        } else {
            all.extend(nested);
        }
    }
    all
}

/// The alternatives that a schema gives, as they stand there.
pub(super) fn own_alternatives(schema: &Map<String, Json>) -> impl Iterator<Item = &Json> {
    let list = schema.get("anyOf").or_else(|| schema.get("oneOf"));
    list.and_then(Json::as_array).into_iter().flatten()
}

/// The JSON Schema types that a schema allows; empty: all.
pub(super) fn types(schema: &Map<String, Json>) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(only)) => vec![only],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Returns true if a value has a type that a schema allows.
pub(super) fn fits(node: &Node, schema: &Map<String, Json>) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|allowed| match (&node.value, *allowed) {
            (Value::Bool(_), "boolean")
            | (Value::Number(_), "number")
            | (Value::String(_), "string")
            | (Value::List(_), "array")
            | (Value::Map(_), "object") => true,
            (Value::Number(number), "integer") => number.is_u64(),
            _ => false,
        })
}

/// The text of a member; empty if there is none.
pub(super) fn text<'s>(schema: &'s Map<String, Json>, member: &str) -> &'s str {
    let text = schema.get(member).and_then(Json::as_str);
    text.unwrap_or_default()
}

/// The words that a schema allows; empty: all.
pub(super) fn words(schema: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let listed = schema.get("enum").and_then(Json::as_array);
    let words = listed.into_iter().flatten().chain(schema.get("const"));
    words.filter_map(Json::as_str)
}

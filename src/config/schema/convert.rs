//! Text of the environment where a setting is a number, or true or false.

use serde_json::{Map, Value as Json};

use super::super::document::{Document, Node, Origin, Value};
use super::{SCHEMA, alternatives, fits, resolve, types};

/// Converts text that was one reference to the type that the schema wants. If it allows text, the
/// text stays.
pub(in crate::config) fn convert(document: &mut Document) {
    node(&mut document.root, &SCHEMA);
}

fn node(node: &mut Node, schema: &Json) {
    let Some(schema) = resolve(schema) else {
        return;
    };
    let mut all = alternatives(schema);
    if all.is_empty() {
        all.push(schema);
    }
    if let (Value::String(text), Origin::Expanded { whole: true, .. }) = (&node.value, &node.origin)
    {
        if let Some(value) = converted(text, &all) {
            node.value = value;
        }
        return;
    }
    all.retain(|schema| fits(node, schema));
    // Which of several it is meant for cannot be said; none of them has such settings.
    if let [only] = all.as_slice() {
        children(node, only);
    }
}

fn children(parent: &mut Node, schema: &Map<String, Json>) {
    match &mut parent.value {
        Value::List(elements) => {
            if let Some(items) = schema.get("items") {
                for element in elements {
                    node(element, items);
                }
            }
        }
        Value::Map(members) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            for (key, value) in members {
                let property = properties.and_then(|properties| properties.get(&key.name));
                if let Some(schema) = property.or(schema.get("additionalProperties")) {
                    node(value, schema);
                }
            }
        }
        _ => {}
    }
}

fn converted(text: &str, alternatives: &[&Map<String, Json>]) -> Option<Value> {
    let mut wanted = Vec::new();
    for schema in alternatives {
        let types = types(schema);
        if types.is_empty() || types.contains(&"string") {
            return None;
        }
        wanted.extend(types);
    }
    wanted.into_iter().find_map(|kind| match kind {
        "boolean" => text.parse().ok().map(Value::Bool),
        "integer" => text.parse::<u64>().ok().map(|n| Value::Number(n.into())),
        "number" => text.parse().ok().map(Value::Number),
        _ => None,
    })
}

//! The schema for editors.

use serde_json::{Map, Value as Json, json};

use super::{SCHEMA, alternatives, types, words};

/// A reference to the environment.
const REFERENCE: &str = r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$";

/// The JSON Schema (draft 2020-12) of a configuration file. Wherever it allows a number, a boolean
/// or a word, it also allows a reference to the environment.
#[must_use]
pub fn schema() -> Json {
    let mut schema = SCHEMA.clone();
    allow_references(&mut schema);
    if let Json::Object(members) = &mut schema {
        members.shift_insert(1, "$id".to_owned(), "urn:watchword:configuration".into());
    }
    schema
}

fn allow_references(schema: &mut Json) {
    let Json::Object(members) = schema else {
        return;
    };
    let wanted = lacks_references(members);
    within(members);
    if wanted {
        add_reference(members);
    }
}

fn within(members: &mut Map<String, Json>) {
    for (name, value) in members.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "$defs", Json::Object(schemas)) => {
                schemas.values_mut().for_each(allow_references);
            }
            ("items" | "additionalProperties", schema) => allow_references(schema),
            // A reference stands beside the alternatives, not in them.
            ("anyOf" | "oneOf", Json::Array(alternatives)) => {
                let alternatives = alternatives.iter_mut().filter_map(Json::as_object_mut);
                alternatives.for_each(within);
            }
            _ => {}
        }
    }
}

/// Returns true if a schema allows scalar values, but no reference.
fn lacks_references(schema: &Map<String, Json>) -> bool {
    let mut all = alternatives(schema);
    if all.is_empty() {
        all.push(schema);
    }
    let any_text = |schema: &Map<String, Json>| {
        types(schema).contains(&"string") && words(schema).next().is_none()
    };
    let scalar = |kind: &&str| matches!(*kind, "boolean" | "integer" | "number" | "string");
    let scalar = |schema: &Map<String, Json>| types(schema).iter().any(scalar);
    all.iter().any(|schema| scalar(schema)) && !all.iter().any(|schema| any_text(schema))
}

fn add_reference(schema: &mut Map<String, Json>) {
    let reference = json!({"type": "string", "pattern": REFERENCE});
    for name in ["anyOf", "oneOf"] {
        if let Some(Json::Array(alternatives)) = schema.get_mut(name) {
            return alternatives.push(reference);
        }
    }
    let mut value = Map::new();
    for name in ["type", "enum", "const", "format", "minimum", "maximum"] {
        if let Some(member) = schema.shift_remove(name) {
            value.insert(name.to_owned(), member);
        }
    }
    schema.insert("anyOf".to_owned(), json!([value, reference]));
}

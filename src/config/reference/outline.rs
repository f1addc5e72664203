//! Which mappings a configuration has, where each is described, and what leads to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::super::schema::{own_alternatives, resolve, text, types, words};

/// A mapping with settings.
pub(super) struct Section<'s> {
    /// The path, such as `issuers.NAME.jwks`; empty for the whole file.
    path: String,
    pub(super) schema: &'s Map<String, Json>,
}

/// The mappings of a configuration, each once, in the order in which their parents have them.
pub(super) struct Outline<'s> {
    pub(super) sections: Vec<Section<'s>>,
    /// The path at which each named type is described.
    homes: BTreeMap<&'s str, String>,
}

impl Section<'_> {
    pub(super) fn heading(&self) -> String {
        if self.path.is_empty() {
            return "The file".to_owned();
        }
        format!("`{}`", self.path)
    }

    /// The path of a setting of this mapping.
    pub(super) fn member(&self, name: &str) -> String {
        if self.path.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.path)
    }
}

impl<'s> Outline<'s> {
    pub(super) fn new(schema: &'s Json) -> Self {
        let mut outline = Self {
            sections: Vec::new(),
            homes: BTreeMap::new(),
        };
        outline.walk(schema, String::new(), &mut BTreeSet::new());
        outline
    }

    fn walk(&mut self, schema: &'s Json, path: String, seen: &mut BTreeSet<&'s str>) {
        let name = schema.get("$ref").and_then(Json::as_str);
        if name.is_some_and(|name| !seen.insert(name)) {
            return;
        }
        let Some(schema) = resolve(schema) else {
            return;
        };
        for alternative in own_alternatives(schema) {
            self.walk(alternative, path.clone(), seen);
        }
        if let Some(items) = schema.get("items") {
            self.walk(items, format!("{path}[]"), seen);
        }
        if let Some(others) = schema.get("additionalProperties") {
            self.walk(others, format!("{path}.NAME"), seen);
        }
        if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
            if let Some(name) = name {
                self.homes.insert(name, path.clone());
            }
            let section = Section { path, schema };
            let members = properties.iter();
            let members: Vec<_> = members
                .map(|(name, schema)| (section.member(name), schema))
                .collect();
            self.sections.push(section);
            for (path, schema) in members {
                self.walk(schema, path, seen);
            }
        }
    }

    /// The kind of a value in words; a mapping is linked to its section.
    pub(super) fn kind(&self, schema: &Json, path: &str) -> String {
        let name = schema.get("$ref").and_then(Json::as_str);
        if let Some(home) = name.and_then(|name| self.homes.get(name)) {
            return link(home);
        }
        let Some(schema) = resolve(schema) else {
            return "anything".to_owned();
        };
        let mut kinds: Vec<String> = Vec::new();
        for alternative in own_alternatives(schema) {
            let kind = self.kind(alternative, path);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        if kinds.is_empty() {
            kinds.push(self.own_kind(schema, path));
        }
        if kinds == ["boolean", "number", "text"] {
            kinds = vec!["scalar".to_owned()];
        }
        let secret = schema.contains_key("writeOnly");
        let words = kinds.iter().all(|kind| kind.starts_with('`'));
        kinds.join(if words { ", " } else { " or " }) + if secret { "; secret" } else { "" }
    }

    fn own_kind(&self, schema: &Map<String, Json>, path: &str) -> String {
        let words: Vec<_> = words(schema).map(|word| format!("`{word}`")).collect();
        if !words.is_empty() {
            return words.join(", ");
        }
        if schema.contains_key("properties") {
            return link(path);
        }
        if let Some(others @ Json::Object(_)) = schema.get("additionalProperties") {
            let others = self.kind(others, &format!("{path}.NAME"));
            return format!("mapping of names to {others}");
        }
        if let Some(items) = schema.get("items") {
            return format!("list of {}", self.kind(items, &format!("{path}[]")));
        }
        scalar(schema)
    }
}

fn scalar(schema: &Map<String, Json>) -> String {
    let kinds: Vec<&str> = match text(schema, "x-kind") {
        "" => types(schema).into_iter().map(word).collect(),
        kind => vec![kind],
    };
    if kinds.is_empty() {
        return "anything".to_owned();
    }
    let limit = |name: &str| match schema.get(name) {
        Some(Json::Number(limit)) => limit.to_string(),
        _ => text(schema, &format!("x-{name}")).to_owned(),
    };
    let limits = match (&*limit("minimum"), &*limit("maximum")) {
        (_, "") => String::new(),
        (least, most) => format!("{least} to {most}"),
    };
    let comma = if limits.is_empty() { "" } else { ", " };
    format!("{}{comma}{limits}", kinds.join(" or "))
}

fn word(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "whole number",
        "array" => "list",
        "object" => "mapping",
        other => other,
    }
}

fn link(path: &str) -> String {
    format!("[mapping](#{})", anchor(path))
}

/// The anchor of a heading on pages of repositories.
fn anchor(path: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    path.to_lowercase().chars().filter(kept).collect()
}

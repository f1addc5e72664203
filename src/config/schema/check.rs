//! Holds a document against the schema, and finds every difference.

use serde_json::{Map, Value as Json};

use super::super::document::{Document, Node, Origin, Value};
use super::super::findings::Findings;
use super::{SCHEMA, alternatives, fits, resolve, types, words};

/// Notes everything in the document that the schema does not allow.
pub(in crate::config) fn check(document: &Document, findings: &mut Findings<'_>) {
    let mut walk = Walk {
        findings,
        path: Vec::new(),
        wrong: Vec::new(),
    };
    walk.node(document.root(), &SCHEMA);
    let Walk {
        findings, wrong, ..
    } = walk;
    for path in wrong {
        findings.prune(&path.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

struct Walk<'w, 'd> {
    findings: &'w mut Findings<'d>,
    path: Vec<String>,
    /// Where values stand that cannot be read further.
    wrong: Vec<Vec<String>>,
}

impl Walk<'_, '_> {
    fn node(&mut self, node: &Node, schema: &Json) {
        let Some(schema) = resolve(schema) else {
            return;
        };
        if matches!(node.origin, Origin::Failed) {
            return;
        }
        let alternatives = alternatives(schema);
        if !alternatives.is_empty() {
            return self.one_of(node, &alternatives);
        }
        if !fits(node, schema) {
            return self.mismatch(node, &[schema]);
        }
        match &node.value {
            Value::Map(_) => self.map(node, schema),
            Value::List(elements) => {
                let Some(items) = schema.get("items") else {
                    return;
                };
                for (index, element) in elements.iter().enumerate() {
                    self.within(format!("[{index}]"), |walk| walk.node(element, items));
                }
            }
            Value::String(text) => self.word(text, schema),
            _ => {}
        }
    }

    fn one_of(&mut self, node: &Node, alternatives: &[&Map<String, Json>]) {
        let fitting: Vec<_> = alternatives
            .iter()
            .copied()
            .filter(|a| fits(node, a))
            .collect();
        let words: Vec<&str> = fitting.iter().flat_map(|schema| words(schema)).collect();
        match (&node.value, fitting.as_slice()) {
            (_, []) => self.mismatch(node, alternatives),
            (Value::String(text), _) if !words.is_empty() && !words.contains(&text.as_str()) => {
                self.add(format!("{text:?}"), expectation(alternatives));
            }
            (_, [only]) => self.node(node, &Json::Object((*only).clone())),
            // Several alternatives of one type hold nothing that could be checked further.
            _ => {}
        }
    }

    fn map(&mut self, node: &Node, schema: &Map<String, Json>) {
        let Value::Map(members) = &node.value else {
            return;
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        for (key, value) in members {
            let property = properties.and_then(|properties| properties.get(&key.name));
            match (property, others) {
                (Some(schema), _) => self.within(key.name.clone(), |walk| walk.node(value, schema)),
                (None, Some(schema @ Json::Object(_))) => {
                    self.within(key.name.clone(), |walk| walk.node(value, schema));
                }
                (None, Some(Json::Bool(false))) => {
                    let known = properties.into_iter().flat_map(Map::keys);
                    let mut known: Vec<&str> = known.map(String::as_str).collect();
                    known.sort_unstable();
                    let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
                    self.findings.add_unknown_key(&path, key, known.into_iter());
                    self.wrong.push(
                        [&path[..], &[&key.name]]
                            .concat()
                            .into_iter()
                            .map(ToOwned::to_owned)
                            .collect(),
                    );
                }
                _ => {}
            }
        }
        let required = schema
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        for name in required.filter_map(Json::as_str) {
            if !members.iter().any(|(key, _)| key.name == name) {
                self.add(format!("no {name:?}"), format!("the setting {name:?}"));
            }
        }
    }

    fn word(&mut self, text: &str, schema: &Map<String, Json>) {
        let words: Vec<&str> = words(schema).collect();
        if !words.is_empty() && !words.contains(&text) {
            self.wrong.push(self.path.clone());
            let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
            self.findings
                .add_unknown(&path, "", text, words.into_iter());
        }
    }

    fn mismatch(&mut self, node: &Node, alternatives: &[&Map<String, Json>]) {
        self.add(describe(node), expectation(alternatives));
    }

    fn add(&mut self, found: String, expected: String) {
        self.wrong.push(self.path.clone());
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        self.findings.add(&path, found, expected);
    }

    fn within(&mut self, step: String, walk: impl FnOnce(&mut Self)) {
        self.path.push(step);
        walk(self);
        self.path.pop();
    }
}

fn expectation(alternatives: &[&Map<String, Json>]) -> String {
    let all: Vec<String> = alternatives
        .iter()
        .flat_map(|schema| descriptions(schema))
        .collect();
    all.join(" or ")
}

fn descriptions(schema: &Map<String, Json>) -> Vec<String> {
    let words: Vec<String> = words(schema).map(|word| format!("{word:?}")).collect();
    if !words.is_empty() {
        return words;
    }
    let is_duration = schema.get("x-kind").and_then(Json::as_str) == Some("duration");
    let name = |kind: &str| {
        match kind {
            "string" if is_duration => "a duration such as \"30s\"",
            "string" => "a string",
            "integer" => "a whole number, 0 or more",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "a mapping",
            _ => return None,
        }
        .to_owned()
        .into()
    };
    types(schema).into_iter().filter_map(name).collect()
}

/// A value for a message. Text and numbers are left out: they may be a secret that went into the wrong place.
fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

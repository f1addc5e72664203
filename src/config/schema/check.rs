//! Compares a document with the schema, and notes every difference.

use serde_json::{Map, Value as Json};

use super::super::document::{Document, Key, Node, Origin, Value};
use super::super::findings::{Findings, hint, nearest};
use super::super::path::SettingPath;
use super::super::problem::beginning;
use super::super::settings::Time;
use super::{SCHEMA, alternatives, fits, resolve, text, types, words};

/// Notes everything in the document that the schema does not allow.
pub(in crate::config) fn check(document: &Document, findings: &mut Findings<'_>) {
    let mut comparison = Comparison {
        findings,
        malformed: Vec::new(),
        refused: Vec::new(),
    };
    comparison.node(&document.root, &SCHEMA, &SettingPath::default());
    let (malformed, refused) = (comparison.malformed, comparison.refused);
    // Only now, so that a wrong member silences no problem of its section's form.
    for path in malformed {
        findings.leave_out(path);
    }
    for (path, is_readable) in refused {
        findings.refuse(path, is_readable);
    }
}

struct Comparison<'c, 'd> {
    findings: &'c mut Findings<'d>,
    /// Settings of wrong form.
    malformed: Vec<SettingPath>,
    /// Settings of wrong value, and whether their types can read it.
    refused: Vec<(SettingPath, bool)>,
}

impl Comparison<'_, '_> {
    fn node(&mut self, node: &Node, schema: &Json, path: &SettingPath) {
        let Some(schema) = resolve(schema) else {
            return;
        };
        if matches!(node.origin, Origin::Failed) {
            return;
        }
        let alternatives = alternatives(schema);
        if !alternatives.is_empty() {
            return self.one_of(node, &alternatives, path);
        }
        if !fits(node, schema) {
            return self.mismatch(node, &[schema], path);
        }
        self.bounds(node, schema, path);
        match &node.value {
            Value::Map(members) => self.members(members, schema, path),
            Value::List(elements) => {
                if let Some(items) = schema.get("items") {
                    for (index, element) in elements.iter().enumerate() {
                        self.node(element, items, &path.element(index));
                    }
                }
            }
            Value::String(text) => self.word(text, schema, path),
            _ => {}
        }
    }

    fn one_of(&mut self, node: &Node, alternatives: &[&Map<String, Json>], path: &SettingPath) {
        let all = alternatives.iter().copied();
        let fitting: Vec<_> = all.filter(|schema| fits(node, schema)).collect();
        let words: Vec<&str> = fitting.iter().flat_map(|schema| words(schema)).collect();
        match (&node.value, fitting.as_slice()) {
            (_, []) => self.mismatch(node, alternatives, path),
            (Value::String(text), _) if !words.is_empty() && !words.contains(&text.as_str()) => {
                self.reject(path, format!("{text:?}"), &expectation(alternatives));
            }
            (_, [only]) => self.node(node, &Json::Object((*only).clone()), path),
            // Several alternatives of one type have nothing to be checked further.
            _ => {}
        }
    }

    fn members(&mut self, members: &[(Key, Node)], schema: &Map<String, Json>, path: &SettingPath) {
        let no_settings = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let properties = properties.unwrap_or(&no_settings);
        let mut unknown: Vec<&str> = Vec::new();
        for (key, value) in members {
            let place = path.member(&key.name);
            let others = schema.get("additionalProperties");
            match (properties.get(&key.name), others) {
                (Some(schema), _) | (None, Some(schema @ Json::Object(_))) => {
                    self.node(value, schema, &place);
                }
                (None, Some(Json::Bool(false))) => {
                    let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
                    known.sort_unstable();
                    unknown.push(&key.name);
                    let meant = meant(&key.name, properties, &known);
                    self.findings.unknown_key(path, key, &known, meant);
                    self.malformed.push(place);
                }
                _ => {}
            }
        }
        let required = schema.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            // It is most likely there, under a misspelt name.
            let is_misspelt = unknown.iter().any(|key| nearest(key, &[name]).is_some());
            if !is_misspelt && !members.iter().any(|(key, _)| key.name == name) {
                let expected = format!("the setting {name:?}");
                self.reject(path, format!("no {name:?}"), &expected);
            }
        }
    }

    /// Bounds of a number or a duration, and lengths.
    fn bounds(&mut self, node: &Node, schema: &Map<String, Json>, path: &SettingPath) {
        let limit = |name: &str| schema.get(name).and_then(Json::as_f64);
        let count = |name: &str| schema.get(name).and_then(Json::as_u64);
        let is_empty = |least: &str, length: usize| length == 0 && count(least) == Some(1);
        match &node.value {
            Value::Number(number) => {
                let (least, most) = (limit("minimum"), limit("maximum"));
                if let (Some(value), Some(least), Some(most)) = (number.as_f64(), least, most)
                    && !(least..=most).contains(&value)
                {
                    let expected = format!("from {least} to {most}");
                    self.refuse(path, false, &number.to_string(), &expected);
                }
            }
            Value::String(text) if self::text(schema, "x-kind") == "duration" => {
                let bound = |name| self::text(schema, name);
                let (least, most) = (bound("x-minimum"), bound("x-maximum"));
                let time = Time::parse(text).filter(|time| {
                    Time::parse(least).is_none_or(|least| *time >= least)
                        && Time::parse(most).is_none_or(|most| *time <= most)
                });
                if time.is_none() {
                    let expected = format!("a duration such as \"30s\", from {least} to {most}");
                    self.refuse(path, false, &format!("{text:?}"), &expected);
                }
            }
            Value::String(text) if is_empty("minLength", text.len()) => {
                let is_path = self::text(schema, "x-kind") == "path";
                let expected = if is_path { "a path" } else { "a value" };
                self.refuse(path, true, "an empty string", expected);
            }
            Value::List(elements) if is_empty("minItems", elements.len()) => {
                self.refuse(path, true, "an empty list", &at_least_one(schema));
            }
            Value::List(elements) => {
                let length = u64::try_from(elements.len()).unwrap_or(u64::MAX);
                if let Some(most) = count("maxItems").filter(|most| length > *most) {
                    let (found, expected) =
                        (format!("{length} entries"), format!("at most {most}"));
                    self.refuse(path, true, &found, &expected);
                }
            }
            Value::Map(members) if is_empty("minProperties", members.len()) => {
                self.refuse(path, true, "an empty mapping", &at_least_one(schema));
            }
            _ => {}
        }
    }

    fn word(&mut self, text: &str, schema: &Map<String, Json>, path: &SettingPath) {
        let words: Vec<&str> = words(schema).collect();
        if !words.is_empty() && !words.contains(&text) {
            self.malformed.push(path.clone());
            self.findings
                .unknown(path, format!("{text:?}"), text, &words);
        }
    }

    fn mismatch(&mut self, node: &Node, alternatives: &[&Map<String, Json>], path: &SettingPath) {
        self.reject(
            path,
            describe(node, alternatives),
            &expectation(alternatives),
        );
    }

    /// Notes a value of wrong form.
    fn reject(&mut self, path: &SettingPath, found: String, expected: &str) {
        self.malformed.push(path.clone());
        self.findings.found(path, found, expected);
    }

    /// Notes a value of good form that is out of bounds.
    fn refuse(&mut self, path: &SettingPath, is_readable: bool, found: &str, expected: &str) {
        self.refused.push((path.clone(), is_readable));
        self.findings.found(path, found.to_owned(), expected);
    }
}

fn at_least_one(schema: &Map<String, Json>) -> String {
    match text(schema, "x-form") {
        "" => "at least one entry, or no such setting".to_owned(),
        form => format!("at least one entry, such as {form}"),
    }
}

/// The form that was most likely meant by an unknown key: a setting of a section beside it, or the
/// section with the most similar name.
fn meant(key: &str, settings: &Map<String, Json>, known: &[&str]) -> Option<String> {
    let within = settings.iter().find_map(|(section, schema)| {
        let members = resolve(schema)?.get("properties")?.as_object()?;
        let form = || format!("{section}: {{{key}: …}}");
        members.contains_key(key).then(form)
    });
    let similar = || {
        let name = nearest(key, known)?;
        let form = text(resolve(settings.get(name)?)?, "x-form");
        (!form.is_empty()).then(|| format!("{name}: {form}"))
    };
    within.or_else(similar).map(hint)
}

fn expectation(alternatives: &[&Map<String, Json>]) -> String {
    let all = alternatives.iter().copied();
    all.flat_map(descriptions).collect::<Vec<_>>().join(" or ")
}

fn descriptions(schema: &Map<String, Json>) -> Vec<String> {
    let words: Vec<String> = words(schema).map(|word| format!("{word:?}")).collect();
    if !words.is_empty() {
        return words;
    }
    let form = text(schema, "x-form");
    let of_elements = schema.get("items").and_then(resolve);
    let of_elements = of_elements.map_or("", |items| text(items, "x-form"));
    let is_duration = text(schema, "x-kind") == "duration";
    let bounds = (schema.get("minimum"), schema.get("maximum"));
    let types = types(schema).into_iter();
    let descriptions = types.filter_map(|kind| match (kind, bounds) {
        ("string", _) if is_duration => Some("a duration such as \"30s\"".to_owned()),
        ("string", _) if !form.is_empty() => Some(format!("a string such as {form}")),
        ("string", _) => Some("a string".to_owned()),
        ("integer", (Some(least), Some(most))) => {
            Some(format!("a whole number from {least} to {most}"))
        }
        ("integer", _) => Some("a whole number, 0 or more".to_owned()),
        ("number", _) => Some("a number".to_owned()),
        ("boolean", _) => Some("true or false".to_owned()),
        ("array", _) if !of_elements.is_empty() => Some(format!("a list such as [{of_elements}]")),
        ("array", _) => Some("a list such as [ONE, TWO]".to_owned()),
        ("object", _) if form.is_empty() => Some("a mapping".to_owned()),
        ("object", _) => Some(format!("a mapping such as {form}")),
        _ => None,
    });
    descriptions.collect()
}

/// Most characters of a value that are quoted.
const MAX_QUOTED: usize = 60;

/// A value for a message. Text and numbers are quoted only in place of a number, a switch, a
/// duration or one of some words: in place of anything else, they may be a secret in the wrong
/// place.
fn describe(node: &Node, alternatives: &[&Map<String, Json>]) -> String {
    let is_plain = |schema: &&Map<String, Json>| {
        let is_word = words(schema).next().is_some();
        let is_scalar = |kind: &&str| !matches!(*kind, "array" | "object" | "string");
        let has_form = is_word || text(schema, "x-kind") == "duration";
        !schema.contains_key("writeOnly") && (has_form || types(schema).iter().all(is_scalar))
    };
    let quotes = alternatives.iter().all(is_plain);
    let kind = match &node.value {
        Value::Number(number) if quotes => return number.to_string(),
        Value::String(text) if quotes => return format!("{:?}", beginning(text, MAX_QUOTED)),
        Value::Null => "nothing",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    };
    kind.to_owned()
}

//! Values and templates name each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use watchword_test_support::helm::Chart;

use crate::values;

watchword_test_support::tests![
    each_value_is_named_in_a_template,
    each_value_that_a_template_names_is_there,
];

fn sources(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else {
            all.push(fs::read_to_string(&path).unwrap());
        }
    }
}

fn templates() -> Vec<String> {
    let mut all = Vec::new();
    sources(&Chart::watchword().folder().join("templates"), &mut all);
    all
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

fn each_value_is_named_in_a_template() {
    let text = templates().join("\n");
    let named: BTreeSet<&str> = words(&text).collect();
    for setting in values::settings() {
        for key in setting.path.split('.') {
            assert!(
                named.contains(key),
                "{}: no template names it",
                setting.path
            );
        }
    }
}

fn each_value_that_a_template_names_is_there() {
    let defaults = Chart::watchword().defaults();
    let mut seen = 0;
    for text in templates() {
        // A short name for all values, where a file has one.
        let is_short =
            text.contains("$values := .Values") || text.contains("$values := $root.Values");
        let starts = if is_short {
            &[".Values.", "$values."][..]
        } else {
            &[".Values."]
        };
        for start in starts {
            for (at, _) in text.match_indices(start) {
                let rest = &text[at + start.len()..];
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
                let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                assert!(is_there(&defaults, path), "a template names {path}");
                seen += 1;
            }
        }
    }
    assert!(seen > 80, "{seen}");
}

fn is_there(defaults: &Value, path: &str) -> bool {
    let mut place = defaults;
    for key in path.split('.') {
        // What is below a mapping without defaults is the user's.
        if place.as_object().is_some_and(serde_json::Map::is_empty) {
            return true;
        }
        let Some(value) = place.get(key) else {
            return false;
        };
        place = value;
    }
    true
}

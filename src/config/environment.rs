//! `${NAME}` in the values of a configuration: text that comes from the environment.
//!
//! References are replaced after the document is parsed, so the value of a variable is never read
//! as YAML. Messages never repeat it either: see [`Variables::redact`].

mod text;

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::document::{Document, Node, Origin, Value};
use super::path::SettingPath;

/// Looks up a variable.
pub(super) type Environment<'e> = dyn Fn(&str) -> Option<OsString> + 'e;

/// Values shorter than this are everywhere in messages by chance.
const REDACTED_FROM: usize = 4;

/// The process's environment.
pub(super) fn process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The variables that a document refers to, with their values.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, String>);

/// A value in which a reference could not be followed, with the message.
pub(super) type Fault = (SettingPath, String);

/// Replaces all references in a document, up to `room` bytes of text together.
pub(super) fn substitute(
    document: &mut Document,
    environment: &Environment<'_>,
    room: usize,
) -> (Variables, Vec<Fault>) {
    let mut substitution = Substitution {
        environment,
        room,
        variables: Variables::default(),
        faults: Vec::new(),
    };
    substitution.node(&mut document.root, &SettingPath::default());
    (substitution.variables, substitution.faults)
}

/// The name of a value of the environment in messages.
pub(super) fn value_of(variables: &[String]) -> String {
    let names = variables.iter().map(|name| format!("${{{name}}}"));
    let names: Vec<_> = names.collect();
    format!("the value of {}", names.join(" and "))
}

/// Text in which `$` stands for itself, so that it reads as this text.
pub(super) fn escaped(text: String) -> String {
    if text.contains("$$") || text.contains("${") {
        return text.replace('$', "$$");
    }
    text
}

impl Variables {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A message with the names of variables in place of their values. Messages about a value of
    /// the environment do not quote it at all; this is for those about another setting.
    pub(super) fn redact(&self, message: String) -> String {
        let mut values: Vec<_> = self.0.iter().collect();
        values.retain(|(_, value)| value.len() >= REDACTED_FROM);
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        values.into_iter().fold(message, |message, (name, value)| {
            let name = format!("${{{name}}}");
            let quoted = format!("{value:?}");
            let quoted = quoted.trim_matches('"');
            message.replace(value, &name).replace(quoted, &name)
        })
    }
}

struct Substitution<'s> {
    environment: &'s Environment<'s>,
    /// The bytes of text that may still come.
    room: usize,
    variables: Variables,
    faults: Vec<Fault>,
}

impl Substitution<'_> {
    fn node(&mut self, node: &mut Node, path: &SettingPath) {
        match &mut node.value {
            Value::String(text) if text.contains('$') => {
                node.origin = self.text(text, path);
            }
            Value::List(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    self.node(element, &path.element(index));
                }
            }
            Value::Map(members) => {
                for (key, value) in members {
                    self.node(value, &path.member(&key.name));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &mut String, path: &SettingPath) -> Origin {
        let mut used = Vec::new();
        let mut lookup = |name: &str| {
            let value = (self.environment)(name)?;
            if let Some(text) = value.to_str() {
                self.variables.0.insert(name.to_owned(), text.to_owned());
                used.push(name.to_owned());
            }
            Some(value)
        };
        match text::expand(text, &mut lookup, self.room) {
            Ok((expanded, whole)) => {
                self.room = self.room.saturating_sub(expanded.len());
                *text = expanded;
                used.dedup();
                Origin::Expanded {
                    variables: used,
                    whole,
                }
            }
            Err((found, expected)) => {
                let message = format!("found {found}; expected {expected}");
                self.faults.push((path.clone(), message));
                Origin::Failed
            }
        }
    }
}

#[cfg(test)]
mod tests;

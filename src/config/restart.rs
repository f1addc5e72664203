//! The settings that only a restart changes: those with `x-restart: true` in the schema.
//!
//! A setting without a mark takes that of its section. With `on or off`, a reload takes another
//! content of the section, and only a restart adds or removes it.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use serde_json::{Map, Value as Json};

use super::schema::{SCHEMA, resolve, text};
use super::settings::Time;

/// The settings of a configuration that only a restart changes, with digests of their values.
#[derive(Clone, Debug)]
pub(crate) struct RestartSettings(Vec<(String, u64)>);

impl RestartSettings {
    pub(super) fn of(document: &Json) -> Self {
        let mut settings = Self(Vec::new());
        if let Some(schema) = SCHEMA.as_object() {
            settings.add_section(schema, Some(document), false, "");
        }
        settings
    }

    /// The first setting whose value the successor changes.
    pub(crate) fn first_changed_in(&self, successor: &Self) -> Option<&str> {
        let mut pairs = self.0.iter().zip(&successor.0);
        let changed = pairs.find(|(old, new)| old != new);
        changed.map(|((name, _), _)| name.as_str())
    }

    fn add_section(
        &mut self,
        schema: &Map<String, Json>,
        section: Option<&Json>,
        is_marked: bool,
        path: &str,
    ) {
        let properties = schema.get("properties").and_then(Json::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let Some(schema) = resolve(property) else {
                continue;
            };
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}");
            let value = section.and_then(|section| section.get(name));
            let mark = property.get("x-restart").or(schema.get("x-restart"));
            let is_marked = match mark {
                Some(Json::Bool(mark)) => *mark,
                Some(_) => {
                    self.add(format!("{path} (on or off)"), &value.is_some().into());
                    continue;
                }
                None => is_marked,
            };
            let default = property.get("default");
            if schema.contains_key("properties") {
                if is_marked && default.is_none() {
                    self.add(path.clone(), &value.is_some().into());
                }
                self.add_section(schema, value, is_marked, &path);
            } else if is_marked {
                let value = value.or(default).unwrap_or(&Json::Null);
                match (text(schema, "x-kind"), value.as_str().and_then(Time::parse)) {
                    ("duration", Some(time)) => self.add(path, &time.to_string().into()),
                    _ => self.add(path, value),
                }
            }
        }
    }

    fn add(&mut self, path: String, value: &Json) {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        self.0.push((path, hasher.hash_one(value.to_string())));
    }
}

#[cfg(test)]
mod tests;

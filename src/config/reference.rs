//! The reference of all settings, as Markdown: a table for each mapping, in the order of the types.
//!
//! It is made from the schema alone, so whatever the types come to say is in it.

mod outline;
mod words;

use serde_json::{Map, Value as Json};

use super::schema::SCHEMA;

use outline::{Outline, Section};
use words::{cell, default, details};

const INTRODUCTION: &str = "\
<!-- Made from src/config/settings.rs by: watchword config-schema --markdown > docs/configuration-reference.md -->

# Configuration reference

All settings, with types, bounds and defaults. [configuration.md](configuration.md) says what they mean together. `NAME` in a
heading stands for a name of your choice, and `[]` for each element of a list. A boolean is `true` or `false`; a scalar is
a boolean, a number or text. What is secret is masked by `serve --print-config`.
";

/// The reference of the configuration file.
#[must_use]
pub fn reference() -> String {
    let outline = Outline::new(&SCHEMA);
    let sections = outline.sections().iter();
    let tables: Vec<_> = sections.map(|section| table(section, &outline)).collect();
    format!("{INTRODUCTION}\n{}", tables.join("\n"))
}

fn table(section: &Section<'_>, outline: &Outline<'_>) -> String {
    let description = text(section.schema, "description");
    let mut table = format!(
        "## {}\n\n{description}\n\n| setting | type | default | description |\n|---|---|---|---|\n",
        section.heading()
    );
    let properties = section.schema.get("properties").and_then(Json::as_object);
    for (name, setting) in properties.into_iter().flatten() {
        let row = [
            format!("`{name}`"),
            outline.kind(setting, &section.member(name)),
            default(setting, is_required(section.schema, name)),
            details(setting),
        ];
        let row: Vec<_> = row.iter().map(|text| cell(text)).collect();
        table.push_str("| ");
        table.push_str(&row.join(" | "));
        table.push_str(" |\n");
    }
    table
}

fn is_required(schema: &Map<String, Json>, name: &str) -> bool {
    let required = schema.get("required").and_then(Json::as_array);
    required.into_iter().flatten().any(|member| member == name)
}

fn text<'s>(schema: &'s Map<String, Json>, member: &str) -> &'s str {
    schema
        .get(member)
        .and_then(Json::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

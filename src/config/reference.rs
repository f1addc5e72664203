//! The reference of all settings, as Markdown: a table for each mapping, in the order of the types.
//!
//! It is made from the schema alone, so it has everything that the types say.

mod outline;
mod words;

use serde_json::{Map, Value as Json};

use super::schema::{SCHEMA, text};

use outline::{Outline, Section};
use words::{cell, default, details};

const INTRODUCTION: &str = "\
<!-- Made from src/config/settings.rs by:
     watchword config-schema --markdown > docs/configuration-reference.md -->

# Configuration reference

All settings, with types, bounds and defaults. [configuration.md](configuration.md) says what they
mean together. `NAME` in a heading stands for a name of your choice, and `[]` for each element of a
list. A boolean is `true` or `false`; a scalar is a boolean, a number or text. Secrets are masked by
`serve --print-config`. A reload changes every setting that does not ask for a restart.
";

/// Said of sections with `x-restart`.
const RESTART: &str = "\n\nOnly a restart changes these settings, if they do not say otherwise.";

/// The reference of the configuration file.
pub(crate) fn reference() -> String {
    let outline = Outline::new(&SCHEMA);
    let sections = outline.sections.iter();
    let tables: Vec<_> = sections.map(|section| table(section, &outline)).collect();
    format!("{INTRODUCTION}\n{}", tables.join("\n"))
}

fn table(section: &Section<'_>, outline: &Outline<'_>) -> String {
    let description = text(section.schema, "description");
    let needs_restart = section.schema.get("x-restart") == Some(&true.into());
    let restart = if needs_restart { RESTART } else { "" };
    let mut table = format!(
        "## {}\n\n{description}{restart}\n\n| setting | type | default | description |\n\
         |---|---|---|---|\n",
        section.heading()
    );
    let properties = section.schema.get("properties").and_then(Json::as_object);
    for (name, setting) in properties.into_iter().flatten() {
        let row = [
            format!("`{name}`"),
            outline.kind(setting, &section.member(name)),
            default(setting, is_required(section.schema, name)),
            details(setting, needs_restart),
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

#[cfg(test)]
mod tests;

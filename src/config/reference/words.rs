//! The cells of a table.

use serde_json::{Map, Value as Json};

use super::super::schema::{alternatives, resolve, text, words};

/// The default of a setting. That of a mapping stands with its own settings.
pub(super) fn default(setting: &Json, required: bool) -> String {
    match setting.get("default") {
        _ if required => "required".to_owned(),
        None => "none".to_owned(),
        Some(Json::Array(list)) if list.is_empty() => "none".to_owned(),
        Some(Json::Object(members)) if members.is_empty() => "none".to_owned(),
        Some(Json::Object(_)) => String::new(),
        Some(value) => format!("`{}`", flow(value)),
    }
}

/// The description of a setting, and those of the words that it may be. `needs_restart` is that of
/// the section.
pub(super) fn details(setting: &Json, needs_restart: bool) -> String {
    let own = setting.get("description").and_then(Json::as_str);
    let mut lines: Vec<_> = own.into_iter().map(ToOwned::to_owned).collect();
    let all = resolve(setting).map(alternatives).unwrap_or_default();
    lines.extend(all.into_iter().filter_map(alternative));
    let restart = match setting.get("x-restart") {
        Some(Json::Bool(true)) => "Only a restart changes it.",
        Some(Json::Bool(false)) if needs_restart => "A reload changes it.",
        Some(Json::String(_)) => "A reload takes other values; only a restart adds or removes it.",
        _ => "",
    };
    lines.extend((!restart.is_empty()).then(|| restart.to_owned()));
    lines.join("\n\n")
}

fn alternative(schema: &Map<String, Json>) -> Option<String> {
    let description = text(schema, "description");
    let word = words(schema).next()?;
    (!description.is_empty()).then(|| format!("`{word}`: {description}"))
}

/// A value as it would be written in one line of YAML.
fn flow(value: &Json) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Json::String(text) => text.clone(),
        Json::Array(elements) => format!("[{}]", list(elements.iter().map(flow).collect())),
        Json::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| format!("{name}: {}", flow(value)));
            format!("{{{}}}", list(members.collect()))
        }
        other => other.to_string(),
    }
}

/// Text as it may stand in a cell.
pub(super) fn cell(text: &str) -> String {
    let text = text.trim().replace('|', "\\|");
    text.replace("\n\n", "<br>").replace('\n', " ")
}

//! Generates the part of helm/watchword/README.md below its marker from values.yaml.
//! `WATCHWORD_UPDATE_SNAPSHOTS=1` writes the file.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use watchword_test_support::helm::Chart;

use crate::schema;
use crate::snapshot;
use crate::values::{self, Group, Setting};

watchword_test_support::tests![readme_describes_each_value_by_its_comment,];

const MARKER: &str = "<!-- Generated from values.yaml: \
     WATCHWORD_UPDATE_SNAPSHOTS=1 cargo test --test chart readme -->\n";

fn readme_describes_each_value_by_its_comment() {
    let file = Chart::watchword().folder().join("README.md");
    let text = fs::read_to_string(file).unwrap();
    let (by_hand, _) = text.split_once(MARKER).expect("the marker");
    let mut whole = format!("{by_hand}{MARKER}");
    for group in values::groups() {
        write_group(&mut whole, &group);
    }
    snapshot::matches("helm/watchword/README.md", &whole);
}

fn write_group(out: &mut String, group: &Group) {
    let heading = if group.heading.is_empty() {
        "What to run"
    } else {
        &group.heading
    };
    write!(out, "\n### {heading}\n\n").unwrap();
    if !group.text.is_empty() {
        write!(out, "{}\n\n", group.text).unwrap();
    }
    out.push_str("| Value | Type | Default | |\n| --- | --- | --- | --- |\n");
    for setting in &group.settings {
        if setting.is_section {
            if !setting.description.is_empty() {
                writeln!(
                    out,
                    "| `{}` | | | {} |",
                    setting.path,
                    cell(&setting.description)
                )
                .unwrap();
            }
            continue;
        }
        let default = cell(&setting.default.to_string());
        let (path, description) = (&setting.path, cell(&setting.description));
        writeln!(
            out,
            "| `{path}` | {} | `{default}` | {description} |",
            kind(setting)
        )
        .unwrap();
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The type, as in the schema.
fn kind(setting: &Setting) -> String {
    match &schema::of_setting(setting)["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds
                .iter()
                .filter_map(Value::as_str)
                .filter(|kind| *kind != "null")
                .collect();
            kinds.join(" or ")
        }
        // `config`, which is a reference.
        _ => "object".to_owned(),
    }
}

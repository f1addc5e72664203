//! The settings of helm/watchword/values.yaml with their comments, from which README.md and the
//! schema are generated.
//!
//! A comment that begins with `# -- ` describes the key below it. A key with such a comment is one
//! setting, including everything below it. It is a section if keys below it have comments of their
//! own, or if it has no comment.

use std::fs;

use serde_json::Value;
use watchword_test_support::helm::{self, Chart};

watchword_test_support::tests![
    value_without_a_comment_is_found,
    setting_includes_the_keys_below_it_and_a_section_does_not,
];

/// A setting, or a section of settings.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Its keys, joined by dots.
    pub(crate) path: String,
    pub(crate) description: String,
    pub(crate) default: Value,
    pub(crate) is_section: bool,
}

/// The settings below one heading of the file, with the text of that heading.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) heading: String,
    pub(crate) text: String,
    pub(crate) settings: Vec<Setting>,
}

/// The chart's own.
pub(crate) fn groups() -> Vec<Group> {
    let file = Chart::watchword().folder().join("values.yaml");
    read(&fs::read_to_string(file).unwrap()).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn settings() -> Vec<Setting> {
    groups()
        .into_iter()
        .flat_map(|group| group.settings)
        .collect()
}

/// # Errors
/// A value has no comment.
pub(crate) fn read(text: &str) -> Result<Vec<Group>, String> {
    let values = helm::yaml(text)?;
    let mut groups = vec![Group::default()];
    let mut comment: Vec<&str> = Vec::new();
    let mut parents: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        if let Some(words) = content.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        let comment_lines = std::mem::take(&mut comment);
        if content.is_empty() {
            if let Some(group) = heading(&comment_lines) {
                groups.push(group);
            }
            continue;
        }
        let Some(key) = key(content) else { continue };
        let indent = line.len() - content.len();
        parents.retain(|(depth, _)| *depth < indent);
        parents.push((indent, key.to_owned()));
        let path: Vec<&str> = parents.iter().map(|(_, key)| key.as_str()).collect();
        let group = groups.last_mut().unwrap();
        group.settings.push(Setting {
            default: values
                .pointer(&format!("/{}", path.join("/")))
                .cloned()
                .unwrap_or_default(),
            path: path.join("."),
            description: described(&comment_lines),
            is_section: false,
        });
    }
    settle(&mut groups)?;
    Ok(groups)
}

/// The key of a line of a mapping in block style.
fn key(content: &str) -> Option<&str> {
    let (key, rest) = content.split_once(':')?;
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric());
    (plain && (rest.is_empty() || rest.starts_with(' '))).then_some(key)
}

fn heading(comment_lines: &[&str]) -> Option<Group> {
    let words = comment_lines.join(" ");
    let is_description = words.starts_with("-- ") || words.contains("begins with \"--\"");
    if words.is_empty() || is_description {
        return None;
    }
    let (heading, text) = words.split_once(". ").unwrap_or((&words, ""));
    Some(Group {
        heading: heading.trim_end_matches('.').to_owned(),
        text: text.to_owned(),
        settings: Vec::new(),
    })
}

fn described(comment_lines: &[&str]) -> String {
    let start = comment_lines
        .iter()
        .rposition(|line| line.starts_with("-- "));
    let lines = start.map_or(&[][..], |start| &comment_lines[start..]);
    lines.join(" ").trim_start_matches("-- ").to_owned()
}

/// Separates sections from settings, and drops the keys below a setting.
fn settle(groups: &mut Vec<Group>) -> Result<(), String> {
    let all: Vec<(String, bool)> = groups
        .iter()
        .flat_map(|group| &group.settings)
        .map(|setting| (setting.path.clone(), !setting.description.is_empty()))
        .collect();
    let is_below = |path: &str, above: &str| {
        path.strip_prefix(above)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let is_section = |path: &str| {
        all.iter()
            .any(|(other, comment_lines)| *comment_lines && is_below(other, path))
    };
    for group in groups.iter_mut() {
        for setting in &mut group.settings {
            setting.is_section = is_section(&setting.path);
        }
        group.settings.retain(|setting| {
            !setting.description.is_empty()
                || setting.is_section
                || !all.iter().any(|(other, comment_lines)| {
                    *comment_lines && !is_section(other) && is_below(&setting.path, other)
                })
        });
        if let Some(setting) = group
            .settings
            .iter()
            .find(|setting| setting.description.is_empty() && !setting.is_section)
        {
            return Err(format!("{}: values.yaml says nothing of it", setting.path));
        }
    }
    groups.retain(|group| !group.settings.is_empty());
    Ok(())
}

fn value_without_a_comment_is_found() {
    let problem = read("a:\n  # -- Says.\n  b: 1\n  c: 2\n").unwrap_err();
    assert!(problem.starts_with("a.c: "), "{problem}");
}

fn setting_includes_the_keys_below_it_and_a_section_does_not() {
    let text = "# Words\n\na:\n  # -- One, in\n  # two lines.\n  b:\n    c: 1\n    d: [x]\n";
    let groups = read(text).unwrap();
    assert_eq!(groups[0].heading, "Words");
    let found: Vec<_> = groups[0]
        .settings
        .iter()
        .map(|setting| (setting.path.as_str(), setting.is_section))
        .collect();
    assert_eq!(found, [("a", true), ("a.b", false)]);
    assert_eq!(groups[0].settings[1].description, "One, in two lines.");
    assert_eq!(
        groups[0].settings[1].default,
        serde_json::json!({"c": 1, "d": ["x"]})
    );
}

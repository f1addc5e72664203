//! Whatever settings there are, the reference has them, and says what they are.

use std::collections::BTreeSet;

use super::*;

/// Headings and links as pages have them.
fn anchors(page: &str) -> (Vec<String>, BTreeSet<String>) {
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let headings = headings
        .map(|heading| heading.to_lowercase().chars().filter(kept).collect())
        .collect();
    let links = page.split("](#").skip(1);
    let links = links.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
    (headings, links.collect())
}

#[test]
fn every_link_has_its_heading_and_every_heading_stands_once() {
    let (headings, links) = anchors(&reference());
    let once: BTreeSet<_> = headings.iter().cloned().collect();
    assert_eq!(once.len(), headings.len(), "{headings:?}");
    assert!(links.len() > 5, "{links:?}");
    assert!(links.is_subset(&once), "{:?}", links.difference(&once));
}

/// All settings in the schema, by the type that has them.
fn settings() -> Vec<(String, &'static Json)> {
    let types = SCHEMA.get("$defs").and_then(Json::as_object).unwrap();
    let types = types.iter().map(|(name, schema)| (name.as_str(), schema));
    let mut found = Vec::new();
    for (name, schema) in types.chain([("the file", &*SCHEMA)]) {
        let properties = schema.get("properties").and_then(Json::as_object);
        for (setting, schema) in properties.into_iter().flatten() {
            found.push((format!("{setting} of {name}"), schema));
        }
    }
    found
}

#[test]
fn every_setting_has_a_row_and_a_description() {
    let settings = settings();
    let page = reference();
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, settings.len());
    for (name, schema) in settings {
        let description = schema.get("description").and_then(Json::as_str);
        let description = description.unwrap_or_default();
        assert!(!description.is_empty(), "{name} is not described");
        let said = description.contains("Default ") || description.contains("Default:");
        assert!(
            !said,
            "{name}: its default is said by its type: {description}"
        );
    }
}

#[test]
fn a_row_says_type_bounds_and_default() {
    let page = reference();
    for row in [
        "| `issuers` | mapping of names to [mapping](#issuersname) | required | ",
        "| `max_token_size` | whole number, 256 to 65536 | `16384` | ",
        "| `shutdown_timeout` | duration, 0s to 10m | `10s` | ",
        "| `timeout` | duration, 100ms to 1m | `5s` | ",
        "| `max_lifetime` | duration, 0s to 87840h | none | ",
        "| `token_from` | list of [mapping](#servertoken_from) | `[{header: authorization}]` | ",
        "| `format` | `text`, `json` | `text` | ",
        "| `discovery` | boolean or URL | none | ",
        "| `headers` | mapping of names to text; secret | none | ",
        "| `rules` | `any_valid_token` or list of [mapping](#rules) | none | ",
        "| `require` | `none` or [mapping](#rulesrequire) |  | ",
        "| `inline` | anything; secret | none | ",
    ] {
        assert!(page.contains(row), "no {row} in\n{page}");
    }
}

//! The settings in which two configurations differ, for the log.

use std::collections::BTreeSet;

use serde_json::Value;

const MAX_NAMED: usize = 8;

/// Names the settings that differ, such as `issuers.corp.audiences, rules[1].require`.
pub(super) fn changed(old: &Value, new: &Value) -> String {
    let mut names = Vec::new();
    compare(Some(old), Some(new), "", &mut names);
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let names = names.join(", ");
    match more {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn compare(old: Option<&Value>, new: Option<&Value>, path: &str, names: &mut Vec<String>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let dot = if path.is_empty() { "" } else { "." };
            for key in keys {
                let path = format!("{path}{dot}{key}");
                compare(old.get(key), new.get(key), &path, names);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new)))
            if old.len() == new.len() && old.iter().all(Value::is_object) =>
        {
            for (place, (old, new)) in old.iter().zip(new).enumerate() {
                compare(Some(old), Some(new), &format!("{path}[{place}]"), names);
            }
        }
        _ => names.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::changed;

    #[test]
    fn changed_settings_are_named_by_their_paths() {
        let old = json!({
            "issuers": {"corp": {"audiences": ["a"]}, "gone": {}},
            "rules": [{"name": "a"}, {"name": "b", "require": {"scopes": ["x"]}}],
            "server": {"realm": "r"},
        });
        let new = json!({
            "issuers": {"corp": {"audiences": ["a", "b"]}, "new": {}},
            "rules": [{"name": "a"}, {"name": "b", "require": "none"}],
            "server": {"realm": "r"},
        });
        assert_eq!(
            changed(&old, &new),
            "issuers.corp.audiences, issuers.gone, issuers.new, rules[1].require"
        );
        assert_eq!(changed(&old, &old), "");
        let shorter = json!({"rules": [{"name": "a"}]});
        assert_eq!(changed(&old, &shorter), "issuers, rules, server");
    }

    #[test]
    fn a_line_names_eight_settings_at_most() {
        let old = serde_json::Value::Object((0..10).map(|i| (i.to_string(), json!(1))).collect());
        assert_eq!(
            changed(&old, &json!({})),
            "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
        );
    }
}

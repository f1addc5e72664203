//! Generates helm/watchword/values.schema.json. Types come from the default values and from
//! `shapes`. Below `config`, it is the schema that Watchword prints. `WATCHWORD_UPDATE_SNAPSHOTS=1`
//! writes the file.

use serde_json::{Map, Value, json};
use watchword_test_support::helm::{self, Chart};

use crate::cases;
use crate::shapes;
use crate::snapshot;
use crate::values::{self, Setting};

watchword_test_support::tests![
    schema_is_that_of_the_values_and_of_watchword,
    schema_is_one_of_draft_07,
    schema_takes_the_defaults_and_each_example,
    null_takes_a_setting_away_that_a_chart_above_has_no_use_for,
    parents_may_set_global_and_enabled,
    alert_has_the_keys_of_its_default_and_no_other,
];

fn generated() -> Value {
    let mut root = closed("Values of the Watchword chart");
    for setting in values::settings() {
        let schema = if setting.is_section {
            closed(&setting.description)
        } else {
            of_setting(&setting)
        };
        let mut place = &mut root;
        for key in setting.path.split('.') {
            place = &mut place["properties"][key];
        }
        *place = schema;
    }
    // Parents set these.
    root["properties"]["global"]["additionalProperties"] = json!(true);
    root["properties"]["enabled"] = json!({
        "type": "boolean",
        "description": "Not read here: for the `condition` of a chart that depends on this one.",
    });
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["definitions"] = Value::Object(configuration());
    root
}

/// A mapping of which each key is known.
fn closed(description: &str) -> Value {
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": {}});
    if !description.is_empty() {
        schema["description"] = json!(description);
    }
    schema
}

/// The schema of one value. A type that the default does not tell is in `shapes`.
pub(crate) fn of_setting(setting: &Setting) -> Value {
    let mut schema = by_default(&setting.path, &setting.default);
    if let Some(shape) = shapes::of(&setting.path) {
        let (Value::Object(schema), Value::Object(shape)) = (&mut schema, shape) else {
            panic!("shapes are mappings")
        };
        if shape.contains_key("$ref") {
            schema.remove("type");
        }
        schema.extend(shape);
    }
    assert!(
        schema.get("type").is_some() || schema.get("$ref").is_some(),
        "{}: the default does not tell its type; name it in tests/chart/shapes.rs",
        setting.path
    );
    schema["description"] = json!(setting.description);
    schema
}

fn by_default(path: &str, default: &Value) -> Value {
    let name = path.rsplit('.').next().unwrap_or(path).to_lowercase();
    match default {
        Value::Object(_)
            if name.ends_with("labels")
                || name.ends_with("annotations")
                || name == "nodeselector" =>
        {
            json!({"type": "object", "additionalProperties": {"type": "string"}})
        }
        Value::Object(fields) if path.starts_with("prometheusRule.alerts.") => alert(fields),
        Value::Object(_) => json!({"type": "object"}),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            json!({"type": "array", "items": {"type": "string"}})
        }
        Value::Array(_) => json!({"type": "array"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "integer", "minimum": 0}),
        Value::String(_) => json!({"type": "string"}),
        Value::Null => json!({}),
    }
}

/// An alert has the keys of its default: a misspelt one would leave the default.
fn alert(fields: &Map<String, Value>) -> Value {
    let mut schema = closed("");
    for (name, default) in fields {
        schema["properties"][name] = match default {
            Value::Bool(_) => json!({"type": "boolean"}),
            Value::Number(_) => json!({"type": "number", "minimum": 0}),
            _ => json!({"type": "string", "minLength": 1}),
        };
    }
    schema
}

/// Watchword's own schema, in draft-07. At least one issuer is asked for by the templates, as
/// `config` may be elsewhere.
fn configuration() -> Map<String, Value> {
    let text = watchword::config::schema().to_string();
    let mut root: Value = serde_json::from_str(&text).unwrap();
    let Some(Value::Object(mut definitions)) =
        root.as_object_mut().and_then(|root| root.remove("$defs"))
    else {
        panic!("a schema with definitions")
    };
    let root = root.as_object_mut().unwrap();
    for key in ["$id", "$schema", "required", "title"] {
        root.remove(key);
    }
    definitions.insert("Config".into(), Value::Object(root.clone()));
    for definition in definitions.values_mut() {
        older(definition);
        nullable(definition);
    }
    definitions
}

/// References are at another place in draft-07, and nothing counts beside one; defaults and formats
/// that Helm does not know say nothing here.
fn older(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let target = fields.get("$ref").and_then(Value::as_str);
            if let Some(target) = target.map(|target| target.replace("#/$defs/", "#/definitions/"))
            {
                let says_nothing = |key: &&String| {
                    key.starts_with("x-")
                        || ["$ref", "description", "default", "title"].contains(&key.as_str())
                };
                let beside = fields.keys().find(|key| !says_nothing(key));
                assert_eq!(beside, None, "beside a reference to {target}");
                *schema = json!({"$ref": target});
                return;
            }
            if fields.get("type").is_some_and(Value::is_string) || fields.contains_key("anyOf") {
                fields.remove("default");
                fields.remove("format");
            }
            for field in fields.values_mut() {
                older(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(older),
        _ => {}
    }
}

/// In Helm, null removes a value. If a parent chart does so, this chart sees the null.
fn nullable(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    if let Some(choices) = fields.remove("oneOf") {
        fields.insert("anyOf".into(), choices);
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.push(json!({"type": "null"}));
    }
    if let Some(Value::String(kind)) = fields.get("type") {
        let kinds = json!([kind, "null"]);
        fields.insert("type".into(), kinds);
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(nullable);
    }
}

fn shipped() -> Value {
    let file = Chart::watchword().folder().join("values.schema.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn schema_is_that_of_the_values_and_of_watchword() {
    snapshot::matches(
        "helm/watchword/values.schema.json",
        &format!("{:#}\n", generated()),
    );
}

fn schema_is_one_of_draft_07() {
    assert_eq!(helm::metaschema(&shipped()), [""; 0]);
}

fn schema_takes_the_defaults_and_each_example() {
    let schema = shipped();
    let defaults = Chart::watchword().defaults();
    assert_eq!(helm::fits(&schema, &defaults), [""; 0]);
    for (name, values) in cases::files() {
        assert_eq!(helm::fits(&schema, &values), [""; 0], "{name}");
    }
}

fn null_takes_a_setting_away_that_a_chart_above_has_no_use_for() {
    let mut config = cases::config();
    config["issuers"]["corp"]["jwks"] = json!({"uri": "https://a.example", "discovery": null});
    let values = json!({"config": config});
    assert_eq!(helm::fits(&shipped(), &values), [""; 0]);
}

fn parents_may_set_global_and_enabled() {
    let values = json!({"global": {"other": [1]}, "enabled": true, "config": cases::config()});
    assert!(Chart::watchword().render(&values).is_ok());
    let values = json!({"other": 1, "config": cases::config()});
    let problem = Chart::watchword().render(&values).unwrap_err();
    assert!(problem.contains("other"), "{problem}");
}

fn alert_has_the_keys_of_its_default_and_no_other() {
    let with = |alert| {
        json!({
            "prometheusRule": {"alerts": {"overloaded": alert}},
            "config": cases::config(),
        })
    };
    let taken = with(json!({"share": 0.1, "for": "1m", "severity": "page", "enabled": false}));
    assert_eq!(helm::fits(&shipped(), &taken), [""; 0]);
    for alert in [
        json!({"sahre": 0.1}),
        json!({"share": "0.1"}),
        json!({"seconds": 1}),
    ] {
        assert_ne!(helm::fits(&shipped(), &with(alert)), [""; 0]);
    }
}

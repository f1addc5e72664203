//! `config-schema` describes the settings, for editors and the documentation.

use std::path::Path;

use serde_json::{Value, json};

use crate::{text, watchword};

const REFERENCE: &str = "docs/configuration-reference.md";

fn schema() -> Value {
    let output = watchword(&["config-schema"]);
    assert_eq!(output.status.code(), Some(0));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_reference_in_the_documentation_is_that_of_this_version() {
    let output = watchword(&["config-schema", "--markdown"]);
    let there = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE));
    assert!(
        there.unwrap_or_default() == text(&output.stdout),
        "{REFERENCE} is not what the types say. Make it again:\n\
         cargo run -- config-schema --markdown > {REFERENCE}"
    );
}

#[test]
fn editors_get_a_schema_with_descriptions_defaults_and_limits() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["title"], "Watchword configuration");
    assert_eq!(schema["$id"], "urn:watchword:configuration");
    assert_eq!(schema["required"], json!(["issuers"]));
    assert_eq!(schema["additionalProperties"], false);
    let jwks = &schema["$defs"]["JwksSettings"]["properties"];
    assert_eq!(jwks["timeout"]["default"], "5s");
    assert_eq!(jwks["headers"]["additionalProperties"]["writeOnly"], true);
    let description = jwks["timeout"]["description"].as_str().unwrap();
    assert!(
        description.starts_with("The longest time for a fetch"),
        "{description}"
    );
}

/// An empty value is an error, so editors must not offer it.
#[test]
fn nothing_may_be_null() {
    assert!(!schema().to_string().contains("null"));
}

#[test]
fn a_number_a_switch_and_a_word_may_come_from_the_environment() {
    let schema = schema();
    let reference =
        json!({"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$"});
    let types = &schema["$defs"];
    for (type_name, setting) in [
        ("ServerSettings", "max_token_size"),
        ("TokenCacheSettings", "max_entries"),
        ("IssuerSettings", "any_audience"),
        ("JwksSettings", "allow_http"),
    ] {
        let choices = &types[type_name]["properties"][setting]["anyOf"];
        assert_eq!(choices[1], reference, "{setting}");
        assert!(choices[0]["type"].is_string(), "{setting}: {choices}");
        assert_eq!(choices.as_array().unwrap().len(), 2, "{setting}");
    }
    let words = types["LogLevel"]["oneOf"].as_array().unwrap();
    assert_eq!(words.last(), Some(&reference));
    assert_eq!(
        types["IssuerSettings"]["properties"]["issuer"]["anyOf"],
        Value::Null
    );
    assert_eq!(
        types["Scalar"]["anyOf"].as_array().unwrap().len(),
        3,
        "text is one of them"
    );
}

use std::path::Path;

use crate::config::Config;

use super::*;

const ISSUERS: &str = "
issuers:
  corp:
    issuer: https://corp.test
    audiences: [api]
    jwks: {uri: https://corp.test/keys}
";

fn config(settings: &str) -> Config {
    Config::parse(&format!("{settings}{ISSUERS}"), Path::new("test.yaml")).unwrap()
}

fn changed(old: &str, new: &str) -> Option<String> {
    let (old, new) = (config(old).restart, config(new).restart);
    old.first_changed_in(&new).map(ToOwned::to_owned)
}

#[test]
fn a_restart_is_needed_for_exactly_the_named_setting() {
    let traces = |rest: &str| format!("traces: {{otlp: {{endpoint: 'http://c:4317'}}{rest}}}");
    for (new, setting) in [
        (
            "server: {grpc: {address: '0.0.0.0:1'}}",
            "server.grpc.address",
        ),
        (
            "server: {grpc: {reflection: true}}",
            "server.grpc.reflection",
        ),
        (
            "server: {grpc: {max_connections: 77}}",
            "server.grpc.max_connections",
        ),
        (
            "server: {grpc: {keepalive_timeout: 7s}}",
            "server.grpc.keepalive_timeout",
        ),
        ("server: {health: {address: '0.0.0.0:1'}}", "server.health"),
        ("server: {admin: {address: '127.0.0.1:1'}}", "server.admin"),
        ("server: {max_in_flight: 77}", "server.max_in_flight"),
        ("server: {memory_limit: 128Mi}", "server.memory_limit"),
        ("state_dir: keys", "state_dir"),
        ("log: {format: json}", "log.format"),
        ("log: {level: debug}", "log.level"),
        ("log: {decisions: {policy: all}}", "log.decisions.policy"),
        (&traces(""), "traces"),
    ] {
        assert_eq!(changed("", new), Some(setting.to_owned()), "{new}");
        assert_eq!(changed(new, ""), Some(setting.to_owned()), "without {new}");
    }
    let (old, new) = (traces(""), traces(", sample_ratio: 0.5"));
    assert_eq!(changed(&old, &new), Some("traces.sample_ratio".to_owned()));
}

#[test]
fn a_reload_changes_the_other_settings() {
    for new in [
        "server: {realm: other}",
        "server: {drain: 1s}",
        "server: {max_token_size: 5000}",
        "token_cache: {max_entries: 0}",
        "reload: {interval: 9s}",
    ] {
        assert_eq!(changed("", new), None, "{new}");
    }
}

#[test]
fn a_default_and_another_spelling_of_a_duration_change_nothing() {
    let old = "server: {grpc: {keepalive_timeout: 60s, address: '0.0.0.0:9191'}}";
    let new = "server: {grpc: {keepalive_timeout: 1m}}";
    assert_eq!(changed(old, new), None);
    assert_eq!(changed("", "server: {grpc: {max_connections: 4096}}"), None);
}

#[test]
fn a_secret_value_is_compared() {
    let traces = |value: &str| {
        format!("traces: {{otlp: {{endpoint: 'https://c:4317', headers: {{x-key: {value}}}}}}}")
    };
    let changed = changed(&traces("one"), &traces("two"));
    assert_eq!(changed.as_deref(), Some("traces.otlp.headers"));
}

#[test]
fn tls_files_change_in_a_reload_but_tls_only_in_a_restart() {
    let tls =
        |file: &str| format!("server: {{grpc: {{tls: {{certificate: {file}, private_key: k}}}}}}");
    assert_eq!(changed(&tls("a"), &tls("b")), None);
    let changed = changed("", &tls("a"));
    assert_eq!(changed.as_deref(), Some("server.grpc.tls (on or off)"));
}

/// Settings for which neither they nor a section around them say whether a restart is needed.
fn undecided(schema: &Map<String, Json>, path: &str) -> Vec<String> {
    let mut settings = Vec::new();
    let properties = schema.get("properties").and_then(Json::as_object);
    for (name, property) in properties.unwrap() {
        let schema = resolve(property).unwrap();
        let path = format!("{path}.{name}");
        if property
            .get("x-restart")
            .or(schema.get("x-restart"))
            .is_some()
        {
            continue;
        }
        if schema.contains_key("properties") {
            settings.extend(undecided(schema, &path));
        } else {
            settings.push(path);
        }
    }
    settings
}

#[test]
fn every_setting_says_whether_it_needs_a_restart() {
    let settings = undecided(SCHEMA.as_object().unwrap(), "");
    assert_eq!(settings, Vec::<String>::new());
}

use std::path::Path;

use crate::config::Config;

use super::needs_restart;

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

fn changed(old: &str, new: &str) -> Option<&'static str> {
    needs_restart(&config(old), &config(new))
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
        assert_eq!(changed("", new), Some(setting), "{new}");
        assert_eq!(changed(new, ""), Some(setting), "without {new}");
    }
    let (old, new) = (traces(""), traces(", sample_ratio: 0.5"));
    assert_eq!(changed(&old, &new), Some("traces.sample_ratio"));
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

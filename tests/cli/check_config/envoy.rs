//! `check-config --envoy` prints Envoy's settings for one configuration. `tests/envoy` runs Envoy
//! with them.

use serde_json::{Value, json};

use super::{GOOD, KEYS};
use crate::{folder, text, watchword};

const SECRET: &str = "0123456789abcdef-of-this-test";

/// The output, as text and parsed.
fn printed(name: &str, config: &str) -> (String, Value) {
    let files = [
        ("watchword.yaml", config),
        ("keys.json", KEYS),
        ("secret", SECRET),
    ];
    let file = folder(name, &files).join("watchword.yaml");
    let output = watchword(&["check-config", "--envoy", file.to_str().unwrap()]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{out}");
    let parsed = serde_saphyr::from_str(&out).unwrap();
    (out, parsed)
}

fn removed(snippet: &Value) -> Vec<&str> {
    let early =
        "/http_connection_manager/early_header_mutation_extensions/0/typed_config/mutations";
    let mutations = snippet.pointer(early).and_then(Value::as_array);
    let names = mutations.into_iter().flatten();
    names.map(|name| name["remove"].as_str().unwrap()).collect()
}

fn service(snippet: &Value) -> &Value {
    let service = "/http_connection_manager/http_filters/0/typed_config/grpc_service";
    snippet.pointer(service).unwrap()
}

const TWO_ISSUERS: &str = "\
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    jwks: {file: keys.json, wait: 750ms}
    headers: {x-auth-subject: sub, true: name}
  partner:
    issuer: https://partner.example.com
    audiences: [orders-api]
    jwks: {file: keys.json}
    headers: {x-auth-subject: sub, x-auth-tenant: tenant}
rules: [{require: {issuers: [corp, partner]}}]
";
const OVERRIDES: [&str; 5] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

#[test]
fn managed_names_of_all_issuers_and_override_headers_are_removed_early() {
    let (_, snippet) = printed("envoy-names", TWO_ISSUERS);
    let mut names = removed(&snippet);
    assert_eq!(names.split_off(3), OVERRIDES);
    names.sort_unstable();
    assert_eq!(names, ["true", "x-auth-subject", "x-auth-tenant"]);
}

#[test]
fn override_headers_that_may_pass_are_not_removed() {
    let keep = "server: {forward_override_headers: true}\n";
    let (_, snippet) = printed("envoy-keep", &format!("{keep}{TWO_ISSUERS}"));
    assert_eq!(removed(&snippet).len(), 3);
    let (out, snippet) = printed("envoy-nothing", &format!("{keep}{GOOD}"));
    let manager = &snippet["http_connection_manager"];
    assert!(manager.get("early_header_mutation_extensions").is_none());
    assert!(!out.contains("clear_route_cache"), "{out}");
}

#[test]
fn timeout_is_longer_than_the_longest_wait() {
    let (_, snippet) = printed("envoy-timeout", TWO_ISSUERS);
    assert_eq!(service(&snippet)["timeout"], "1.5s");
    let (_, snippet) = printed("envoy-usual", GOOD);
    assert_eq!(service(&snippet)["timeout"], "1s");
}

#[test]
fn two_connections_that_fail_leave_half_of_the_timeout() {
    for (name, config, wanted) in [
        ("envoy-connect", GOOD, "0.25s"),
        ("envoy-connect-wait", TWO_ISSUERS, "0.375s"),
    ] {
        let (_, snippet) = printed(name, config);
        assert_eq!(snippet["clusters"][0]["connect_timeout"], wanted);
    }
}

#[test]
fn cluster_has_the_address_of_the_listener() {
    for (address, wanted) in [
        (
            "0.0.0.0:9191",
            json!({"address": "127.0.0.1", "port_value": 9191}),
        ),
        ("'[::]:9191'", json!({"address": "::1", "port_value": 9191})),
        (
            "10.0.0.7:99",
            json!({"address": "10.0.0.7", "port_value": 99}),
        ),
    ] {
        let config = format!("server: {{grpc: {{address: {address}}}}}\n{GOOD}");
        let (_, snippet) = printed("envoy-address", &config);
        assert_eq!(endpoint(&snippet)["socket_address"], wanted);
    }
    let config = format!("server: {{grpc: {{address: 'unix:/run/w.sock'}}}}\n{GOOD}");
    let (_, snippet) = printed("envoy-socket", &config);
    assert_eq!(
        endpoint(&snippet),
        &json!({"pipe": {"path": "/run/w.sock"}})
    );
    let config = format!("server: {{grpc: {{address: '127.0.0.1:0'}}}}\n{GOOD}");
    let (out, _) = printed("envoy-free-port", &config);
    assert!(out.contains("write that port here"), "{out}");
}

fn endpoint(snippet: &Value) -> &Value {
    let endpoint = "/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
    snippet.pointer(endpoint).unwrap()
}

#[test]
fn secret_of_callers_is_named_and_not_shown() {
    let callers = "{check: {secret_file: secret, secret_header: x-caller}}";
    let config = format!("server: {{grpc: {{callers: {callers}}}}}\n{GOOD}");
    let (out, snippet) = printed("envoy-secret", &config);
    assert!(!out.contains(SECRET), "{out}");
    let wanted = json!([{"key": "x-caller", "value": "%ENVIRONMENT(WATCHWORD_SECRET)%"}]);
    assert_eq!(service(&snippet)["initial_metadata"], wanted);
}

#[test]
fn nothing_is_printed_for_a_bad_file_or_for_several() {
    let bad = GOOD.replace("audiences", "audience");
    let files = [
        ("bad.yaml", &*bad),
        ("good.yaml", GOOD),
        ("keys.json", KEYS),
    ];
    let folder = folder("envoy-bad", &files);
    let [bad, good] = ["bad.yaml", "good.yaml"].map(|file| folder.join(file));
    let [bad, good] = [bad.to_str().unwrap(), good.to_str().unwrap()];
    for (files, wanted) in [(&[bad][..], "audience"), (&[good, good], "one")] {
        let output = watchword(&[&["check-config", "--envoy"], files].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).contains(wanted));
    }
}

//! `serve --print-config` prints the configuration in effect, without secrets.

use std::path::Path;
use std::process::{Command, Output};

use watchword_test_support::sealed;

use crate::{folder, text, watchword};

fn print_config(file: &Path, variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchword"))
        .args(["serve", "--print-config", "-c", file.to_str().unwrap()])
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// The output for a good configuration.
fn printed(name: &str, config: &str, variables: &[(&str, &str)]) -> String {
    let folder = folder(&format!("print-{name}"), &[("watchword.yaml", config)]);
    let output = print_config(&folder.join("watchword.yaml"), variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

#[test]
fn defaults_are_filled_in_and_variables_replaced() {
    let config = "\
issuers:
  corp:
    issuer: ${WATCHWORD_ISSUER}
    audiences: [orders-api]
    jwks: {uri: https://idp.example.com/certs, timeout: 1s}
    algorithms: [ES256]
rules:
- match: {path: {prefix: /public/}}
  require: none
- name: rest
token_cache: {max_entries: '${WATCHWORD_CACHE:-12}'}
";
    let shown = printed("filled", config, &[("WATCHWORD_ISSUER", "https://a$$b")]);
    assert_eq!(shown, FILLED);
}

const FILLED: &str = "\
server:
  grpc:
    address: 0.0.0.0:9191
    callers: {}
    reflection: false
    max_connections: 4096
    max_concurrent_streams: 1024
    max_header_list_size: 131072
    keepalive_interval: 30s
    keepalive_timeout: 10s
    max_connection_age: 5m
    max_connection_age_grace: 30s
  realm: watchword
  max_token_size: 16384
  token_from:
  - header: authorization
    scheme: Bearer
  forward_override_headers: false
  proxy_ignores_host_port: false
  drain: 5s
  shutdown_timeout: 10s
  max_in_flight: 4096
log:
  format: text
  level: info
  decisions:
    policy: none
    claims: []
token_cache:
  max_entries: 12
reload:
  watch: true
  interval: 5s
issuers:
  corp:
    issuer: https://a$$$$b
    audiences:
    - orders-api
    any_audience: false
    jwks:
      uri: https://idp.example.com/certs
      allow_http: false
      deny_private_addresses: false
      connect_timeout: 1s
      timeout: 1s
      min_cache_duration: 1m
      max_cache_duration: 1h
      cache_duration: 10m
      max_stale: 24h
      cooldown: 30s
    required: true
    algorithms:
    - ES256
    leeway: 30s
    ignore_confirmation: false
    forward_token: true
    token_from: []
    headers: {}
mode: enforce
rules:
- name: rules[0]
  match:
    path:
      prefix: /public/
      encoded_slashes: false
      exact_spelling: false
  require: none
  mode: enforce
  insecure_allow_all: false
- name: rest
  match: {}
  require:
    optional: false
  mode: enforce
  insecure_allow_all: false
";

#[test]
fn secrets_are_masked_wherever_they_come_from() {
    let config = "\
issuers:
  corp:
    issuer: a
    any_audience: true
    jwks:
      uri: https://idp.example.com/certs?code=${WATCHWORD_CODE}
      headers: {x-api-key: \"${WATCHWORD_KEY}\", x-other: s3cret-in-file}
      basic: {username: watchword, password_file: password}
  other:
    issuer: b
    any_audience: true
    jwks: {discovery: 'https://idp.example.com/about?s3cret-query'}
  inline:
    issuer: c
    any_audience: true
    jwks:
      inline:
        kty: OKP
        crv: Ed25519
        x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo
        note: s3cret-member
";
    let variables = [
        ("WATCHWORD_CODE", "s3cret-code"),
        ("WATCHWORD_KEY", "s3cret-key"),
    ];
    let shown = printed("masked", config, &variables);
    assert!(!shown.contains("s3cret"), "{shown}");
    for line in [
        "      uri: https://idp.example.com/certs?********\n",
        "        x-api-key: \"********\"\n",
        "        x-other: \"********\"\n",
        "        password_file: password\n",
        "      discovery: https://idp.example.com/about?********\n",
        "      inline: \"********\"\n",
    ] {
        assert!(shown.contains(line), "no {line} in\n{shown}");
    }
}

#[test]
fn what_is_printed_is_a_configuration_that_prints_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let secret = "a secret of at least thirty-two bytes\n";
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let guide = read("docs/configuration.md");
    let guide = guide.split("```yaml\n").nth(1).unwrap();
    let guide = guide.split("```").next().unwrap();
    // What is masked cannot be read again.
    let unmasked = guide
        .replace("      headers: {x-api-key", "      # headers: {x-api-key")
        .replace("    headers: {x-tenant", "    # headers: {x-tenant");
    for (name, config) in [
        ("guide", unmasked),
        ("envoy", read("examples/envoy/watchword.yaml")),
        ("kubernetes", read("examples/kubernetes/watchword.yaml")),
        ("text", ODD.to_owned()),
    ] {
        let files = [
            ("watchword.yaml", config.as_str()),
            ("machines.key", secret),
            ("hash.key", secret),
            ("decryption.pem", sealed::DECRYPTION_KEY),
        ];
        let folder = folder(&format!("print-twice-{name}"), &files);
        let once = print_config(&folder.join("watchword.yaml"), &[]);
        assert_eq!(
            once.status.code(),
            Some(0),
            "{name}: {}",
            text(&once.stderr)
        );
        let once = text(&once.stdout);
        assert!(!once.contains("********"), "{name}: {once}");
        std::fs::write(folder.join("printed.yaml"), &once).unwrap();
        let twice = print_config(&folder.join("printed.yaml"), &[]);
        assert_eq!(
            twice.status.code(),
            Some(0),
            "{name}: {}",
            text(&twice.stderr)
        );
        assert_eq!(text(&twice.stdout), once, "{name}");
    }
}

/// Text that YAML or references could misread.
const ODD: &str = r#"
issuers:
  "yes":
    issuer: "a: b # c"
    audiences: ["$${literal", "$${NOT_SET}", "true", "null", "1e3", "0x10", " x ", "- a",
      "é\u0007\n\nline", "no", "~", "'", "\"", "12:30:00", "2026-01-01"]
    jwks: {file: "a\\b"}
"#;

#[test]
fn a_printed_configuration_passes_the_check() {
    let keys = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let config =
        "issuers: {corp: {issuer: a, audiences: ['a$$b$${c}'], jwks: {file: keys.json}}}\n";
    let files = [("watchword.yaml", config), ("keys.json", keys)];
    let folder = folder("print-checked", &files);
    let printed = print_config(&folder.join("watchword.yaml"), &[]);
    let file = folder.join("printed.yaml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = watchword(&["check-config", file.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
}

#[test]
fn a_bad_configuration_is_not_printed() {
    let folder = folder(
        "print-bad",
        &[("watchword.yaml", "issuers: {}\nlog: {level: loud}\n")],
    );
    let output = print_config(&folder.join("watchword.yaml"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let problems = text(&output.stderr);
    assert!(
        problems.contains("watchword.yaml:1:10: issuers: found an empty mapping"),
        "{problems}"
    );
    assert!(
        problems.contains("watchword.yaml:2:14: log.level: found \"loud\""),
        "{problems}"
    );
}

//! The sections `log` and `traces`: defaults, and errors with their positions.

use std::path::Path;
use std::time::Duration;

use watchword::config::{ClaimForm, Config, DecisionPolicy};

use crate::scene::config;

const ISSUERS: &str =
    "issuers: {corp: {issuer: 'https://idp.example.com', audiences: [a], jwks: {file: keys.json}}}";

/// The problems of these sections, without the file's name.
fn problems(sections: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("settings.yaml");
    let text = format!("{sections}\n{ISSUERS}\n");
    let problems = Config::parse(&text, &file).expect_err(sections).to_string();
    problems.replace(&format!("{}:", file.display()), "")
}

#[test]
fn by_default_no_decision_is_written_and_no_span_is_sent() {
    let config = config("");
    assert_eq!(config.log.decisions.policy, DecisionPolicy::None);
    assert!(config.traces.is_none());
    let hashed = config.log.decisions.form;
    assert!(matches!(hashed, ClaimForm::Hashed(None)), "{hashed:?}");
}

#[test]
fn what_is_given_is_taken() {
    let config = config(
        "\
log:
  decisions: {policy: sampled, sample: 0.5, claims: [a.b, [c.d]], hash_claims: false}
traces:
  otlp: {endpoint: 'https://otel:4317', headers: {X-Tenant: hush}, timeout: 1s}
  sample_ratio: 1
",
    );
    let decisions = config.log.decisions;
    assert_eq!(
        (decisions.policy, decisions.sample),
        (DecisionPolicy::Sampled, 0.5)
    );
    let claims: Vec<usize> = decisions
        .claims
        .iter()
        .map(|path| path.names().count())
        .collect();
    assert_eq!(claims, [2, 1]);
    assert!(matches!(decisions.form, ClaimForm::Plain));
    let traces = config.traces.unwrap();
    assert_eq!(traces.endpoint.as_str(), "https://otel:4317/");
    assert_eq!(
        (traces.timeout, traces.sample_ratio),
        (Duration::from_secs(1), 1.0)
    );
    assert_eq!(traces.headers[0].0.as_str(), "x-tenant");
    assert!(!format!("{traces:?}").contains("hush"), "{traces:?}");
}

#[test]
fn settings_that_contradict_one_another_are_refused() {
    for (sections, expected) in [
        (
            "log: {decisions: {policy: all, sample: 0.5}}",
            "1:40: log.decisions.sample: `sample` requires `policy: sampled`: set it, or remove \
             `sample`",
        ),
        (
            "log: {decisions: {policy: sampled, sample: 1.5}}",
            "1:44: log.decisions.sample: found 1.5; expected from 0 to 1",
        ),
        (
            "log: {decisions: {claims: [a..b]}}",
            "1:28: log.decisions.claims[0]: found \"a..b\"; expected names of claims, separated \
             by single dots",
        ),
        (
            "log: {decisions: {hash_claims: false, hash_key_file: k}}",
            "1:54: log.decisions.hash_key_file: `hash_key_file` requires `hash_claims: true`: set \
             it, or remove `hash_key_file`",
        ),
        (
            "log: {decisions: {policy: some}}",
            "1:27: log.decisions.policy: found \"some\"; expected \"none\" or \"denials\" or \
             \"sampled\" or \"all\"",
        ),
        (
            "traces: {}",
            "1:9: traces: found no \"otlp\"; expected the setting \"otlp\"",
        ),
        (
            "traces: {otlp: {endpoint: 'http://otel:4317'}, sample_ratio: -1}",
            "1:62: traces.sample_ratio: found -1; expected from 0 to 1",
        ),
        (
            "traces: {otlp: {endpoint: 'http://otel:4317', timeout: 2m}}",
            "1:56: traces.otlp.timeout: found \"2m\"; expected a duration such as \"30s\", from \
             100ms to 1m",
        ),
    ] {
        assert_eq!(problems(sections), expected, "{sections}");
    }
}

#[test]
fn an_endpoint_is_host_and_port_and_headers_need_https() {
    for (otlp, found) in [
        ("endpoint: 'grpc://otel:4317'", "another scheme"),
        ("endpoint: 'otel:4317'", "another scheme"),
        (
            "endpoint: 'http://otel:4317/v1/traces'",
            "a URL with path, query or fragment",
        ),
        (
            "endpoint: 'https://me:secret@otel:4317'",
            "a URL with user or password",
        ),
        (
            "endpoint: 'http://otel:4317', headers: {a: b}",
            "http, with headers to send",
        ),
        (
            "endpoint: 'http://otel:4317', ca: ca.pem",
            "http, with certificate authorities",
        ),
    ] {
        let problems = problems(&format!("traces: {{otlp: {{{otlp}}}}}"));
        assert!(
            problems.contains(&format!("traces.otlp.endpoint: found {found};")),
            "{problems}"
        );
        assert!(!problems.contains("secret"), "{problems}");
    }
    for header in [
        "grpc-timeout: 1S",
        "te: trailers",
        "x-bin: a",
        "'a b': c",
        "a: \"b\\n\"",
    ] {
        let otlp = format!("traces: {{otlp: {{endpoint: 'https://otel', headers: {{{header}}}}}}}");
        assert!(problems(&otlp).contains("traces.otlp.headers."), "{header}");
    }
}

#[test]
fn a_key_of_hashes_is_neither_short_nor_absent() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("short.key"), "k".repeat(31) + "\n").unwrap();
    std::fs::write(folder.join("long.key"), "k".repeat(1025)).unwrap();
    for (file, found) in [
        ("short.key", "a shorter key"),
        ("long.key", "more than 1024 bytes"),
        ("absent.key", "No such file"),
    ] {
        let problems = problems(&format!("log: {{decisions: {{hash_key_file: {file}}}}}"));
        assert!(problems.contains(found), "{problems}");
    }
}

//! Warnings in NOTES.txt.

use serde_json::{Value, json};

use super::super::values;
use super::notes;
use crate::notes::remarks;

watchword_test_support::tests![
    notes_warn_of_unsafe_settings_and_of_nothing_else,
    notes_warn_of_a_certificate_that_the_chart_cannot_configure,
    printed_cluster_has_a_certificate_where_callers_need_one,
    notes_warn_of_a_secret_that_the_product_cannot_send,
];

/// Returns true if a warning has these words.
fn warned(of: Value, words: &str) -> bool {
    let remarks = remarks(&notes(of));
    remarks
        .iter()
        .any(|remark| remark.starts_with("WARNING: ") && remark.contains(words))
}

fn notes_warn_of_unsafe_settings_and_of_nothing_else() {
    let safe = json!({
        "tls": {"enabled": true, "existingSecret": "cert"},
        "networkPolicy": {"enabled": true, "grpcFrom": [{"podSelector": {}}]},
    });
    assert!(!warned(safe.clone(), ""), "{}", notes(safe));
    assert!(warned(json!({}), "tls.enabled"));
    assert!(warned(json!({}), "networkPolicy.enabled"));
    assert!(warned(
        json!({"networkPolicy": {"enabled": true}}),
        "networkPolicy.grpcFrom"
    ));

    let issuers = values(json!({}))["config"]["issuers"].clone();
    assert!(warned(
        json!({"config": {"issuers": issuers, "mode": "shadow"}}),
        "config.mode"
    ));
    let rules = json!([{"require": "none"}, {"require": "none", "mode": "shadow"}]);
    assert!(warned(
        json!({"config": {"issuers": issuers, "rules": rules}}),
        "config.rules[1].mode"
    ));

    let mut istio = istio();
    let tls = json!({"enabled": true, "existingSecret": "cert"});
    let with = |istio: &Value| json!({"tls": tls, "integrations": {"istio": istio}});
    assert!(!warned(with(&istio), "destinationRule"));
    istio["destinationRule"] = json!({"enabled": false});
    assert!(warned(with(&istio), "destinationRule"));
}

fn with_callers(check: &Value, integrations: &Value) -> Value {
    let mut of = values(json!({"integrations": integrations, "secretFiles": [{"secret": "a"}]}));
    of["config"]["server"] = json!({"grpc": {"callers": {"check": check}}});
    of
}

fn istio() -> Value {
    let rule = json!({"tls": {"caCertificates": "/ca.crt"}});
    let policies = json!([{"namespace": "shop", "selector": {}}]);
    json!({"enabled": true, "policies": policies, "destinationRule": rule})
}

fn notes_warn_of_a_certificate_that_the_chart_cannot_configure() {
    let tls = |certificate| {
        let client = json!({"certificate": certificate});
        json!({"enabled": true, "existingSecret": "cert", "client": client})
    };
    let about = "tls.client.certificate is required. istio must send";
    let with = |client, istio: Value| json!({"tls": tls(client), "integrations": {"istio": istio}});
    assert!(warned(with("required", istio()), about));
    assert!(!warned(with("optional", istio()), "client"));
    assert!(!warned(with("none", istio()), "client"));
    let mut shows = istio();
    shows["destinationRule"]["tls"] =
        json!({"mode": "MUTUAL", "clientCertificate": "/a.crt", "privateKey": "/a.key"});
    assert!(!warned(with("required", shows), "client"));

    let mut named = with_callers(
        &json!({"certificate_names": ["edge"]}),
        &json!({"istio": istio()}),
    );
    named["tls"] = tls("optional");
    assert!(warned(
        named,
        "callers.check.certificate_names is set. istio must send"
    ));
}

fn printed_cluster_has_a_certificate_where_callers_need_one() {
    let printed = |client: &str| {
        let client = json!({"certificate": client});
        notes(json!({"tls": {"enabled": true, "existingSecret": "cert", "client": client}}))
    };
    for shown in [
        "certificate_chain: {filename: /etc/envoy/client.crt}",
        "private_key: {filename: /etc/envoy/client.key}",
    ] {
        assert!(
            printed("required").contains(shown),
            "{}",
            printed("required")
        );
    }
    assert!(!printed("none").contains("certificate_chain"));
    assert!(!printed("required").contains("tls.client.certificate is required"));
}

fn notes_warn_of_a_secret_that_the_product_cannot_send() {
    let check = json!({"secret_file": "/etc/watchword/secrets/a/b"});
    let about = "secret_file is set. istio cannot send";
    let mut of = with_callers(&check, &json!({"istio": istio()}));
    of["tls"] = json!({"enabled": true, "existingSecret": "cert"});
    assert!(warned(of, about));
    assert!(warned(
        with_callers(&check, &json!({})),
        "initial_metadata: [{key: x-watchword-secret,"
    ));
    assert!(!warned(json!({}), "secret_file"));
}

//! What NOTES.txt warns of.

use serde_json::{Value, json};

use super::super::values;
use super::notes;

/// Whether there is a warning with these words.
fn warned(of: Value, about: &str) -> bool {
    let said = notes(of);
    said.lines()
        .any(|line| line.starts_with("WARNING: ") && line.contains(about))
}

#[test]
fn what_is_not_safe_is_said_and_only_that() {
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
    json!({"enabled": true, "policies": [{"namespace": "shop", "selector": {}}], "destinationRule": rule})
}

#[test]
fn certificate_that_nothing_rendered_shows_is_said() {
    let tls = |client| json!({"enabled": true, "existingSecret": "cert", "client": {"certificate": client}});
    let about = "tls.client.certificate is required. istio must show";
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
        "callers.check.certificate_names is set. istio must show"
    ));
}

#[test]
fn plain_envoy_shows_a_certificate_where_one_is_asked_for() {
    let said = |client: &str| {
        notes(
            json!({"tls": {"enabled": true, "existingSecret": "cert", "client": {"certificate": client}}}),
        )
    };
    let shown = "certificate_chain: {filename: /etc/envoy/client.crt}, private_key: {filename: /etc/envoy/client.key}";
    assert!(said("required").contains(shown), "{}", said("required"));
    assert!(!said("none").contains("certificate_chain"));
    assert!(!said("required").contains("tls.client.certificate is required"));
}

#[test]
fn secret_that_the_product_cannot_send_is_said() {
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

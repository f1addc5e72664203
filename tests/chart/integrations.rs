//! The objects of each integration, compared as a whole, and settings that would leave a route
//! open.
//!
//! Owns: `integrations` in the values, NOTES.txt, and the values in the guide for Kubernetes. There
//! is no schema of these objects here, so tests compare each field with what we checked against the
//! product's own schema.

use serde_json::{Value, json};
use watchword_test_support::helm::{Chart, Document};

watchword_test_support::tests![
    no_integration_is_rendered_by_default,
    rules_ignore_the_port_of_a_host_with_integrations,
    gateways_verify_the_certificate_of_a_service_with_tls,
    port_with_tls_is_http2_to_istio_and_kgateway,
];

pub(crate) mod contour;
pub(crate) mod envoy_gateway;
pub(crate) mod gateway_api;
pub(crate) mod guide;
pub(crate) mod istio;
pub(crate) mod kgateway;
pub(crate) mod notes;
pub(crate) mod refused;

/// A configuration with these claim headers.
fn config(headers: &Value) -> Value {
    json!({"issuers": {"corp": {
        "issuer": "https://idp.example.com", "audiences": ["orders"], "jwks": {"discovery": true},
        "headers": headers,
    }}})
}

/// The values, with an issuer where they have no `config`.
fn values(mut values: Value) -> Value {
    let config = config(&json!({}));
    values
        .as_object_mut()
        .expect("values are a mapping")
        .entry("config")
        .or_insert(config);
    values
}

/// All objects of `integrations` of a release `rel` in the namespace `auth`, their metadata reduced
/// to name and namespace.
fn objects(of: Value) -> Vec<Value> {
    let rendered = Chart::watchword().render(&values(of)).unwrap();
    let ours = |document: &&Document| document.template.contains("/integrations/");
    rendered.documents.iter().filter(ours).map(bare).collect()
}

fn bare(document: &Document) -> Value {
    let mut object = document.value.clone();
    let metadata = &document.value["metadata"];
    assert_eq!(
        metadata["labels"]["app.kubernetes.io/name"],
        "watchword",
        "{}",
        document.title()
    );
    object["metadata"] = json!({"name": metadata["name"], "namespace": metadata["namespace"]});
    object
}

fn object(api_version: &str, kind: &str, (namespace, name): (&str, &str), spec: Value) -> Value {
    let metadata = json!({"name": name, "namespace": namespace});
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    object["spec"] = spec;
    object
}

/// The grant for objects of the namespace `shop` to name the Service.
fn grant(name: &str, group: &str, kind: &str) -> Value {
    object(
        "gateway.networking.k8s.io/v1beta1",
        "ReferenceGrant",
        ("auth", name),
        json!({
            "from": [{"group": group, "kind": kind, "namespace": "shop"}],
            "to": [{"group": "", "kind": "Service", "name": "rel-watchword"}],
        }),
    )
}

fn no_integration_is_rendered_by_default() {
    assert_eq!(objects(json!({})), Vec::<Value>::new());
}

fn rules_ignore_the_port_of_a_host_with_integrations() {
    let made = |values: &Value| {
        let rendered = Chart::watchword().render(values).unwrap();
        let text = rendered.get("ConfigMap", "rel-watchword")["data"]["watchword.yaml"].clone();
        let config: Value = serde_saphyr::from_str(text.as_str().unwrap()).unwrap();
        config["server"]["proxy_ignores_host_port"].clone()
    };
    assert_eq!(made(&values(json!({}))), Value::Null);
    let route = json!({"name": "a", "parentRefs": [{"name": "a"}], "rules": [{}]});
    let refs = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    for (product, settings) in [
        (
            "istio",
            json!({"policies": [{"namespace": "shop", "selector": {}}]}),
        ),
        ("envoyGateway", json!({"policies": refs})),
        ("kgateway", json!({"policies": refs})),
        ("gatewayAPI", json!({"routes": [route]})),
        ("contour", json!({"protocol": "h2c"})),
    ] {
        let mut of = values(json!({"integrations": {product: settings}}));
        of["integrations"][product]["enabled"] = json!(true);
        assert_eq!(made(&of), true, "{product}");
        of["config"]["server"] = json!({"proxy_ignores_host_port": false});
        assert_eq!(made(&of), false, "{product}");
    }
}

fn gateways_verify_the_certificate_of_a_service_with_tls() {
    let tls = json!({"enabled": true, "existingSecret": "cert"});
    let expected = |validation: Value| {
        object(
            "gateway.networking.k8s.io/v1",
            "BackendTLSPolicy",
            ("auth", "rel-watchword"),
            json!({
                "targetRefs": [{
                    "group": "",
                    "kind": "Service",
                    "name": "rel-watchword",
                    "sectionName": "grpc",
                }],
                "validation": validation,
            }),
        )
    };
    let policies = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let routes =
        json!([{"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "a"}]}]}]);
    for product in [
        json!({"envoyGateway": {"enabled": true, "policies": policies}}),
        json!({"gatewayAPI": {"enabled": true, "routes": routes}}),
        json!({"kgateway": {"enabled": true, "policies": policies}}),
    ] {
        let mut of = json!({"tls": tls, "integrations": product});
        of["integrations"]["backendTLSPolicy"] = json!({"caCertificateRefs": [{"name": "ca"}]});
        let made = objects(of.clone());
        let named = expected(json!({
            "hostname": "rel-watchword.auth.svc",
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
        }));
        assert!(made.contains(&named), "{made:?}");

        of["integrations"]["backendTLSPolicy"] = json!({"wellKnownCACertificates": "System"});
        let made = objects(of.clone());
        let public = expected(
            json!({"hostname": "rel-watchword.auth.svc", "wellKnownCACertificates": "System"}),
        );
        assert!(made.contains(&public), "{made:?}");

        of.as_object_mut().unwrap().remove("tls");
        let made = objects(of);
        assert!(
            made.iter()
                .all(|object| object["kind"] != "BackendTLSPolicy"),
            "{made:?}"
        );
    }
}

fn port_with_tls_is_http2_to_istio_and_kgateway() {
    let protocol = |integrations: Value| {
        let tls = json!({"enabled": true, "existingSecret": "cert"});
        let of = values(json!({"tls": tls, "integrations": integrations}));
        let rendered = Chart::watchword().render(&of).unwrap();
        rendered.get("Service", "rel-watchword")["spec"]["ports"][0]["appProtocol"].clone()
    };
    assert_eq!(protocol(json!({})), "https");
    let rule = json!({"tls": {"caCertificates": "system"}});
    let istio = json!({
        "enabled": true,
        "policies": [{"namespace": "shop", "selector": {}}],
        "destinationRule": rule,
    });
    assert_eq!(protocol(json!({"istio": istio})), "grpc");
    let kgateway = json!({
        "enabled": true,
        "policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
    });
    let trust = json!({"wellKnownCACertificates": "System"});
    assert_eq!(
        protocol(json!({"kgateway": kgateway, "backendTLSPolicy": trust})),
        "grpc"
    );
}

//! The schema of the values refuses unknown keys in each item.

use serde_json::{Value, json};

use super::refusal;

watchword_test_support::tests![
    misspelt_field_of_an_item_is_refused,
    word_that_is_no_choice_is_refused,
];

fn assert_unknown(product: &str, settings: &Value, word: &str) {
    let mut of = json!({"integrations": {product: settings}});
    of["integrations"][product]["enabled"] = json!(true);
    let problem = refusal(of);
    assert!(
        problem.starts_with(&format!("integrations.{product}.")),
        "{problem}"
    );
    assert!(problem.contains(word), "expected {word}, found {problem}");
}

fn misspelt_field_of_an_item_is_refused() {
    let edge = json!([{"kind": "Gateway", "name": "edge"}]);
    let rule = |operation| {
        json!({
            "policies": [{
                "namespace": "shop",
                "selector": {},
                "rules": [{"to": [{"operation": operation}]}],
            }],
        })
    };
    assert_unknown("istio", &rule(json!({"pathz": ["/"]})), "pathz");
    let one =
        json!({"policies": [{"namespace": "shop", "selector": {}, "rules": [{"operation": {}}]}]});
    assert_unknown("istio", &one, "operation");
    for product in ["envoyGateway", "kgateway"] {
        let misspelt = json!({"policies": [{"targetRefs": edge, "contxt": {"api": "orders"}}]});
        assert_unknown(product, &misspelt, "contxt");
        let open = json!({"policies": [{"targetRefs": edge, "failOpen": true}]});
        assert_unknown(product, &open, "failOpen");
    }
    let route = json!({"routes": [{"parentRefs": [{"name": "edge"}], "rules": [{"filter": []}]}]});
    assert_unknown("gatewayAPI", &route, "filter");
    let host = json!({"fqdn": "a.example.com", "tls": {"secretName": "a"}});
    let proxy = json!({"protocol": "h2c", "proxies": [{"virtualhost": host, "failOpen": true}]});
    assert_unknown("contour", &proxy, "failOpen");
}

fn word_that_is_no_choice_is_refused() {
    for product in ["istio", "envoyGateway", "kgateway"] {
        let kind = json!({"policies": [{"targetRefs": [{"kind": "HTTPRout", "name": "a"}]}]});
        assert_unknown(product, &kind, "policies.0.targetRefs.0.kind");
    }
    assert_unknown("contour", &json!({"protocol": "http"}), "contour.protocol");
    let of = json!({"integrations": {"backendTLSPolicy": {"wellKnownCACertificates": "system"}}});
    let problem = refusal(of);
    assert!(
        problem.contains("backendTLSPolicy.wellKnownCACertificates"),
        "{problem}"
    );
}

//! The chart refuses settings that contradict each other, or that would leave a route open. Each
//! message begins with the value's name.

use serde_json::{Value, json};
use watchword_test_support::helm::Chart;

use super::values;

watchword_test_support::tests![
    proxy_without_a_server_to_ask_is_refused,
    integration_without_targets_is_refused,
    two_objects_of_one_name_are_refused,
    timeout_that_ends_before_a_new_key_is_there_is_refused,
    tls_without_anybody_to_trust_is_refused,
    timeout_that_is_none_is_refused_even_where_only_the_notes_print_it,
    contour_without_tls_is_refused_unless_it_is_meant,
    setting_that_a_product_does_not_accept_is_refused,
    doors_beside_watchword_are_refused,
    context_that_is_no_text_is_refused,
    network_policy_that_keeps_proxies_out_is_refused,
    proxy_that_would_get_no_socket_is_refused,
];

pub(crate) mod istio;
pub(crate) mod unknown;

/// The refusal, from the value's name on. The schema writes names as `'/integrations/timeout'`.
fn refusal(of: Value) -> String {
    let of = values(of);
    let rendered = Chart::watchword().render(&of);
    let problem = rendered
        .map(|rendered| rendered.titles())
        .expect_err(&of.to_string());
    if let Some((_, problem)) = problem.split_once("at '/integrations/")
        && let Some((name, problem)) = problem.split_once("': ")
    {
        return format!("integrations.{}: {problem}", name.replace('/', "."));
    }
    let start = problem.find("integrations.").unwrap_or(0);
    problem[start..].to_owned()
}

fn assert_refused(product: &str, settings: Value, more: Value, name: &str) {
    let mut of = more;
    of["integrations"][product] = settings;
    of["integrations"][product]["enabled"] = json!(true);
    let problem = refusal(of);
    let expected = format!("integrations.{name}");
    assert!(
        problem.starts_with(&expected),
        "expected {expected}, found {problem}"
    );
}

/// The values that each product requires.
fn least() -> [(&'static str, Value); 5] {
    let policies = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let routes = json!([{"parentRefs": [{"name": "edge"}], "rules": [{}]}]);
    [
        ("istio", json!({"policies": policies})),
        ("envoyGateway", json!({"policies": policies})),
        ("gatewayAPI", json!({"routes": routes})),
        ("contour", json!({"protocol": "h2c"})),
        ("kgateway", json!({"policies": policies})),
    ]
}

fn proxy_without_a_server_to_ask_is_refused() {
    for (product, settings) in least() {
        let enabled = format!("{product}.enabled: ");
        assert_refused(product, settings.clone(), json!({"mode": "none"}), &enabled);
        let no_service = json!({"service": {"enabled": false}, "test": {"enabled": false}});
        assert_refused(product, settings.clone(), no_service, &enabled);

        let mut of = json!({"integrations": {product: settings}});
        of["integrations"][product]["enabled"] = json!(true);
        assert!(Chart::watchword().render(&values(of)).is_ok(), "{product}");
    }
    for product in ["istio", "envoyGateway"] {
        let settings = json!({
            "via": "sidecar",
            "policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
        });
        assert_refused(product, settings, json!({}), &format!("{product}.via: "));
    }
}

fn integration_without_targets_is_refused() {
    for (product, list) in [
        ("istio", "policies"),
        ("envoyGateway", "policies"),
        ("gatewayAPI", "routes"),
        ("kgateway", "policies"),
    ] {
        assert_refused(
            product,
            json!({}),
            json!({}),
            &format!("{product}.{list}: "),
        );
    }
    for (product, list, field) in [
        ("istio", "policies", "selector"),
        ("envoyGateway", "policies", "targetRefs"),
        ("gatewayAPI", "routes", "parentRefs"),
        ("kgateway", "policies", "targetRefs"),
    ] {
        let settings = json!({list: [{"name": "a"}]});
        assert_refused(
            product,
            settings,
            json!({}),
            &format!("{product}.{list}[0].{field}: "),
        );
    }
}

fn two_objects_of_one_name_are_refused() {
    let policies = json!([
        {"targetRefs": [{"kind": "Gateway", "name": "a"}]},
        {"targetRefs": [{"kind": "Gateway", "name": "b"}]},
    ]);
    for product in ["istio", "envoyGateway", "kgateway"] {
        let settings = json!({"policies": policies});
        assert_refused(
            product,
            settings,
            json!({}),
            &format!("{product}.policies[1].name: "),
        );
    }
}

fn timeout_that_ends_before_a_new_key_is_there_is_refused() {
    let edge = json!({"policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]});
    for timeout in ["150ms", "149ms"] {
        let more = json!({"integrations": {"timeout": timeout}});
        assert_refused("envoyGateway", edge.clone(), more, "timeout: ");
    }
    let slow = json!({"issuers": {"corp": {
        "issuer": "https://idp.example.com",
        "audiences": ["a"],
        "jwks": {"discovery": true, "wait": "2s"},
    }}});
    let more = |timeout| json!({"config": slow, "integrations": {"timeout": timeout}});
    assert_refused("envoyGateway", edge.clone(), more("2s"), "timeout: ");
    let mut longer = more("3s");
    longer["integrations"]["envoyGateway"] = edge;
    longer["integrations"]["envoyGateway"]["enabled"] = json!(true);
    assert!(Chart::watchword().render(&longer).is_ok());
}

fn tls_without_anybody_to_trust_is_refused() {
    let tls = json!({"tls": {"enabled": true, "existingSecret": "cert"}});
    for (product, settings) in least() {
        match product {
            "istio" => assert_refused(
                product,
                settings,
                tls.clone(),
                "istio.destinationRule.tls: ",
            ),
            "contour" => assert_refused(product, settings, tls.clone(), "contour.protocol: "),
            _ => assert_refused(
                product,
                settings,
                tls.clone(),
                "backendTLSPolicy.caCertificateRefs: ",
            ),
        }
    }
    let rule = json!({"tls": {"caCertificates": "system"}});
    let rule =
        json!({"policies": [{"namespace": "shop", "selector": {}}], "destinationRule": rule});
    assert_refused("istio", rule, json!({}), "istio.destinationRule.tls: ");
}

fn timeout_that_is_none_is_refused_even_where_only_the_notes_print_it() {
    for timeout in ["0s", "1h", "1.5s", "soon", ""] {
        let problem = refusal(json!({"integrations": {"timeout": timeout}}));
        assert!(problem.starts_with("integrations.timeout: "), "{problem}");
    }
}

fn contour_without_tls_is_refused_unless_it_is_meant() {
    assert_refused("contour", json!({}), json!({}), "contour.protocol: ");
    let plain = json!({"protocol": "h2c", "proxies": [{"virtualhost": {"fqdn": "a.example.com"}}]});
    assert_refused(
        "contour",
        plain,
        json!({}),
        "contour.proxies[0].virtualhost.tls: ",
    );
}

fn setting_that_a_product_does_not_accept_is_refused() {
    let policies = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let loopback = json!({"sidecar": {"enabled": true, "listen": "loopback"}});
    let sidecar = json!({"via": "sidecar", "policies": policies});
    assert_refused(
        "istio",
        json!({"provider": "Watchword.", "policies": policies}),
        json!({}),
        "istio.provider: ",
    );
    assert_refused("envoyGateway", sidecar, loopback, "envoyGateway.via: ");
    assert_refused(
        "envoyGateway",
        json!({"via": "pigeon", "policies": policies}),
        json!({}),
        "envoyGateway.via: ",
    );
}

fn doors_beside_watchword_are_refused() {
    let host = json!({"fqdn": "a.example.com", "tls": {"secretName": "a"}});
    let mut open = host.clone();
    open["authorization"] = json!({"failOpen": true});
    let proxies = |host, routes| {
        json!({
            "protocol": "h2c",
            "proxies": [{"virtualhost": host, "routes": routes}],
        })
    };
    let path = "contour.proxies[0].virtualhost.authorization: ";
    assert_refused("contour", proxies(open, json!([])), json!({}), path);
    let routes = json!([{"authPolicy": {"disabled": true}}]);
    let path = "contour.proxies[0].routes[0].authPolicy.disabled: ";
    assert_refused("contour", proxies(host.clone(), routes), json!({}), path);
    let routes = json!([{"services": []}, {"permitInsecure": true}]);
    let path = "contour.proxies[0].routes[1].permitInsecure: ";
    assert_refused("contour", proxies(host.clone(), routes), json!({}), path);
    let routes = json!([{"permitInsecure": false, "authPolicy": {"context": {"zone": "edge"}}}]);
    let of = json!({
        "enabled": true,
        "protocol": "h2c",
        "proxies": [{"virtualhost": host, "routes": routes}],
    });
    let closed = Chart::watchword().render(&values(json!({"integrations": {"contour": of}})));
    assert!(closed.is_ok(), "{:?}", closed.err());

    let filter = json!({"type": "ExternalAuth"});
    let routes =
        json!({"routes": [{"parentRefs": [{"name": "edge"}], "rules": [{"filters": [filter]}]}]});
    assert_refused(
        "gatewayAPI",
        routes,
        json!({}),
        "gatewayAPI.routes[0].rules[0].filters: ",
    );
}

fn context_that_is_no_text_is_refused() {
    // 1.10 would be rendered as `1.1`, which another rule may take.
    for value in [json!(1.10), json!(10), json!(true)] {
        let policies =
            json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}], "context": {"a": value}}]);
        let problem = refusal(
            json!({"integrations": {"envoyGateway": {"enabled": true, "policies": policies}}}),
        );
        assert!(
            problem.starts_with("integrations.envoyGateway.policies.0.context.a: "),
            "{problem}"
        );
    }
}

fn network_policy_that_keeps_proxies_out_is_refused() {
    let policies =
        json!([{"namespace": "shop", "targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let closed = |from: Value| {
        values(json!({
            "networkPolicy": {"enabled": true, "grpcFrom": from},
            "integrations": {"envoyGateway": {"enabled": true, "policies": policies}},
        }))
    };
    let problem = Chart::watchword().render(&closed(json!([]))).unwrap_err();
    assert!(
        problem.contains("networkPolicy.grpcFrom: missing"),
        "{problem}"
    );
    let from = json!([{"namespaceSelector": {}}]);
    assert!(Chart::watchword().render(&closed(from)).is_ok());
}

fn proxy_that_would_get_no_socket_is_refused() {
    let policies = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let with = |containers: Value| {
        values(json!({
            "mode": "none",
            "sidecar": {"injector": {"enabled": true, "socketContainers": containers}},
            "integrations": {
                "envoyGateway": {"enabled": true, "via": "sidecar", "policies": policies},
            },
        }))
    };
    for containers in [json!([]), json!(["my-proxy"])] {
        let problem = Chart::watchword().render(&with(containers)).unwrap_err();
        assert!(
            problem.contains("sidecar.injector.socketContainers: envoy is missing"),
            "{problem}"
        );
    }
    assert!(
        Chart::watchword()
            .render(&with(json!(["envoy", "my-proxy"])))
            .is_ok()
    );
}

//! Istio: policies, the sidecar's `ServiceEntry`, TLS.

use serde_json::{Value, json};

use super::{object, objects};

watchword_test_support::tests![
    policies_match_every_request_or_those_of_their_rules,
    sidecar_has_a_name_in_each_namespace_of_policies_and_of_the_injector,
    destination_rule_speaks_tls_and_verifies_the_name,
    destination_rule_gives_way_to_one_of_the_users,
];

fn policy(place: (&str, &str), spec: Value) -> Value {
    let mut spec = spec;
    spec["action"] = json!("CUSTOM");
    spec["provider"] = json!({"name": "rel-watchword"});
    object("security.istio.io/v1", "AuthorizationPolicy", place, spec)
}

fn service_entry(namespace: &str, address: &str) -> Value {
    object(
        "networking.istio.io/v1",
        "ServiceEntry",
        (namespace, "rel-watchword-sidecar"),
        json!({
            "hosts": ["watchword.local"],
            "exportTo": ["."],
            "endpoints": [{"address": address}],
            "ports": [{"name": "grpc", "number": 9191, "protocol": "GRPC"}],
            "resolution": "STATIC",
        }),
    )
}

fn policies_match_every_request_or_those_of_their_rules() {
    let rules = json!([{"to": [{"operation": {"notPaths": ["/healthz"]}}]}]);
    let made = objects(
        json!({"integrations": {"istio": {"enabled": true, "policies": [
            {"namespace": "shop", "selector": {"matchLabels": {"app": "orders"}}},
            {"name": "all", "namespace": "shop", "selector": {}, "rules": []},
            {
                "name": "ambient",
                "namespace": "shop",
                "targetRefs": [{"kind": "Gateway", "name": "waypoint"}],
                "rules": rules,
            },
            {
                "name": "service",
                "namespace": "shop",
                "targetRefs": [{"kind": "Service", "name": "orders"}],
            },
        ]}}}),
    );
    let gateway =
        json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}]);
    let service = json!([{"group": "", "kind": "Service", "name": "orders"}]);
    // `rules: [{}]` is everything; no rules at all would be nothing.
    let mut made = made;
    let rule = made.pop().unwrap();
    assert_eq!(rule, destination_rule("cluster.local", None));
    let expected = vec![
        policy(
            ("shop", "rel-watchword"),
            json!({"selector": {"matchLabels": {"app": "orders"}}, "rules": [{}]}),
        ),
        policy(("shop", "all"), json!({"rules": [{}]})),
        policy(
            ("shop", "ambient"),
            json!({"targetRefs": gateway, "rules": rules}),
        ),
        policy(
            ("shop", "service"),
            json!({"targetRefs": service, "rules": [{}]}),
        ),
    ];
    assert_eq!(made, expected);
}

fn sidecar_has_a_name_in_each_namespace_of_policies_and_of_the_injector() {
    let of = |listen: &str| {
        objects(json!({
            "mode": "none",
            "sidecar": {
                "enabled": true,
                "listen": listen,
                "injector": {"enabled": true, "namespaces": ["web", "shop"]},
            },
            "integrations": {"istio": {"enabled": true, "via": "sidecar", "policies": [
                {"namespace": "shop", "selector": {}},
                {"name": "more", "namespace": "stock", "selector": {}},
            ]}},
        }))
    };
    for (listen, address) in [
        ("loopback", "127.0.0.1"),
        ("unix", "unix:///run/watchword/grpc.sock"),
    ] {
        let made = of(listen);
        let expected = vec![
            policy(("shop", "rel-watchword"), json!({"rules": [{}]})),
            policy(("stock", "more"), json!({"rules": [{}]})),
            service_entry("shop", address),
            service_entry("stock", address),
            service_entry("web", address),
        ];
        assert_eq!(made, expected, "{listen}");
    }
}

/// Pods that cannot be reached are given up in a quarter of the timeout, and left out.
fn destination_rule(domain: &str, tls: Option<Value>) -> Value {
    let mut policy = json!({
        "connectionPool": {"tcp": {"connectTimeout": "62ms"}},
        "outlierDetection": {
            "splitExternalLocalOriginErrors": true,
            "consecutiveLocalOriginFailures": 5,
            "consecutive5xxErrors": 0,
            "interval": "5s", "baseEjectionTime": "10s", "maxEjectionPercent": 50,
        },
    });
    if let Some(tls) = tls {
        policy["tls"] = tls;
    }
    object(
        "networking.istio.io/v1",
        "DestinationRule",
        ("auth", "rel-watchword"),
        json!({"host": format!("rel-watchword.auth.svc.{domain}"), "trafficPolicy": policy}),
    )
}

fn destination_rule_speaks_tls_and_verifies_the_name() {
    let made = objects(json!({
        "tls": {"enabled": true, "existingSecret": "cert"},
        "clusterDomain": "corp.local", "integrations": {"istio": {
            "enabled": true,
            "policies": [{"namespace": "shop", "selector": {}}],
            "destinationRule": {"tls": {"caCertificates": "/etc/ca.crt"}},
        }},
    }));
    let tls = json!({
        "mode": "SIMPLE",
        "sni": "rel-watchword.auth.svc",
        "subjectAltNames": ["rel-watchword.auth.svc"],
        "caCertificates": "/etc/ca.crt",
    });
    assert_eq!(made[1..], [destination_rule("corp.local", Some(tls))]);
}

fn destination_rule_gives_way_to_one_of_the_users() {
    let made = |rule: Value| {
        let policies = json!([{"namespace": "shop", "selector": {}}]);
        objects(json!({"integrations": {"timeout": "1s", "istio": {
            "enabled": true, "policies": policies, "destinationRule": rule,
        }}}))
    };
    assert_eq!(made(json!({"enabled": false})).len(), 1);
    let own = json!({"trafficPolicy": {"outlierDetection": {"interval": "9s"}}});
    let policy = &made(own)[1]["spec"]["trafficPolicy"];
    assert_eq!(policy["outlierDetection"]["interval"], "9s");
    assert_eq!(policy["outlierDetection"]["maxEjectionPercent"], 50);
    assert_eq!(policy["connectionPool"]["tcp"]["connectTimeout"], "250ms");
}

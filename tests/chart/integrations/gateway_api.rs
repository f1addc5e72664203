//! The Gateway API's own filter.

use serde_json::json;

use super::{grant, object, objects};

watchword_test_support::tests![each_rule_asks_before_its_own_filters,];

fn each_rule_asks_before_its_own_filters() {
    let rewrite =
        json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-a"]}});
    let backends = json!([{"name": "orders", "port": 80}]);
    let made = objects(
        json!({"integrations": {"gatewayAPI": {"enabled": true, "routes": [{
            "name": "orders",
            "namespace": "shop",
            "parentRefs": [{"name": "edge"}],
            "hostnames": ["shop.example.com"],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/a"}}],
                    "filters": [rewrite],
                    "backendRefs": backends,
                },
                {"backendRefs": backends},
            ],
        }]}}}),
    );
    // `grpc` is required, and empty it sends every header. Watchword removes forged headers only
    // if it sees them.
    let ask = json!({"type": "ExternalAuth", "externalAuth": {
        "protocol": "GRPC",
        "backendRef": {"name": "rel-watchword", "namespace": "auth", "port": 9191},
        "grpc": {},
    }});
    let route = object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        ("shop", "orders"),
        json!({
            "parentRefs": [{"name": "edge"}],
            "hostnames": ["shop.example.com"],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/a"}}],
                    "filters": [ask, rewrite],
                    "backendRefs": backends,
                },
                {"filters": [ask], "backendRefs": backends},
            ],
        }),
    );
    let grant = grant(
        "rel-watchword-gateway-api",
        "gateway.networking.k8s.io",
        "HTTPRoute",
    );
    assert_eq!(made, [route, grant]);
}

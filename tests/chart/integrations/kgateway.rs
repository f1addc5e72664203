//! kgateway: an extension in each namespace of policies, and the policies.

use serde_json::{Value, json};
use watchword_test_support::helm::Chart;

use super::{config, grant, object, objects, values};

watchword_test_support::tests![
    listener_policy_removes_claim_headers_before_a_route_is_chosen,
    policies_name_the_extension_of_their_own_namespace,
];

const API: &str = "gateway.kgateway.dev/v1alpha1";

fn extension(namespace: &str) -> Value {
    let spec = json!({"type": "ExtAuth", "extAuth": {
        "failOpen": false,
        "statusOnError": 503,
        "grpcService": {
            "authority": "rel-watchword.auth.svc",
            "backendRef": {"name": "rel-watchword", "namespace": "auth", "port": 9191},
            "requestTimeout": "250ms",
            "retry": {"attempts": 2},
        },
    }});
    object(API, "GatewayExtension", (namespace, "rel-watchword"), spec)
}

fn listener_policy_removes_claim_headers_before_a_route_is_chosen() {
    let of = |headers: Value| {
        json!({
            "config": config(&headers),
            "integrations": {"kgateway": {
                "enabled": true,
                "clearRouteCache": true,
                "policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
                "listenerPolicies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
            }},
        })
    };
    let made = objects(of(json!({"x-auth-subject": "sub"})));
    assert_eq!(made[0]["spec"]["extAuth"]["clearRouteCache"], true);
    let gateway = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"});
    let remove = json!({"remove": ["x-auth-subject"]});
    let settings = json!({"httpSettings": {"earlyRequestHeaderModifier": remove}});
    let policy = object(
        API,
        "ListenerPolicy",
        ("auth", "rel-watchword"),
        json!({"targetRefs": [gateway], "default": settings}),
    );
    assert_eq!(made[2], policy);
    let many = (0..17).map(|n| (format!("x-auth-{n}"), json!("sub")));
    let refused = Chart::watchword().render(&values(of(many.collect())));
    let problem = refused.err().unwrap();
    assert!(
        problem.contains("listenerPolicies: found 17 headers"),
        "{problem}"
    );
}

fn policies_name_the_extension_of_their_own_namespace() {
    let policies = json!([
        {
            "namespace": "shop",
            "targetRefs": [{"kind": "HTTPRoute", "name": "orders"}],
            "context": {"level": "2"},
        },
        {
            "name": "edge",
            "targetRefs": [{"kind": "Gateway", "name": "edge", "sectionName": "https"}],
        },
    ]);
    let kgateway = json!({"enabled": true, "retry": {"attempts": 2}, "policies": policies});
    let made = objects(json!({"integrations": {"kgateway": kgateway}}));
    let group = "gateway.networking.k8s.io";
    let route = object(
        API,
        "TrafficPolicy",
        ("shop", "rel-watchword"),
        json!({
            "targetRefs": [{"group": group, "kind": "HTTPRoute", "name": "orders"}],
            "extAuth": {
                "extensionRef": {"name": "rel-watchword"},
                "contextExtensions": {"level": "2"},
            },
        }),
    );
    let gateway = object(
        API,
        "TrafficPolicy",
        ("auth", "edge"),
        json!({
            "targetRefs": [{
                "group": group,
                "kind": "Gateway",
                "name": "edge",
                "sectionName": "https",
            }],
            "extAuth": {"extensionRef": {"name": "rel-watchword"}},
        }),
    );
    let grant = grant(
        "rel-watchword-kgateway",
        "gateway.kgateway.dev",
        "GatewayExtension",
    );
    assert_eq!(
        made,
        [extension("auth"), extension("shop"), route, gateway, grant]
    );
}

//! Envoy Gateway: policies, the grant, the socket.

use serde_json::{Value, json};

use super::{config, grant, object, objects};

watchword_test_support::tests![
    policies_ask_the_service_and_another_namespace_is_granted_it,
    client_traffic_policy_removes_claim_headers_before_a_route_is_chosen,
    policies_of_the_own_namespace_need_no_grant,
    socket_is_a_backend_in_each_namespace_of_policies,
];

const API: &str = "gateway.envoyproxy.io/v1alpha1";

fn policy(place: (&str, &str), target: (&str, &str), grpc: Value) -> Value {
    let (kind, name) = target;
    let mut spec = json!({
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": kind, "name": name}],
        "extAuth": {"timeout": "250ms", "failOpen": false, "statusOnError": 503},
    });
    spec["extAuth"]["grpc"] = grpc;
    object(API, "SecurityPolicy", place, spec)
}

/// A pod that is gone costs no request.
fn settings(timeout: &str, connect: &str) -> Value {
    json!({
        "timeout": {"tcp": {"connectTimeout": connect}},
        "retry": {
            "numRetries": 2,
            "perRetry": {"backOff": {"baseInterval": "25ms", "maxInterval": timeout}},
            "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset", "unavailable"]},
        },
        "healthCheck": {"passive": {
            "splitExternalLocalOriginErrors": true,
            "consecutiveLocalOriginFailures": 5,
            "consecutive5XxErrors": 0,
            "interval": "5s", "baseEjectionTime": "10s", "maxEjectionPercent": 50,
        }},
    })
}

fn policies_ask_the_service_and_another_namespace_is_granted_it() {
    let made = objects(
        json!({"integrations": {"envoyGateway": {"enabled": true, "policies": [
            {
                "name": "route",
                "namespace": "shop",
                "targetRefs": [{"kind": "HTTPRoute", "name": "orders"}],
                "context": {"zone": "edge", "level": "2"},
                "backendSettings": {"retry": {"numRetries": 5}, "dns": {"respectDnsTtl": true}},
            },
            {"targetRefs": [{"kind": "Gateway", "name": "edge"}]},
        ]}}}),
    );
    let backends = json!([{"name": "rel-watchword", "namespace": "auth", "port": 9191}]);
    let mut route = policy(
        ("shop", "route"),
        ("HTTPRoute", "orders"),
        json!({"backendRefs": backends, "backendSettings": settings("250ms", "62ms")}),
    );
    let own = &mut route["spec"]["extAuth"]["grpc"]["backendSettings"];
    own["retry"]["numRetries"] = json!(5);
    own["dns"] = json!({"respectDnsTtl": true});
    route["spec"]["extAuth"]["contextExtensions"] = json!([
        {"name": "level", "type": "Value", "value": "2"},
        {"name": "zone", "type": "Value", "value": "edge"},
    ]);
    let gateway = policy(
        ("auth", "rel-watchword"),
        ("Gateway", "edge"),
        json!({"backendRefs": backends, "backendSettings": settings("250ms", "62ms")}),
    );
    let grant = grant(
        "rel-watchword-envoy-gateway",
        API.split_once('/').unwrap().0,
        "SecurityPolicy",
    );
    assert_eq!(made, [route, gateway, grant]);
}

fn client_traffic_policy_removes_claim_headers_before_a_route_is_chosen() {
    let headers = json!({"x-tenant": "tenant", "x-auth-subject": "sub"});
    let made = objects(json!({
        "config": config(&headers),
        "integrations": {"envoyGateway": {
            "enabled": true,
            "recomputeRoute": true,
            "policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
            "clientTrafficPolicies": [{
                "namespace": "shop",
                "targetRefs": [{"kind": "Gateway", "name": "edge"}],
            }],
        }},
    }));
    assert_eq!(made[0]["spec"]["extAuth"]["recomputeRoute"], true);
    let gateway = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"});
    let removed = json!([
        "x-auth-subject",
        "x-tenant",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ]);
    let spec = json!({
        "targetRefs": [gateway],
        "headers": {
            "earlyRequestHeaders": {"remove": removed},
            "host": {"stripTrailingHostDot": true},
            "withUnderscoresAction": "RejectRequest",
        },
        "path": {"escapedSlashesAction": "RejectRequest", "disableMergeSlashes": false},
    });
    let policy = object(API, "ClientTrafficPolicy", ("shop", "rel-watchword"), spec);
    assert_eq!(made[1], policy);
}

fn policies_of_the_own_namespace_need_no_grant() {
    let policies = json!([{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    let made = objects(json!({
        "integrations": {
            "timeout": "1s",
            "envoyGateway": {"enabled": true, "policies": policies},
        },
    }));
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["spec"]["extAuth"]["timeout"], "1s");
    assert_eq!(
        made[0]["spec"]["extAuth"]["grpc"]["backendSettings"],
        settings("1s", "250ms")
    );
}

fn socket_is_a_backend_in_each_namespace_of_policies() {
    let made = objects(json!({
        "mode": "none", "sidecar": {"enabled": true}, "tls": {"enabled": false},
        "integrations": {"envoyGateway": {"enabled": true, "via": "sidecar", "policies": [
            {"namespace": "shop", "targetRefs": [{"kind": "HTTPRoute", "name": "orders"}]},
            {
                "name": "more",
                "namespace": "shop",
                "targetRefs": [{"kind": "HTTPRoute", "name": "stock"}],
            },
        ]}},
    }));
    let grpc = json!({
        "backendRefs": [{
            "group": "gateway.envoyproxy.io",
            "kind": "Backend",
            "name": "rel-watchword",
        }],
    });
    let socket = json!({"endpoints": [{"unix": {"path": "/run/watchword/grpc.sock"}}]});
    let expected = vec![
        policy(
            ("shop", "rel-watchword"),
            ("HTTPRoute", "orders"),
            grpc.clone(),
        ),
        policy(("shop", "more"), ("HTTPRoute", "stock"), grpc),
        object(API, "Backend", ("shop", "rel-watchword"), socket),
    ];
    assert_eq!(made, expected);
}

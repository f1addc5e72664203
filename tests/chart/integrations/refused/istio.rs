//! Policies that Istio would read in another way than their author means are refused.

use serde_json::{Value, json};
use watchword_test_support::helm::Chart;

use super::super::values;
use super::{assert_refused, refusal};

watchword_test_support::tests![
    policy_that_would_ask_watchword_about_itself_is_refused,
    selector_that_the_api_server_would_cut_down_to_every_pod_is_refused,
    host_that_a_port_in_the_request_would_walk_around_is_refused,
];

fn with(policy: &Value) -> Value {
    json!({"integrations": {"istio": {"enabled": true, "policies": [policy]}}})
}

fn assert_taken(policy: &Value) {
    let rendered = Chart::watchword().render(&values(with(policy)));
    assert!(rendered.is_ok(), "{policy}: {:?}", rendered.err());
}

fn assert_policy_refused(policy: &Value, field: &str) {
    let name = format!("istio.policies[0].{field}: ");
    let settings = json!({"policies": [policy]});
    assert_refused("istio", settings, json!({}), &name);
}

fn policy_that_would_ask_watchword_about_itself_is_refused() {
    let own = json!({"matchLabels": {"app.kubernetes.io/name": "watchword"}});
    let labelled = json!({"matchLabels": {"team": "auth"}});
    for (policy, field) in [
        (json!({"selector": {}}), "selector"),
        (
            json!({"namespace": "istio-system", "selector": {}}),
            "selector",
        ),
        (json!({"selector": own}), "selector"),
        (
            json!({"namespace": "istio-system", "selector": own}),
            "selector",
        ),
        (
            json!({"targetRefs": [{"kind": "Service", "name": "rel-watchword"}]}),
            "targetRefs[0].name",
        ),
        (
            json!({"targetRefs": [{"kind": "Service", "name": "rel-watchword-headless"}]}),
            "targetRefs[0].name",
        ),
    ] {
        assert_policy_refused(&policy, field);
    }
    for policy in [
        json!({"namespace": "shop", "selector": {}}),
        json!({"namespace": "shop", "selector": own}),
        json!({
            "namespace": "istio-system",
            "selector": {"matchLabels": {"istio": "ingressgateway"}},
        }),
        json!({"namespace": "shop", "targetRefs": [{"kind": "Service", "name": "rel-watchword"}]}),
        json!({"selector": labelled}),
    ] {
        assert_taken(&policy);
    }
    let mut ours = with(&json!({"selector": labelled}));
    ours["podLabels"] = json!({"team": "auth"});
    let problem = refusal(ours);
    assert!(
        problem.starts_with("integrations.istio.policies[0].selector: "),
        "{problem}"
    );
    let mut root = with(&json!({"namespace": "mesh", "selector": {}}));
    root["integrations"]["istio"]["rootNamespace"] = json!("mesh");
    let problem = refusal(root);
    assert!(
        problem.starts_with("integrations.istio.policies[0].selector: "),
        "{problem}"
    );
}

fn selector_that_the_api_server_would_cut_down_to_every_pod_is_refused() {
    for selector in [
        json!({"app": "orders"}),
        json!({"matchLabels": {}}),
        json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
        json!({"matchLabels": {"app": "orders"}, "matchExpressions": []}),
    ] {
        assert_policy_refused(
            &json!({"namespace": "shop", "selector": selector}),
            "selector",
        );
    }
    let both = json!({"selector": {}, "targetRefs": [{"kind": "Gateway", "name": "edge"}]});
    assert_policy_refused(&both, "selector");
}

fn host_that_a_port_in_the_request_would_walk_around_is_refused() {
    let policy = |hosts: Value| {
        let rules = json!([
            {},
            {"to": [{"operation": {"methods": ["GET"]}}, {"operation": {"hosts": hosts}}]},
        ]);
        json!({
            "namespace": "istio-system",
            "selector": {"matchLabels": {"istio": "ingressgateway"}},
            "rules": rules,
        })
    };
    for hosts in [
        json!(["shop.example.com"]),
        json!(["shop.example.com:*"]),
        json!(["shop.example.com", "shop.example.com:443"]),
        json!(["*.example.com"]),
        json!(["*.example.com", "*.example.com:*"]),
        json!(["a.example.com", "b.example.com:*"]),
    ] {
        assert_policy_refused(&policy(hosts), "rules[1].to[1].operation.hosts");
    }
    for hosts in [
        json!(["shop.example.com", "shop.example.com:*"]),
        json!(["*"]),
        json!(["shop.*"]),
    ] {
        assert_taken(&policy(hosts));
    }
    // What is exempt may miss a port: then it is asked about.
    let exempt = json!([{"to": [{"operation": {"notHosts": ["public.example.com"]}}]}]);
    assert_taken(&json!({"namespace": "shop", "selector": {}, "rules": exempt}));
}

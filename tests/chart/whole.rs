//! Objects without a schema here, and those that admit callers, each compared as a whole.

use serde_json::{Value, json};

use crate::cases;

watchword_test_support::tests![
    certificate_is_for_the_services_and_renewed_in_time,
    cilium_allows_egress_to_names_and_to_dns,
    policy_admits_the_peers_of_the_values_and_none_to_the_admin_port_by_default,
    calls_to_a_daemonset_stay_on_the_node_and_others_need_not,
    app_protocol_is_h2c_without_tls_or_that_of_the_values,
];

fn spec(kind: &str, values: Value) -> Value {
    let mut values = values;
    values["config"] = cases::config();
    cases::rendered(&values).get(kind, "rel-watchword")["spec"].clone()
}

fn own(component: &str) -> Value {
    json!({
        "app.kubernetes.io/name": "watchword",
        "app.kubernetes.io/instance": "rel",
        "app.kubernetes.io/component": component,
        "watchword/name": "rel-watchword",
    })
}

fn certificate_is_for_the_services_and_renewed_in_time() {
    let manager = json!({
        "enabled": true,
        "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
        "dnsNames": ["more.example.com"],
    });
    let found = spec(
        "Certificate",
        json!({"tls": {"enabled": true, "certManager": manager}}),
    );
    let expected = json!({
        "secretName": "rel-watchword-tls",
        "duration": "2160h",
        "renewBefore": "720h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
        "dnsNames": [
            "rel-watchword.auth", "rel-watchword.auth.svc", "rel-watchword.auth.svc.cluster.local",
            "rel-watchword-headless.auth",
            "rel-watchword-headless.auth.svc",
            "rel-watchword-headless.auth.svc.cluster.local",
            "more.example.com",
        ],
    });
    assert_eq!(found, expected);
}

fn cilium_allows_egress_to_names_and_to_dns() {
    let names = json!([{"matchName": "idp.example.com"}]);
    let policy = json!({"enabled": true, "cilium": {"enabled": true, "toFQDNs": names}});
    let found = spec("CiliumNetworkPolicy", json!({"networkPolicy": policy}));
    let dns = json!({"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"});
    let expected = json!({
        "endpointSelector": {"matchLabels": own("server")},
        "egress": [
            {
                "toEndpoints": [{"matchLabels": dns}],
                "toPorts": [{
                    "ports": [{"port": "53", "protocol": "ANY"}],
                    "rules": {"dns": [{"matchPattern": "*"}]},
                }],
            },
            {"toFQDNs": names, "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]},
        ],
    });
    assert_eq!(found, expected);
}

fn policy_admits_the_peers_of_the_values_and_none_to_the_admin_port_by_default() {
    let ingress = |policy: Value| {
        let mut of = json!({"networkPolicy": policy});
        of["networkPolicy"]["enabled"] = json!(true);
        spec("NetworkPolicy", of)["ingress"].clone()
    };
    let port = |name: &str| json!({"port": name, "protocol": "TCP"});
    let test = json!({
        "ports": [port("grpc"), port("health")],
        "from": [{"podSelector": {"matchLabels": own("test")}}],
    });
    let same = json!({"ports": [port("grpc")], "from": [{"podSelector": {}}]});
    assert_eq!(ingress(json!({})), json!([same, test]));

    let [edge, prometheus, probe] = ["edge", "prometheus", "probe"]
        .map(|app| json!([{"podSelector": {"matchLabels": {"app": app}}}]));
    let named = json!({"grpcFrom": edge, "adminFrom": prometheus, "healthFrom": probe});
    let expected = json!([
        {"ports": [port("grpc")], "from": edge},
        test,
        {"ports": [port("admin")], "from": prometheus},
        {"ports": [port("health")], "from": probe},
    ]);
    assert_eq!(ingress(named), expected);
}

fn calls_to_a_daemonset_stay_on_the_node_and_others_need_not() {
    let policy = |of: Value| spec("Service", of)["internalTrafficPolicy"].clone();
    assert_eq!(policy(json!({"mode": "daemonset"})), "Local");
    let cluster = json!({"mode": "daemonset", "service": {"internalTrafficPolicy": "Cluster"}});
    assert_eq!(policy(cluster), "Cluster");
    assert_ne!(policy(json!({})), "Local");
}

fn app_protocol_is_h2c_without_tls_or_that_of_the_values() {
    let protocol = |of: Value| spec("Service", of)["ports"][0]["appProtocol"].clone();
    assert_eq!(protocol(json!({})), "kubernetes.io/h2c");
    assert_eq!(
        protocol(json!({"service": {"appProtocol": "grpc"}})),
        "grpc"
    );
    let tls = json!({"enabled": true, "existingSecret": "cert"});
    assert_eq!(protocol(json!({"tls": tls})), "https");
}

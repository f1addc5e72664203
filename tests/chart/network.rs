//! Policies open the ports that the configuration needs, and no others. The Services' names resolve
//! to the pods.

use serde_json::{Value, json};

use crate::cases;
use crate::pods::items;

watchword_test_support::tests![
    ports_of_key_servers_are_open_and_those_that_urls_name,
    egress_to_dns_is_where_kubernetes_or_the_values_have_it,
    api_server_is_reached_by_no_name,
    public_keys_are_reached_where_the_configuration_publishes_them,
    certificate_has_the_names_of_the_services_in_the_clusters_domain,
];

/// Egress of the `NetworkPolicy`.
fn egress(more: &Value) -> Vec<Value> {
    let values = json!({"networkPolicy": {"enabled": true}});
    let rendered = cases::rendered_with(&cases::extended(values, more));
    let policy = rendered.get("NetworkPolicy", "rel-watchword");
    items(&policy["spec"]["egress"]).cloned().collect()
}

fn ports(rule: &Value) -> Vec<u64> {
    let ports = items(&rule["ports"]);
    ports.map(|port| port["port"].as_u64().unwrap()).collect()
}

fn ports_of_key_servers_are_open_and_those_that_urls_name() {
    assert_eq!(ports(&egress(&json!({}))[1]), [443]);
    let issuer = |jwks: Value| {
        json!({
            "issuer": "https://a.example:7443/b",
            "audiences": ["c"],
            "jwks": jwks,
        })
    };
    let config = json!({
        "traces": {"otlp": {"endpoint": "http://collector:4317"}},
        "issuers": {
            "a": issuer(json!({"uri": "https://a.example:8443/keys?to=b:1"})),
            "b": issuer(json!({"discovery": true})),
            "c": issuer(json!({"uri": "http://c.example/keys", "allow_http": true})),
            "d": issuer(json!({"uri": "https://[2001:db8::1]/keys"})),
            "e": issuer(json!({"uri": "${KEYS}"})),
        },
    });
    let token = json!({"token": {"enabled": true}});
    let rules = egress(&json!({"config": config, "serviceAccount": token}));
    assert_eq!(ports(&rules[1]), [443, 6443, 4317, 8443, 7443, 80]);
}

fn egress_to_dns_is_where_kubernetes_or_the_values_have_it() {
    let rule = &egress(&json!({}))[0];
    assert_eq!(ports(rule), [53, 53, 5353, 5353]);
    let pods = &rule["to"][0]["podSelector"]["matchLabels"];
    assert_eq!(pods, &json!({"k8s-app": "kube-dns"}));
    let cache = json!([{"ipBlock": {"cidr": "169.254.20.10/32"}}]);
    let policy = json!({"enabled": true, "egress": {"dnsTo": cache}});
    assert_eq!(egress(&json!({"networkPolicy": policy}))[0]["to"], cache);
}

fn public_keys_are_reached_where_the_configuration_publishes_them() {
    let rendered = |config: Value| {
        let values = json!({"config": config, "networkPolicy": {"enabled": true}});
        let rendered = cases::rendered(&values);
        let get = |kind: &str| rendered.get(kind, "rel-watchword").clone();
        [get("Service"), get("NetworkPolicy"), get("Deployment")]
    };
    let mut config = cases::config();
    let [service, policy, deployment] = rendered(config.clone());
    assert_eq!(items(&service["spec"]["ports"]).count(), 1);
    let is_open = |policy: &Value| {
        let rule = json!({"ports": [{"port": "public-keys", "protocol": "TCP"}]});
        items(&policy["spec"]["ingress"]).any(|found| *found == rule)
    };
    let container_port = |deployment: &Value| {
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let port = items(&container["ports"]).find(|port| port["name"] == "public-keys");
        port.map(|port| port["containerPort"].clone())
    };
    assert_eq!(
        (is_open(&policy), container_port(&deployment)),
        (false, None)
    );
    config["server"] = json!({"public_keys": {"address": "0.0.0.0:9194"}});
    let [service, policy, deployment] = rendered(config);
    let port = &service["spec"]["ports"][1];
    assert_eq!(
        (&port["port"], &port["targetPort"]),
        (&json!(9194), &json!("public-keys"))
    );
    assert_eq!(
        (is_open(&policy), container_port(&deployment)),
        (true, Some(json!(9194)))
    );
}

fn api_server_is_reached_by_no_name() {
    let values = json!({
        "config": cases::config(),
        "networkPolicy": {
            "enabled": true,
            "cilium": {"enabled": true, "toFQDNs": [{"matchName": "idp.example.com"}]},
        },
    });
    let entities = |values: &Value| {
        let rendered = cases::rendered(values);
        let policy = rendered.get("CiliumNetworkPolicy", "rel-watchword");
        items(&policy["spec"]["egress"]).any(|rule| rule["toEntities"] == json!(["kube-apiserver"]))
    };
    assert!(!entities(&values));
    let mut with = values;
    with["serviceAccount"] = json!({"token": {"enabled": true}});
    assert!(entities(&with));
}

fn certificate_has_the_names_of_the_services_in_the_clusters_domain() {
    let values = json!({
        "config": cases::config(), "clusterDomain": "corp.local",
        "tls": {
            "enabled": true,
            "certManager": {"enabled": true, "issuerRef": {"name": "a"}, "dnsNames": ["b.example"]},
        },
    });
    let rendered = cases::rendered(&values);
    let names = &rendered.get("Certificate", "rel-watchword")["spec"]["dnsNames"];
    let mut expected = Vec::new();
    for service in ["rel-watchword", "rel-watchword-headless"] {
        for ending in ["", ".svc", ".svc.corp.local"] {
            expected.push(format!("{service}.auth{ending}"));
        }
    }
    expected.push("b.example".to_owned());
    assert_eq!(names, &json!(expected));
}

//! Upgrades are refused that would make running proxies ask a server that cannot answer. Each has a
//! way that never leaves a route without its policy.

use serde_json::{Value, json};

use crate::pods;
use crate::trial::Trial;

const EDGE: &str = "gateway.envoyproxy.io/owning-gateway-name";

const NAMESPACE: &str = "gateway.envoyproxy.io/owning-gateway-namespace";

/// A gateway that asks Watchword in this way, and where Watchword runs.
fn gateway(via: &str, mode: &str) -> Value {
    let policies = json!([{"name": "edge", "targetRefs": [{"kind": "Gateway", "name": "edge"}]}]);
    json!({
        "mode": mode,
        "sidecar": {"injector": {"enabled": true, "podLabels": {EDGE: "edge"}}},
        "integrations": {"envoyGateway": {"enabled": true, "via": via, "policies": policies}},
    })
}

impl Trial {
    /// A proxy of this gateway of the release's namespace.
    fn proxy(&self, name: &str, gateway: &str) -> Value {
        let mut pod = pods::with_proxy();
        let labels = json!({EDGE: gateway, NAMESPACE: self.namespace.name});
        pod["metadata"] = json!({"name": name, "labels": labels});
        pod
    }

    fn make(&self, pod: &Value) {
        let namespace = format!("--namespace={}", self.namespace.name);
        let create = ["create", "--filename=-", &namespace];
        self.cluster
            .kubectl_with(pod.to_string(), &create)
            .succeeded();
    }

    /// As the workload's controller would say.
    fn become_ready(&self, workload: &str) {
        let status = match workload.split('/').next() {
            Some("daemonset") => json!({
                "numberReady": 2,
                "currentNumberScheduled": 2,
                "desiredNumberScheduled": 2,
                "numberMisscheduled": 0,
            }),
            _ => json!({"replicas": 2, "readyReplicas": 2}),
        };
        let patch = format!("--patch={}", json!({"status": status}));
        let patch = [
            "patch",
            workload,
            "--subresource=status",
            "--type=merge",
            &patch,
        ];
        self.kubectl(&patch).succeeded();
    }

    fn remove_pod(&self, name: &str) {
        let delete = ["delete", "pod", name, "--force", "--grace-period=0"];
        self.kubectl(&delete).succeeded();
    }

    /// The kind that the gateway's policy asks, or "" without a policy.
    fn asked(&self) -> String {
        let path = "--output=jsonpath={.items[*].spec.extAuth.grpc.backendRefs[*].kind}";
        self.kubectl(&["get", "securitypolicies", path])
            .succeeded()
            .stdout
    }
}

/// Regression: 503 for everybody, until the gateway's pods were recreated.
#[test]
fn first_policy_waits_for_the_sidecars() {
    let Some(release) = Trial::with_products("live-first") else {
        return;
    };
    let cluster = release.cluster;
    let mut without = gateway("sidecar", "none");
    without["integrations"]["envoyGateway"]["enabled"] = json!(false);
    let values = gateway("sidecar", "none");
    release.make(&release.proxy("old", "edge"));

    let refusal = release.helm(&values, &[]).refused();
    assert!(
        refusal.contains("these pods cannot ask a sidecar"),
        "{refusal}"
    );
    assert!(refusal.contains("live-first/old"), "{refusal}");
    let notes = release.helm(&without, &[]).without_warning().stdout;
    let warning = "WARNING: labelled pods without the sidecar: live-first/old";
    assert!(notes.contains(warning), "{notes}");
    assert!(
        release
            .helm(&values, &[])
            .refused()
            .contains("rollout restart")
    );
    assert_eq!(release.asked(), "");

    pods::until_injected(cluster, &release.namespace, &release.proxy("probe", "edge"));
    release.make(&release.proxy("new", "edge"));
    release.remove_pod("old");
    let notes = release.helm(&values, &[]).without_warning().stdout;
    assert!(!notes.contains("without the sidecar:"), "{notes}");
    assert_eq!(release.asked(), "Backend");

    // A label that comes later adds no sidecar. One odd pod does not stop upgrades for ever.
    let mut odd = release.proxy("odd", "edge");
    odd["metadata"]["labels"] = json!({});
    release.make(&odd);
    release
        .kubectl(&["label", "pod", "odd", &format!("{EDGE}=edge")])
        .succeeded();
    let notes = release.helm(&values, &[]).without_warning().stdout;
    assert!(
        notes.contains("without the sidecar: live-first/odd"),
        "{notes}"
    );
}

/// From the Service to sidecars and back, step by step. The policy is always there.
#[test]
fn gateway_changes_over_to_sidecars_without_a_gap() {
    let Some(release) = Trial::with_products("live-change") else {
        return;
    };
    let cluster = release.cluster;
    let mut service = gateway("service", "deployment");
    service["sidecar"]["injector"]["enabled"] = json!(false);
    release.helm(&service, &[]).without_warning();
    release.make(&release.proxy("old", "edge"));
    assert_eq!(release.asked(), "Service");

    let refusal = release
        .helm(&gateway("sidecar", "deployment"), &[])
        .refused();
    assert!(refusal.contains("live-change/old"), "{refusal}");
    release
        .helm(&gateway("service", "deployment"), &[])
        .without_warning();
    pods::until_injected(cluster, &release.namespace, &release.proxy("probe", "edge"));
    release.make(&release.proxy("new", "edge"));
    release.remove_pod("old");
    let refusal = release.helm(&gateway("sidecar", "none"), &[]).refused();
    assert!(
        refusal.contains("Keep mode: deployment in this upgrade"),
        "{refusal}"
    );
    assert_eq!(release.asked(), "Service");
    release
        .helm(&gateway("sidecar", "deployment"), &[])
        .without_warning();
    assert_eq!(release.asked(), "Backend");
    release
        .helm(&gateway("sidecar", "none"), &[])
        .without_warning();
    assert!(
        !release
            .kubectl(&["get", "deployment/orders-watchword"])
            .success
    );

    let refusal = release
        .helm(&gateway("service", "deployment"), &[])
        .refused();
    assert!(
        refusal.contains("would ask the Service, which has no ready pod yet"),
        "{refusal}"
    );
    release
        .helm(&gateway("sidecar", "deployment"), &[])
        .without_warning();
    release.become_ready("deployment/orders-watchword");
    release
        .helm(&gateway("service", "deployment"), &[])
        .without_warning();
    assert_eq!(release.asked(), "Service");
}

#[test]
fn policy_waits_for_the_first_ready_pod() {
    let Some(release) = Trial::with_products("live-ready") else {
        return;
    };
    release.helm(&json!({}), &[]).without_warning();
    let mut values = gateway("service", "deployment");
    values["sidecar"]["injector"]["enabled"] = json!(false);
    let refusal = release.helm(&values, &[]).refused();
    assert!(refusal.contains("which has no ready pod yet"), "{refusal}");
    release.become_ready("deployment/orders-watchword");
    release.helm(&values, &[]).without_warning();
    // A new name is a new workload.
    values["fullnameOverride"] = json!("other");
    let refusal = release.helm(&values, &[]).refused();
    assert!(refusal.contains("which has no ready pod yet"), "{refusal}");
}

#[test]
fn policy_for_another_gateway_waits_for_its_sidecars() {
    let Some(release) = Trial::with_products("live-other") else {
        return;
    };
    release
        .helm(&gateway("sidecar", "none"), &[])
        .without_warning();
    release.make(&release.proxy("there", "other"));
    let mut other = gateway("sidecar", "none");
    other["integrations"]["envoyGateway"]["policies"][0]["targetRefs"][0]["name"] = json!("other");
    let refusal = release.helm(&other, &[]).refused();
    assert!(refusal.contains("live-other/there"), "{refusal}");
    // It is not of this gateway.
    release
        .helm(&gateway("sidecar", "none"), &[])
        .without_warning();
}

#[test]
fn workload_does_not_change_its_kind_under_load() {
    let Some(release) = Trial::new("live-mode") else {
        return;
    };
    release.helm(&json!({}), &[]).without_warning();
    release.become_ready("deployment/orders-watchword");
    let refusal = release.helm(&json!({"mode": "daemonset"}), &[]).refused();
    assert!(
        refusal.contains("mode: found deployment in the cluster"),
        "{refusal}"
    );
    let anyway = json!({"mode": "daemonset", "refuseOutages": false});
    release.helm(&anyway, &[]).without_warning();
    // Nothing is lost while no pod is ready.
    release.helm(&json!({}), &[]).without_warning();
    release
        .helm(&json!({"mode": "daemonset"}), &[])
        .without_warning();
    release.become_ready("daemonset/orders-watchword");
    let refusal = release.helm(&json!({}), &[]).refused();
    assert!(
        refusal.contains("mode: found daemonset in the cluster"),
        "{refusal}"
    );
}

#[test]
fn istio_asks_no_sidecar_that_a_pod_lacks() {
    let Some(release) = Trial::with_products("live-istio") else {
        return;
    };
    let cluster = release.cluster;
    let values = |app: &str| {
        let policies = json!([{"selector": {"matchLabels": {"app": app}}}]);
        json!({
            "mode": "none",
            "sidecar": {"listen": "loopback", "injector": {"enabled": true}},
            "integrations": {"istio": {"enabled": true, "via": "sidecar", "policies": policies}},
        })
    };
    release.helm(&values("orders"), &[]).without_warning();
    let mut carts = pods::labelled(json!({
        "containers": [pods::container("app"), pods::container("istio-proxy")],
    }));
    carts["metadata"] = json!({"name": "carts", "labels": {"app": "carts"}});
    release.make(&carts);
    release.helm(&values("orders"), &[]).without_warning();
    let refusal = release.helm(&values("carts"), &[]).refused();
    assert!(refusal.contains("live-istio/carts"), "{refusal}");

    // Others of the injector do not matter to a policy that is not for them; nor do pods for
    // Windows.
    let mut windows = pods::labelled(json!({"os": {"name": "windows"}}));
    windows["spec"]["containers"][0]["securityContext"] = json!({"runAsNonRoot": true});
    windows["metadata"]["labels"] = json!({"app": "stock"});
    release.make(&windows);
    release.helm(&values("stock"), &[]).without_warning();

    // A sidecar that listens elsewhere is none.
    let mut listens = values("stock");
    listens["sidecar"]["listen"] = json!("unix");
    let mut stock = carts.clone();
    stock["metadata"] =
        json!({"name": "stock", "labels": {"app": "stock", pods::LABEL: "enabled"}});
    pods::until_injected(cluster, &release.namespace, &stock);
    release.make(&stock);
    release.helm(&values("stock"), &[]).without_warning();
    let refusal = release.helm(&listens, &[]).refused();
    assert!(refusal.contains("live-istio/stock"), "{refusal}");
}

#[test]
fn host_has_one_destination_rule() {
    let Some(own) = Trial::with_products("live-rules") else {
        return;
    };
    let cluster = own.cluster;
    let rule = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "mine"},
        "spec": {"host": "orders-watchword.live-rules.svc.cluster.local"},
    });
    own.make(&rule);
    let istio = |rule: Value| {
        let policies = json!([{"selector": {}, "namespace": "shop-of-rules"}]);
        json!({
            "integrations": {
                "istio": {"enabled": true, "policies": policies, "destinationRule": rule},
            },
        })
    };
    crate::namespace::Namespace::new(cluster, "shop-of-rules");
    let refusal = own.helm(&istio(json!({})), &[]).refused();
    assert!(
        refusal.contains("found the DestinationRule mine"),
        "{refusal}"
    );
    own.helm(&istio(json!({"enabled": false})), &[])
        .without_warning();
}

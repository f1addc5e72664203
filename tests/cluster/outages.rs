//! What was an outage by following the guide, at the level where it is seen: what the API server
//! has after `helm upgrade`.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::command::Answer;
use crate::hooks::End;
use crate::namespace::Namespace;
use crate::pods::{self, restricted};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/watchword");
const DEPLOYMENT: &str = "deployment/orders-watchword";

/// A release `orders` in a namespace of its own.
struct Trial<'a> {
    cluster: &'a Cluster,
    namespace: Namespace,
}

impl<'a> Trial<'a> {
    fn new(cluster: &'a Cluster, namespace: &str) -> Self {
        Self {
            cluster,
            namespace: Namespace::new(cluster, namespace),
        }
    }

    /// Installs or upgrades, with an issuer and these values.
    fn helm(&self, values: &Value, more: &[&str]) -> Answer {
        let mut values = values.clone();
        let issuer = json!({
            "issuer": "https://idp.example.com", "audiences": ["orders-api"], "jwks": {"discovery": true},
        });
        values["config"] = json!({"issuers": {"corp": issuer}});
        let values = format!("--set-json={}", flat(&values));
        let namespace = format!("--namespace={}", self.namespace.name);
        let upgrade = ["upgrade", "--install", "orders", CHART, &namespace, &values];
        self.cluster.helm(&[&upgrade, more].concat())
    }

    fn kubectl(&self, arguments: &[&str]) -> Answer {
        let namespace = format!("--namespace={}", self.namespace.name);
        self.cluster.kubectl(&[arguments, &[&namespace]].concat())
    }

    fn replicas(&self) -> u64 {
        let deployment = self.kubectl(&["get", DEPLOYMENT, "--output=json"]);
        deployment.succeeded().json()["spec"]["replicas"]
            .as_u64()
            .unwrap()
    }

    /// As an autoscaler does it.
    fn scale(&self, replicas: u64) {
        let patch = json!({"spec": {"replicas": replicas}});
        let patch = format!("--patch={patch}");
        self.kubectl(&[
            "patch",
            DEPLOYMENT,
            "--subresource=scale",
            "--type=merge",
            &patch,
        ])
        .succeeded();
    }
}

/// Values as `--set-json` takes them: `a={…},b={…}`.
fn flat(values: &Value) -> String {
    let pairs = values.as_object().unwrap().iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(",")
}

/// It was: 5 pods became 1, until the autoscaler acted.
#[test]
fn number_of_pods_stays_when_autoscaling_is_switched_on() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    for (name, server_side) in [("scale-server", true), ("scale-client", false)] {
        let release = Trial::new(cluster, name);
        let apply = format!("--server-side={server_side}");
        let own = json!({"autoscaling": {"enabled": true, "minReplicas": 5}});
        let external = json!({"autoscaling": {"external": true}});
        let run = |values: &Value, more: &[&str]| {
            release
                .helm(values, &[&[&*apply], more].concat())
                .without_warning();
            release.replicas()
        };
        assert_eq!(run(&json!({"replicas": 5}), &[]), 5);
        assert_eq!(run(&own, &[]), 5, "{name}: switched on");
        release.scale(7);
        assert_eq!(run(&own, &[]), 7, "{name}: upgraded, after the autoscaler");
        release.scale(8);
        assert_eq!(run(&external, &[]), 8, "{name}: left to another autoscaler");
        // Back to a number of one's own. Helm 4 takes the field from the autoscaler only if told to.
        let mut off = json!({"replicas": 3});
        let mut force = vec![];
        if server_side {
            let conflict = release.helm(&off, &[&apply]).refused();
            assert!(conflict.contains(".spec.replicas"), "{conflict}");
            force.push("--force-conflicts");
        }
        assert_eq!(run(&off, &force), 3, "{name}: switched off");
        off["replicas"] = json!(4);
        assert_eq!(run(&off, &[]), 4, "{name}: changed");
    }
}

/// It was: 503 for everybody, until the gateway's pods were made anew.
#[test]
fn live_proxies_are_not_sent_to_a_sidecar_that_they_do_not_have() {
    let Some(cluster) = Cluster::with_products() else {
        return;
    };
    let release = Trial::new(cluster, "live-gateway");
    let gateway = &release.namespace;
    let label = json!({"gateway.envoyproxy.io/owning-gateway-name": "edge"});
    let pod = |name: &str| {
        let mut pod = pods::pod(&json!([{"name": "envoy", "image": "envoy"}]));
        pod["metadata"] = json!({"name": name, "labels": label});
        restricted(&mut pod);
        pod
    };
    let make = |name: &str| {
        let namespace = format!("--namespace={}", gateway.name);
        let create = ["create", "--filename=-", &namespace];
        cluster
            .kubectl_with(pod(name).to_string(), &create)
            .succeeded();
    };
    make("old");
    let values = |enabled: bool| {
        let policies = json!([{"targetRefs": [{"kind": "HTTPRoute", "name": "orders"}]}]);
        json!({
            "mode": "none",
            "sidecar": {"injector": {"enabled": true, "podLabels": label}},
            "integrations": {"envoyGateway": {"enabled": enabled, "via": "sidecar", "policies": policies}},
        })
    };
    let policies = || {
        release
            .kubectl(&["get", "securitypolicies", "--output=name"])
            .succeeded()
            .stdout
    };

    let refusal = release.helm(&values(true), &[]).refused();
    assert!(
        refusal.contains("the sidecar is missing in live-gateway/old"),
        "{refusal}"
    );
    let notes = release.helm(&values(false), &[]).without_warning().stdout;
    assert!(
        notes.contains("WARNING: live-gateway/old is older than the injector"),
        "{notes}"
    );
    assert!(
        release
            .helm(&values(true), &[])
            .refused()
            .contains("rollout restart")
    );
    assert_eq!(policies(), "");

    pods::until_injected(cluster, gateway, &pod("probe"));
    make("new");
    release
        .kubectl(&["delete", "pod", "old", "--force", "--grace-period=0"])
        .succeeded();
    let notes = release.helm(&values(true), &[]).without_warning().stdout;
    assert!(!notes.contains("older than the injector"), "{notes}");
    assert_ne!(policies(), "");
    // In force, it is not refused any more: an upgrade must go on beside one odd pod.
    make("newer");
    release.helm(&values(true), &[]).without_warning();
}

/// It was: the upgrade went through, and every labelled pod was refused from then on.
#[test]
fn mistake_in_values_for_pods_ends_the_upgrade_and_not_the_pods() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let release = Trial::new(cluster, "mistakes");
    let values = |volume: Value| {
        json!({
            "mode": "none",
            "extraVolumes": [volume],
            "sidecar": {"injector": {"enabled": true}},
        })
    };
    let good = values(json!({"name": "more", "emptyDir": {"medium": "Memory"}}));
    release.helm(&good, &[]).without_warning();
    let pod = pods::labelled();
    pods::until_injected(cluster, &release.namespace, &pod);
    for (volume, said) in [
        (
            json!({"name": "more", "emptyDirr": {"medium": "Memory"}}),
            "emptyDirr",
        ),
        (
            json!({"name": "more", "emptyDir": {"sizeLimit": "many"}}),
            "quantit",
        ),
        (
            json!({"name": "more", "csi": {"driver": "a.example", "volumeAttributes": {"namespace": true}}}),
            "volumeAttributes",
        ),
        (json!({"name": "Not a name", "emptyDir": {}}), "Not a name"),
        (
            json!({"name": "watchword-config", "emptyDir": {}}),
            "watchword-config",
        ),
    ] {
        let refusal = release.helm(&values(volume.clone()), &[]).refused();
        assert!(
            refusal.contains("injector-check") && refusal.contains(said),
            "{volume}: {refusal}"
        );
        let made = release.namespace.try_out(cluster, &pod).succeeded().json();
        assert!(pods::sidecar(&made).is_some(), "{volume}: {made}");
    }
    release.helm(&good, &[]).without_warning();
    let left = release.kubectl(&["get", "podtemplates", "--output=name"]);
    assert_eq!(
        left.succeeded().stdout,
        "",
        "the check leaves nothing behind"
    );
}

/// A release of sidecars has a test, and a check of its configuration.
#[test]
fn release_of_sidecars_is_tested_by_a_pod_that_gets_one() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let release = Trial::new(cluster, "sidecar-test");
    let injector = json!({"mode": "none", "sidecar": {"injector": {"enabled": true}}});
    release.helm(&injector, &[]).without_warning();
    pods::until_injected(cluster, &release.namespace, &pods::labelled());
    let (answer, ended) =
        cluster.helm_with_hooks("sidecar-test", End::Success, &["test", "orders"]);
    answer.without_warning();
    assert_eq!(ended, ["Pod/orders-watchword-test"]);
    let (answer, _) = cluster.helm_with_hooks("sidecar-test", End::Failure, &["test", "orders"]);
    answer.refused();
    let tested = release.kubectl(&["get", "pod", "orders-watchword-test", "--output=json"]);
    let tested = tested.succeeded().json();
    assert!(pods::sidecar(&tested).is_some(), "{tested}");
    let asker = &tested["spec"]["containers"][0];
    assert_eq!(
        asker["args"],
        json!([
            "health",
            "unix:/run/watchword/grpc.sock",
            "--service",
            "live"
        ])
    );
    assert!(pods::mounts(asker).contains(&"/run/watchword"), "{asker}");
}

/// It was: their resources were fixed, so that both waited for pods that could not be made.
#[test]
fn namespace_with_a_quota_has_room_for_hooks_and_sidecars() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let release = Trial::new(cluster, "quota");
    let hard = json!({"limits.cpu": "10", "requests.cpu": "10", "limits.memory": "10Gi"});
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "all", "namespace": "quota"}, "spec": {"hard": hard},
    });
    let create = ["create", "--filename=-"];
    cluster.kubectl_with(quota.to_string(), &create).succeeded();
    // No controller counts what is in use.
    let used = json!({"limits.cpu": "0", "requests.cpu": "0", "limits.memory": "0"});
    let status = json!({"status": {"hard": hard, "used": used}});
    let patch = format!("--patch={status}");
    release
        .kubectl(&[
            "patch",
            "resourcequota",
            "all",
            "--subresource=status",
            "--type=merge",
            &patch,
        ])
        .succeeded();

    let limits = json!({"limits": {"cpu": "100m", "memory": "128Mi"}, "requests": {"cpu": "10m"}});
    let values = |resources: Option<&Value>| {
        let mut values = json!({"sidecar": {"injector": {"enabled": true}}});
        if let Some(resources) = resources {
            values["test"] = json!({"resources": resources});
            values["sidecar"]["resources"] = resources.clone();
        }
        values
    };
    let test = || {
        cluster
            .helm_with_hooks("quota", End::Success, &["test", "orders"])
            .0
    };
    let mut pod = pods::pod(&json!([{"name": "app", "image": "app", "resources": limits}]));
    pod["metadata"]["labels"] = json!({"watchword/inject": "enabled"});
    restricted(&mut pod);

    release.helm(&values(None), &[]).without_warning();
    assert!(
        test()
            .refused()
            .contains("must specify limits.cpu for: health")
    );
    pods::until(|| {
        let refusal = release.namespace.try_out(cluster, &pod);
        !refusal.success
            && refusal
                .stderr
                .contains("must specify limits.cpu for: watchword")
    });
    release.helm(&values(Some(&limits)), &[]).without_warning();
    test().without_warning();
    pods::until_injected(cluster, &release.namespace, &pod);
}

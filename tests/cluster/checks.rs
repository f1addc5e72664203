//! `helm test` where there is no server, and where the namespace has a quota.

use serde_json::{Value, json};

use crate::hooks::End;
use crate::pods;
use crate::trial::Trial;

#[test]
fn release_of_sidecars_is_tested_by_a_pod_that_gets_one() {
    let Some(release) = Trial::new("sidecar-test") else {
        return;
    };
    let cluster = release.cluster;
    let injector = json!({"mode": "none", "sidecar": {"injector": {"enabled": true}}});
    release.helm(&injector, &[]).without_warning();
    pods::until_injected(cluster, &release.namespace, &pods::with_proxy());
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

/// Regression: their resources were fixed, so that both waited for pods that could not be made.
#[test]
fn namespace_with_a_quota_has_room_for_hooks_and_sidecars() {
    let Some(release) = Trial::new("quota") else {
        return;
    };
    let cluster = release.cluster;
    let hard = json!({"limits.cpu": "10", "requests.cpu": "10", "limits.memory": "10Gi"});
    let quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "all", "namespace": "quota"},
        "spec": {"hard": hard},
    });
    let create = ["create", "--filename=-"];
    cluster.kubectl_with(quota.to_string(), &create).succeeded();
    // No controller counts the usage.
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
    let app = pods::container_with("app", &json!({"resources": limits}));
    let pod = pods::labelled(json!({"containers": [app]}));

    release.helm(&values(None), &[]).without_warning();
    assert!(
        test()
            .refused()
            .contains("must specify limits.cpu for: health")
    );
    let refusal = "must specify limits.cpu for: watchword";
    pods::until_refused(cluster, &release.namespace, &pod, refusal);
    release.helm(&values(Some(&limits)), &[]).without_warning();
    test().without_warning();
    pods::until_injected(cluster, &release.namespace, &pod);
}

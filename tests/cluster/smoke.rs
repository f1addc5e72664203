//! The cluster itself: versions, Pod Security and hooks.

use serde_json::json;

use crate::cluster::Cluster;
use crate::hooks::End;
use crate::namespace::Namespace;
use crate::tools;

#[test]
fn server_and_client_have_the_version_of_their_module() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let versions = cluster
        .kubectl(&["version", "--output=json"])
        .without_warning()
        .json();
    let expected = format!("v{}", tools::KUBERNETES.version());
    assert_eq!(versions["serverVersion"]["gitVersion"], expected);
    assert_eq!(versions["clientVersion"]["gitVersion"], expected);
    let helm = cluster.helm(&["version", "--short"]).without_warning();
    let major = tools::HELM.version().split('.').next().unwrap().to_owned();
    assert!(helm.stdout.starts_with(&format!("v{major}.")), "{helm}");
}

#[test]
fn guide_names_the_versions_that_are_run() {
    let guide = include_str!("../../docs/kubernetes/tested.md");
    let mut rows = guide
        .lines()
        .filter(|line| line.starts_with("| each change"));
    let row = rows.next().expect("a row for each change");
    for module in [tools::KUBERNETES, tools::HELM, tools::CONTOUR] {
        let version = module.version();
        assert!(row.contains(&version), "{version} is not in {row}");
    }
}

#[test]
fn restricted_namespace_refuses_a_pod_that_is_not() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "smoke");
    let pod = |security: &serde_json::Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a"},
            "spec": {"containers": [
                {"name": "a", "image": "registry.example/a", "securityContext": security},
            ]},
        })
    };
    let strict = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    let accepted = namespace
        .try_out(cluster, &pod(&strict))
        .without_warning()
        .json();
    assert_eq!(accepted["metadata"]["namespace"], "smoke");
    let refusal = namespace.try_out(cluster, &pod(&json!({}))).refused();
    assert!(
        refusal.contains("violates PodSecurity \"restricted:latest\""),
        "{refusal}"
    );
}

#[test]
fn hook_that_fails_stops_the_installation_and_one_that_succeeds_does_not() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "smoke-hooks");
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/watchword");
    let values = format!("--values={chart}/ci/deployment-values.yaml");
    let run = |end, arguments: &[&str]| cluster.helm_with_hooks(&namespace.name, end, arguments);
    let checked = [
        "install",
        "orders",
        chart,
        &values,
        "--set=configCheck.enabled=true",
    ];
    let (answer, _) = run(End::Failure, &checked);
    let refusal = answer.refused();
    assert!(refusal.contains("pre-install"), "{refusal}");
    let upgrade = [&["upgrade", "--install"], &checked[1..]].concat();
    let (answer, ended) = run(End::Success, &upgrade);
    answer.without_warning();
    assert_eq!(ended, ["Job/orders-watchword-config-check"]);

    let (answer, ended) = run(End::Success, &["test", "orders"]);
    answer.without_warning();
    assert_eq!(ended, ["Pod/orders-watchword-test"]);
    let (answer, _) = run(End::Failure, &["test", "orders"]);
    answer.refused();
}

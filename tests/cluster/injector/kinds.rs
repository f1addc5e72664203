//! The sidecar in pods of many kinds.

use std::fs;
use std::sync::LazyLock;

use serde_json::json;

use super::install::Injector;
use super::table::{self, Kind, Outcome};
use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::pods;
use crate::release::CHART;

/// The injector of `ci/injector-values.yaml`.
pub(super) fn example() -> Option<&'static Injector> {
    static EXAMPLE: LazyLock<Option<Injector>> = LazyLock::new(|| {
        let values = fs::read_to_string(format!("{CHART}/ci/injector-values.yaml")).unwrap();
        let cluster = Cluster::shared()?;
        Some(Injector::install(cluster, "injector", &values))
    });
    EXAMPLE.as_ref()
}

#[test]
fn pods_get_the_sidecar_and_nothing_else_changes() {
    let Some(injector) = example() else {
        return;
    };
    injector
        .pods
        .create_service_account(injector.cluster, "clerk");
    injector
        .elsewhere
        .create_service_account(injector.cluster, "clerk");
    assert_eq!(
        injector.templates.mounts[0]["readOnly"], true,
        "{:?}",
        injector.templates
    );
    check(injector, &injector.pods, table::restricted());
    check(injector, &injector.privileged, table::privileged());
}

#[test]
fn pods_get_no_socket_where_the_sidecar_listens_on_loopback() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let values = fs::read_to_string(format!("{CHART}/ci/injector-loopback-values.yaml")).unwrap();
    let injector = Injector::install(cluster, "loopback", &values);
    assert!(
        injector.templates.mounts.is_empty(),
        "{:?}",
        injector.templates
    );
    let proxy =
        pods::labelled(json!({"containers": [pods::container("app"), pods::container("envoy")]}));
    let kinds = vec![
        (
            "plain",
            pods::labelled(json!({})),
            Outcome::Injected(&["watchword"], &[]),
        ),
        ("proxy", proxy, Outcome::Injected(&["watchword"], &[])),
        (
            "without the label",
            table::unlabelled(pods::labelled(json!({}))),
            Outcome::Untouched,
        ),
    ];
    check(&injector, &injector.pods, kinds);
}

#[test]
fn template_of_a_workload_is_untouched() {
    let Some(injector) = example() else {
        return;
    };
    let template = pods::labelled(json!({}));
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders", "labels": {pods::LABEL: "enabled"}},
        "spec": {
            "selector": {"matchLabels": {pods::LABEL: "enabled"}},
            "template": {"metadata": template["metadata"], "spec": template["spec"]},
        },
    });
    let made = injector
        .try_out(&injector.pods, &deployment)
        .without_warning()
        .json();
    let spec = &made["spec"]["template"]["spec"];
    assert!(
        spec["initContainers"].is_null() && spec["volumes"].is_null(),
        "{spec:#}"
    );
}

#[test]
fn labelled_pod_in_another_namespace_is_untouched() {
    let Some(injector) = example() else {
        return;
    };
    let made = injector
        .try_out(&injector.elsewhere, &pods::labelled(json!({})))
        .succeeded()
        .json();
    assert!(made["spec"]["initContainers"].is_null(), "{made:#}");
}

/// Tries all rows in this namespace, and fails with those that differ.
#[track_caller]
fn check(injector: &Injector, namespace: &Namespace, kinds: Vec<Kind>) {
    let problems = kinds.into_iter().filter_map(|(name, pod, outcome)| {
        let found = match outcome {
            Outcome::Injected(init, sockets) => {
                injector.adds_sidecar(namespace, &pod, init, sockets)
            }
            Outcome::Untouched => injector.leaves_unchanged(namespace, &pod),
        };
        found.err().map(|problem| format!("{name}: {problem}"))
    });
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

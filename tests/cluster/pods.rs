//! Pods for tests, and what came out of them.

use std::time::Duration;

use serde_json::{Value, json};
use watchword::clock::Stopwatch;

use crate::cluster::Cluster;
use crate::namespace::Namespace;

/// A policy is in force within a second; a slow machine has more time.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// A pod with these containers.
pub(crate) fn pod(containers: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": {"containers": containers},
    })
}

/// A service and its proxy, with the label that asks for a sidecar.
pub(crate) fn labelled() -> Value {
    let mut pod = pod(&json!([
        {"name": "app", "image": "app"},
        {"name": "envoy", "image": "envoy"},
    ]));
    pod["metadata"]["labels"] = json!({"watchword/inject": "enabled"});
    restricted(&mut pod);
    pod
}

/// Lets each container fit the Pod Security level `restricted`.
pub(crate) fn restricted(pod: &mut Value) {
    for list in ["containers", "initContainers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            container["securityContext"] = json!({
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": true,
                "seccompProfile": {"type": "RuntimeDefault"},
            });
        }
    }
}

/// The sidecar of a pod that was made.
pub(crate) fn sidecar(pod: &Value) -> Option<&Value> {
    let mut containers = pod["spec"]["initContainers"].as_array()?.iter();
    containers.find(|container| container["name"] == "watchword")
}

/// Where a container has something mounted.
pub(crate) fn mounts(container: &Value) -> Vec<&str> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    mounts
        .filter_map(|mount| mount["mountPath"].as_str())
        .collect()
}

/// Waits until the injector's policy is in force for this pod.
#[track_caller]
pub(crate) fn until_injected(cluster: &Cluster, namespace: &Namespace, pod: &Value) {
    until(|| {
        let made = namespace.try_out(cluster, pod);
        made.success && sidecar(&made.json()).is_some()
    });
}

/// Waits until this holds.
#[track_caller]
pub(crate) fn until(holds: impl Fn() -> bool) {
    let waiting = Stopwatch::start();
    while !holds() {
        assert!(waiting.elapsed() < PATIENCE, "not in {PATIENCE:?}");
        std::thread::sleep(POLL);
    }
}

//! Pods for tests, and what came out of them.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::command::Answer;
use crate::namespace::Namespace;
use crate::wait;

/// The label of pods that get a sidecar.
pub(crate) const LABEL: &str = "watchword/inject";

/// A pod with the label, which `restricted` allows. Its spec has these fields too, or instead.
pub(crate) fn labelled(spec: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "orders", "labels": {LABEL: "enabled"}},
        "spec": {"containers": [container("app")]},
    });
    if let (Some(fields), Value::Object(more)) = (pod["spec"].as_object_mut(), spec) {
        fields.extend(more);
    }
    pod
}

/// The same, of a service and its proxy.
pub(crate) fn with_proxy() -> Value {
    labelled(json!({"containers": [container("app"), container("envoy")]}))
}

/// A container that `restricted` allows.
pub(crate) fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": format!("registry.example/{name}:1"),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    })
}

/// The same with these fields.
pub(crate) fn container_with(name: &str, more: &Value) -> Value {
    let mut container = container(name);
    for (field, value) in more.as_object().expect("fields") {
        container[field] = value.clone();
    }
    container
}

/// The sidecar of a pod that was made.
pub(crate) fn sidecar(pod: &Value) -> Option<&Value> {
    let mut containers = pod["spec"]["initContainers"].as_array()?.iter();
    containers.find(|container| container["name"] == "watchword")
}

pub(crate) fn has_sidecar(answer: &Answer) -> bool {
    answer.success && sidecar(&answer.json()).is_some()
}

/// The mount paths of a container.
pub(crate) fn mounts(container: &Value) -> Vec<&str> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    mounts
        .filter_map(|mount| mount["mountPath"].as_str())
        .collect()
}

/// Waits until the injector adds the sidecar to this pod. The API server reads a new policy some
/// time after it is made.
#[track_caller]
pub(crate) fn until_injected(cluster: &Cluster, namespace: &Namespace, pod: &Value) {
    let look = || namespace.try_out(cluster, pod);
    wait::until("the sidecar", look, has_sidecar);
}

/// Waits until this pod is refused with these words.
#[track_caller]
pub(crate) fn until_refused(cluster: &Cluster, namespace: &Namespace, pod: &Value, words: &str) {
    let look = || namespace.try_out(cluster, pod);
    let is_refused = |answer: &Answer| !answer.success && answer.stderr.contains(words);
    wait::until("the refusal", look, is_refused);
}

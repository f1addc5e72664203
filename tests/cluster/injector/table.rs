//! Kinds of pods, and what comes out.

use serde_json::{Value, json};

use crate::pods;

/// The expected result.
#[derive(Clone)]
pub(super) enum Outcome {
    /// With the sidecar, and these init containers, in this order. The other names are of the
    /// containers that get the socket.
    Injected(&'static [&'static str], &'static [&'static str]),
    Untouched,
}

use Outcome::{Injected, Untouched};

/// A row: its name, the pod, what comes out.
pub(super) type Kind = (&'static str, Value, Outcome);

pub(super) fn restricted() -> Vec<Kind> {
    [plain(), containers(), proxies()].concat()
}

fn plain() -> Vec<Kind> {
    let alone: &[&str] = &["watchword"];
    vec![
        ("plain", pods::labelled(json!({})), Injected(alone, &[])),
        (
            "without the label",
            unlabelled(pods::labelled(json!({}))),
            Untouched,
        ),
        (
            "with another value of the label",
            labelled("disabled"),
            Untouched,
        ),
        ("with a generated name", generated(), Injected(alone, &[])),
        ("with annotations", annotated(), Injected(alone, &[])),
    ]
}

fn containers() -> Vec<Kind> {
    let alone: &[&str] = &["watchword"];
    vec![
        (
            "init containers of its own",
            pods::labelled(
                json!({"initContainers": [pods::container("first"), pods::container("second")]}),
            ),
            Injected(&["watchword", "first", "second"], &[]),
        ),
        (
            "a native sidecar of its own",
            pods::labelled(json!({"initContainers": [native("mesh"), pods::container("first")]})),
            Injected(&["watchword", "mesh", "first"], &[]),
        ),
        ("volumes of its own", with_volumes(), Injected(alone, &[])),
        (
            "empty lists",
            pods::labelled(json!({"initContainers": [], "volumes": [], "imagePullSecrets": []})),
            Injected(alone, &[]),
        ),
        (
            "a service account",
            pods::labelled(json!({"serviceAccountName": "clerk"})),
            Injected(alone, &[]),
        ),
        (
            "no token",
            pods::labelled(json!({"automountServiceAccountToken": false})),
            Injected(alone, &[]),
        ),
        (
            "pull secrets of its own",
            pods::labelled(json!({"imagePullSecrets": [{"name": "own"}]})),
            Injected(alone, &[]),
        ),
        (
            "a user namespace",
            pods::labelled(json!({"hostUsers": false})),
            Injected(alone, &[]),
        ),
    ]
}

fn proxies() -> Vec<Kind> {
    let alone: &[&str] = &["watchword"];
    vec![
        (
            "a proxy called envoy",
            pods::labelled(
                json!({"containers": [pods::container("app"), pods::container("envoy")]}),
            ),
            Injected(alone, &["envoy"]),
        ),
        (
            "a proxy called istio-proxy",
            pods::labelled(
                json!({"containers": [pods::container("istio-proxy"), pods::container("app")]}),
            ),
            Injected(alone, &["istio-proxy"]),
        ),
        (
            "a proxy that is a native sidecar, and another",
            pods::labelled(json!({
                "initContainers": [native("istio-proxy")],
                "containers": [pods::container("app"), pods::container("envoy")],
            })),
            Injected(&["watchword", "istio-proxy"], &["envoy", "istio-proxy"]),
        ),
        (
            "a proxy with mounts",
            proxy_with_mounts(),
            Injected(alone, &["envoy"]),
        ),
    ]
}

/// Those that Pod Security's `restricted` refuses anyway.
pub(super) fn privileged() -> Vec<Kind> {
    let host = json!({"hostNetwork": true});
    let alone: &[&str] = &["watchword"];
    vec![
        (
            "the host's network",
            pods::labelled(host.clone()),
            Injected(alone, &[]),
        ),
        (
            "the host's network, unlabelled",
            unlabelled(pods::labelled(host)),
            Untouched,
        ),
        ("the mirror of a static pod", mirror(), Untouched),
        (
            "no security context",
            pods::labelled(
                json!({"containers": [{"name": "envoy", "image": "registry.example/envoy:1"}]}),
            ),
            Injected(alone, &["envoy"]),
        ),
    ]
}

pub(super) fn unlabelled(mut pod: Value) -> Value {
    pod["metadata"]["labels"] = json!({"app": "orders"});
    pod
}

fn labelled(value: &str) -> Value {
    let mut pod = pods::labelled(json!({}));
    pod["metadata"]["labels"][pods::LABEL] = json!(value);
    pod
}

fn generated() -> Value {
    let mut pod = pods::labelled(json!({}));
    pod["metadata"] = json!({"generateName": "orders-", "labels": {pods::LABEL: "enabled"}});
    pod
}

fn annotated() -> Value {
    let mut pod = pods::labelled(json!({}));
    pod["metadata"]["annotations"] = json!({"example.com/note": "\"a\"\nb"});
    pod
}

/// A mirror pod as a kubelet creates it, which must not be changed.
fn mirror() -> Value {
    let mut pod = pods::labelled(json!({"nodeName": "a", "automountServiceAccountToken": false}));
    pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "a"});
    pod
}

fn native(name: &str) -> Value {
    let mut container = pods::container(name);
    container["restartPolicy"] = json!("Always");
    container
}

fn with_volumes() -> Value {
    let mut app = pods::container("app");
    app["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    pods::labelled(json!({"containers": [app], "volumes": [{"name": "data", "emptyDir": {}}]}))
}

fn proxy_with_mounts() -> Value {
    let mut proxy = pods::container("envoy");
    proxy["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    pods::labelled(json!({"containers": [proxy], "volumes": [{"name": "data", "emptyDir": {}}]}))
}

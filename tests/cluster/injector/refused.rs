//! Pods that take the sidecar's names are refused, and their neighbours are not.

use serde_json::{Value, json};

use super::install::Injector;
use super::kinds::example;
use super::look_alikes;
use crate::pods;

/// A row: its name, the pod, and what the refusal says, if it is one.
pub(super) type Case = (&'static str, Value, Option<&'static str>);

#[test]
fn pods_that_take_the_sidecars_names_are_refused() {
    let Some(injector) = example() else {
        return;
    };
    let problems = cases(injector)
        .into_iter()
        .filter_map(|(name, pod, refusal)| {
            let answer = injector.try_out(&injector.pods, &pod);
            let is_right = match refusal {
                None => answer.success && answer.stderr.is_empty(),
                Some(text) => !answer.success && answer.stderr.contains(text),
            };
            (!is_right).then(|| format!("{name}: expected {refusal:?}; {answer}"))
        });
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

fn cases(injector: &Injector) -> Vec<Case> {
    [
        names(injector),
        look_alikes::cases(injector),
        volumes(injector),
        mounts(),
        places(),
    ]
    .concat()
}

fn names(injector: &Injector) -> Vec<Case> {
    let ours = &injector.templates.container;
    let mut other_image = ours.clone();
    other_image["image"] = json!("registry.example/other:1");
    let mut command = ours.clone();
    command["command"] = json!(["/bin/sh"]);
    let mut once = ours.clone();
    once.as_object_mut().unwrap().remove("restartPolicy");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        once.as_object_mut().unwrap().remove(probe);
    }
    let volumes = json!(injector.templates.volumes);
    // A container that is not the sidecar gets no volumes.
    let init = |container: &Value| {
        pods::labelled(json!({"initContainers": [container], "volumes": volumes}))
    };
    let complete = pods::labelled(json!({"initContainers": [ours], "volumes": volumes}));
    let mut unlabelled = pods::labelled(json!({"containers": [pods::container("watchword")]}));
    unlabelled["metadata"]["labels"] = json!({});
    vec![
        (
            "a container called watchword",
            pods::labelled(json!({"containers": [pods::container("watchword")]})),
            Some("the name \"watchword\" belongs to the sidecar"),
        ),
        ("the same without the label", unlabelled, None),
        (
            "a container called watchword-2",
            pods::labelled(json!({"containers": [pods::container("watchword-2")]})),
            None,
        ),
        ("the sidecar is there already", complete, None),
        (
            "another image",
            init(&other_image),
            Some("is not the sidecar of this release"),
        ),
        (
            "another command",
            init(&command),
            Some("is not the sidecar of this release"),
        ),
        (
            "not for long",
            init(&once),
            Some("is not the sidecar of this release"),
        ),
    ]
}

fn volumes(injector: &Injector) -> Vec<Case> {
    let with = |volume: Value| pods::labelled(json!({"volumes": [volume]}));
    let templates = injector.templates.volumes.iter();
    let mut config = templates
        .clone()
        .filter(|volume| volume["name"] == "watchword-config");
    let config = config.next().expect("the volume of the configuration");
    vec![
        (
            "another source of the configuration",
            with(json!({"name": "watchword-config", "emptyDir": {}})),
            Some("the volume \"watchword-config\" belongs to the sidecar"),
        ),
        (
            "another ConfigMap",
            with(json!({"name": "watchword-config", "configMap": {"name": "own"}})),
            Some("the volume \"watchword-config\" belongs to the sidecar"),
        ),
        ("the release's ConfigMap", with(config.clone()), None),
        (
            "another key of it",
            with(with_item(config)),
            Some("the volume \"watchword-config\" belongs to the sidecar"),
        ),
        (
            "another source of the socket",
            with(json!({"name": "watchword-socket", "configMap": {"name": "own"}})),
            Some("the volume \"watchword-socket\" belongs to the sidecar"),
        ),
        (
            "the same source",
            with(json!({"name": "watchword-socket", "emptyDir": {}})),
            None,
        ),
        (
            "another name",
            with(json!({"name": "config", "configMap": {"name": "own"}})),
            None,
        ),
    ]
}

fn with_item(config: &Value) -> Value {
    let mut config = config.clone();
    config["configMap"]["items"] = json!([{"key": "other", "path": "watchword.yaml"}]);
    config
}

/// Proxies with a volume of their own, beside the socket.
fn places() -> Vec<Case> {
    let at = |path: &str| {
        let mount = json!({"name": "mine", "mountPath": path});
        let proxy = pods::container_with("envoy", &json!({"volumeMounts": [mount]}));
        let mine = json!([{"name": "mine", "emptyDir": {}}]);
        pods::labelled(json!({"containers": [proxy], "volumes": mine}))
    };
    let decoy = {
        let mounts = json!([
            {"name": "watchword-socket", "mountPath": "/else", "readOnly": true},
            {"name": "mine", "mountPath": "/run/watchword"},
        ]);
        let proxy = pods::container_with("envoy", &json!({"volumeMounts": mounts}));
        let volumes =
            json!([{"name": "mine", "emptyDir": {}}, {"name": "watchword-socket", "emptyDir": {}}]);
        pods::labelled(json!({"containers": [proxy], "volumes": volumes}))
    };
    let below = Some("mounts something at or below /run/watchword");
    vec![
        ("elsewhere", at("/etc/envoy"), None),
        ("with a like name", at("/run/watchwords"), None),
        ("above", at("/run"), None),
        (
            "the socket elsewhere, and another in its place",
            decoy,
            below,
        ),
        (
            "over the socket itself",
            at("/run/watchword/grpc.sock"),
            below,
        ),
        ("by another name", at("/var/run/watchword/grpc.sock"), below),
        ("from the root on", at("run/watchword"), below),
        ("by a dot", at("/run/./watchword"), below),
        ("by two dots", at("/run/x/../watchword"), below),
    ]
}

fn mounts() -> Vec<Case> {
    let with = |name: &str, mount: Value| {
        let mut container = pods::container(name);
        container["volumeMounts"] = json!([mount]);
        pods::labelled(json!({
            "containers": [container],
            "volumes": [{"name": "watchword-socket", "emptyDir": {}}],
        }))
    };
    let socket = |more: Value| {
        let mut mount = json!({"name": "watchword-socket", "mountPath": "/socket"});
        mount
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        mount
    };
    let refusal = Some("may mount \"watchword-socket\", and only with readOnly");
    vec![
        (
            "a proxy mounts the socket",
            with("envoy", socket(json!({"readOnly": true}))),
            None,
        ),
        (
            "with the right to write",
            with("envoy", socket(json!({}))),
            refusal,
        ),
        (
            "another container",
            with("app", socket(json!({"readOnly": true}))),
            refusal,
        ),
        (
            "the configuration",
            with(
                "app",
                json!({"name": "watchword-config", "mountPath": "/a"}),
            ),
            Some("only the sidecar may mount"),
        ),
        (
            "another container that writes",
            with("app", socket(json!({}))),
            refusal,
        ),
    ]
}

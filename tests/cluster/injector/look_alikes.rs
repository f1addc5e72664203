//! The sidecar as the policy adds it, brought by the pod's author with one thing more, or another.

use serde_json::{Value, json};

use super::install::Injector;
use super::refused::Case;
use crate::pods;

/// A name and the change of the container.
type Change = (&'static str, fn(&mut Value));

const CHANGES: [Change; 8] = [
    ("another configuration over it", |container| {
        let file = "/etc/watchword/config/watchword.yaml";
        mount(
            container,
            &json!({"name": "mine", "mountPath": file, "subPath": "a"}),
        );
    }),
    ("another program over it", |container| {
        mount(
            container,
            &json!({"name": "mine", "mountPath": "/watchword", "subPath": "a"}),
        );
    }),
    ("other authorities", |container| {
        container["env"] = json!([{"name": "SSL_CERT_FILE", "value": "/mine"}]);
    }),
    ("an environment", |container| {
        container["envFrom"] = json!([{"configMapRef": {"name": "mine"}}]);
    }),
    ("a command after the start", |container| {
        container["lifecycle"] = json!({"postStart": {"exec": {"command": ["/mine"]}}});
    }),
    ("another folder", |container| {
        container["workingDir"] = json!("/mine");
    }),
    ("a part of a volume", |container| {
        container["volumeMounts"][0]["subPath"] = json!("mine");
    }),
    ("no socket", |container| {
        let mounts = container["volumeMounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["name"] != "watchword-socket");
    }),
];

fn mount(container: &mut Value, mount: &Value) {
    let mounts = container["volumeMounts"].as_array_mut();
    mounts.unwrap().push(mount.clone());
}

/// Identity webhooks of clouds do it to every container.
fn add_as_a_webhook(container: &mut Value) {
    container["env"] = json!([{"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::1:role/a"}]);
    container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 1}}});
    let path = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
    mount(
        container,
        &json!({"name": "mine", "mountPath": path, "readOnly": true}),
    );
}

pub(super) fn cases(injector: &Injector) -> Vec<Case> {
    let templates = &injector.templates;
    let mine = json!({"name": "mine", "configMap": {"name": "mine"}});
    let volumes = [templates.volumes.clone(), vec![mine]].concat();
    let pod = |change: fn(&mut Value)| {
        let mut container = templates.container.clone();
        change(&mut container);
        pods::labelled(json!({"initContainers": [container], "volumes": volumes}))
    };
    let refusal = Some("is not the sidecar of this release");
    let changed = CHANGES.map(|(name, change)| (name, pod(change), refusal));
    let unchanged: Case = ("the sidecar as it is", pod(|_| ()), None);
    let by_a_webhook: Case = ("with a webhook's additions", pod(add_as_a_webhook), None);
    [vec![unchanged, by_a_webhook], changed.to_vec()].concat()
}

//! An installed injector, with namespaces where it works and one where it does not.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use watchword::clock::Stopwatch;

use super::parts::Parts;
use crate::cluster::Cluster;
use crate::command::Answer;
use crate::namespace::Namespace;
use crate::release::Release;

const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);

/// The label of pods that get a sidecar.
pub(super) const LABEL: &str = "watchword/inject";

/// Whether an answer is one of a policy that is in force.
type Check = fn(&Answer) -> bool;

#[derive(Debug)]
pub(super) struct Injector {
    pub(super) cluster: &'static Cluster,
    /// Where pods with the label get a sidecar.
    pub(super) pods: Namespace,
    /// The same, but Pod Security allows everything.
    pub(super) privileged: Namespace,
    /// Where none do. Everything is allowed.
    pub(super) elsewhere: Namespace,
    pub(super) parts: Parts,
}

impl Injector {
    /// Installs the chart with this YAML as values, and waits until its policies are in force.
    #[track_caller]
    pub(super) fn install(cluster: &'static Cluster, name: &str, values: &str) -> Self {
        let namespace = |suffix: &str| Namespace::new(cluster, &format!("{name}{suffix}"));
        let home = namespace("");
        let injector = Self {
            cluster,
            parts: Parts::render(cluster, name, &home, values),
            pods: namespace("-pods"),
            privileged: namespace("-privileged"),
            elsewhere: namespace("-elsewhere"),
        };
        injector.privileged.allow_everything(cluster);
        injector.elsewhere.allow_everything(cluster);
        let file = cluster.folder.join(format!("{name}-values.yaml"));
        fs::write(&file, values).unwrap();
        let namespaces = [&injector.pods.name, &injector.privileged.name].map(String::as_str);
        let namespaces = namespaces.join(",");
        let release = Release::new(
            cluster,
            name,
            &home,
            &[
                &format!("--values={}", file.display()),
                &format!("--set=sidecar.injector.namespaces={{{namespaces}}}"),
            ],
        );
        release.install(&[]);
        injector.wait_until_in_force();
        injector
    }

    /// Makes a pod in a namespace, or tries to. Nothing is stored.
    pub(super) fn try_out(&self, namespace: &Namespace, pod: &Value) -> Answer {
        namespace.try_out(self.cluster, pod)
    }

    /// The API server reads new policies some time after they are made: the one that changes pods,
    /// and the one that refuses them.
    fn wait_until_in_force(&self) {
        let waiting = Stopwatch::start();
        let (plain, taken) = (pod(json!({})), named_as_the_sidecar());
        let checks: [(&Namespace, &Value, Check); 3] = [
            (&self.pods, &plain, has_sidecar),
            (&self.privileged, &plain, has_sidecar),
            (&self.pods, &taken, is_refused),
        ];
        for (namespace, pod, is_in_force) in checks {
            loop {
                let answer = self.try_out(namespace, pod);
                if is_in_force(&answer) {
                    break;
                }
                assert!(
                    waiting.elapsed() < PATIENCE,
                    "not in force after {PATIENCE:?}: {answer}"
                );
                thread::sleep(POLL);
            }
        }
    }
}

/// A pod with the label, which `restricted` allows. Its spec has these fields too, or instead.
pub(super) fn pod(spec: Value) -> Value {
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

/// A container that `restricted` allows.
pub(super) fn container(name: &str) -> Value {
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

fn named_as_the_sidecar() -> Value {
    pod(json!({"containers": [container("watchword")]}))
}

fn has_sidecar(answer: &Answer) -> bool {
    answer.success && answer.json()["spec"]["initContainers"][0]["name"] == "watchword"
}

fn is_refused(answer: &Answer) -> bool {
    !answer.success && answer.stderr.contains("ValidatingAdmissionPolicy")
}

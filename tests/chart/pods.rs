//! The pods of a rendering, wherever they are.

use serde_json::Value;
use watchword_test_support::helm::{Release, Rendered};

use crate::cases;

/// A pod, or the template of one.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    /// The object that has the pod, for messages.
    pub(crate) title: String,
    pub(crate) labels: Value,
    pub(crate) spec: Value,
}

impl Pod {
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Value> {
        items(&self.spec["containers"]).chain(items(&self.spec["initContainers"]))
    }

    /// Watchword's own.
    pub(crate) fn watchword(&self) -> Option<&Value> {
        self.containers()
            .find(|container| container["name"] == "watchword")
    }

    /// Returns true if a container has a port of this name or number.
    pub(crate) fn has_port(&self, port: &Value) -> bool {
        self.containers()
            .flat_map(|container| items(&container["ports"]))
            .any(|open| open["name"] == *port || open["containerPort"] == *port)
    }
}

pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(crate) fn of(name: &str, rendered: &Rendered) -> Vec<Pod> {
    let pod = |document: &watchword_test_support::helm::Document| {
        let pod = match document.kind() {
            "Pod" => &document.value,
            "Deployment" | "DaemonSet" | "StatefulSet" | "Job" => {
                &document.value["spec"]["template"]
            }
            "PodTemplate" => &document.value["template"],
            _ => return None,
        };
        Some(Pod {
            title: format!("{name}: {}", document.title()),
            labels: pod["metadata"]["labels"].clone(),
            spec: pod["spec"].clone(),
        })
    };
    rendered.documents.iter().filter_map(pod).collect()
}

/// Those of all examples, and the pod of `examples/kubernetes/sidecar`, where Watchword is beside
/// Envoy.
pub(crate) fn all() -> Vec<Pod> {
    let examples = cases::all().iter();
    let mut pods: Vec<Pod> = examples
        .flat_map(|(name, rendered)| of(name, rendered))
        .collect();
    for listen in ["unix", "loopback"] {
        let rendered = cases::beside_envoy(listen, Release::default());
        pods.extend(of(&format!("sidecar on {listen}"), &rendered));
    }
    pods
}

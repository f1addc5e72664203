//! Compares a pod that the injector changed with its expected form.

use serde_json::{Value, json};

use super::install::Injector;
use super::templates::SidecarTemplates;
use crate::command::Answer;
use crate::namespace::Namespace;

impl Injector {
    /// Creates the pod in this namespace, and its expected form in one without the injector.
    ///
    /// `init` names the expected init containers, in their order, and `sockets` the containers that
    /// get the socket.
    ///
    /// # Errors
    /// The API server refuses the pod, or the two differ.
    pub(super) fn adds_sidecar(
        &self,
        namespace: &Namespace,
        pod: &Value,
        init: &[&str],
        sockets: &[&str],
    ) -> Result<(), String> {
        let expected = with_sidecar(pod, &self.templates, init, sockets);
        self.makes(namespace, pod, &expected)
    }

    /// The same for a pod to which another policy adds the rest of `complete`.
    pub(super) fn adds_sidecar_to(
        &self,
        pod: &Value,
        complete: &Value,
        init: &[&str],
        sockets: &[&str],
    ) -> Result<(), String> {
        let expected = with_sidecar(complete, &self.templates, init, sockets);
        self.makes(&self.pods, pod, &expected)
    }

    /// The same for a pod that the injector leaves unchanged.
    pub(super) fn leaves_unchanged(
        &self,
        namespace: &Namespace,
        pod: &Value,
    ) -> Result<(), String> {
        self.makes(namespace, pod, pod)
    }

    fn makes(&self, namespace: &Namespace, pod: &Value, expected: &Value) -> Result<(), String> {
        let made = self.try_out(namespace, pod);
        let expected = self.try_out(&self.elsewhere, expected).succeeded().json();
        compare(&made, &expected)
    }
}

fn compare(made: &Answer, expected: &Value) -> Result<(), String> {
    if !made.success {
        return Err(made.to_string());
    }
    let (made, expected) = (comparable(made.json()), comparable(expected.clone()));
    if made == expected {
        return Ok(());
    }
    Err(format!("found\n{made:#}\nexpected\n{expected:#}"))
}

fn with_sidecar(
    pod: &Value,
    templates: &SidecarTemplates,
    init: &[&str],
    sockets: &[&str],
) -> Value {
    let mut pod = pod.clone();
    let spec = &mut pod["spec"];
    let own = list(&spec["initContainers"]);
    let init = init.iter().map(|name| {
        let of_pod = own.iter().find(|container| container["name"] == **name);
        of_pod.unwrap_or(&templates.container).clone()
    });
    spec["initContainers"] = init.collect();
    for (field, added) in [
        ("volumes", &templates.volumes),
        ("imagePullSecrets", &templates.pull_secrets),
    ] {
        spec[field] = united(&spec[field], added);
    }
    for field in ["containers", "initContainers"] {
        for container in spec[field].as_array_mut().into_iter().flatten() {
            if sockets.iter().any(|name| container["name"] == *name) {
                container["volumeMounts"] = united(&container["volumeMounts"], &templates.mounts);
            }
        }
    }
    pod
}

/// The old elements, followed by the new ones whose names are not among them.
fn united(old: &Value, new: &[Value]) -> Value {
    let mut elements = list(old);
    for element in new {
        if !elements
            .iter()
            .any(|other| other["name"] == element["name"])
        {
            elements.push(element.clone());
        }
    }
    Value::Array(elements)
}

/// The pod without random fields, and with sorted lists, because the API server's volume for a
/// token changes their order.
fn comparable(mut pod: Value) -> Value {
    let metadata = pod["metadata"].as_object_mut().expect("metadata");
    for field in ["creationTimestamp", "managedFields", "namespace", "uid"] {
        metadata.remove(field);
    }
    if metadata.contains_key("generateName") {
        metadata.remove("name");
    }
    let spec = &mut pod["spec"];
    let token = list(&spec["volumes"]).into_iter().find_map(|volume| {
        let name = volume["name"].as_str()?;
        name.starts_with("kube-api-access-")
            .then(|| name.to_owned())
    });
    if let Some(name) = token {
        let text = spec.to_string().replace(&name, "token");
        *spec = serde_json::from_str(&text).expect("the same with another name");
    }
    sort(&mut spec["volumes"], "name");
    for field in ["containers", "initContainers"] {
        for container in spec[field].as_array_mut().into_iter().flatten() {
            sort(&mut container["volumeMounts"], "mountPath");
        }
    }
    pod
}

fn sort(elements: &mut Value, key: &str) {
    let mut sorted = list(elements);
    sorted.sort_by_key(|element| element[key].to_string());
    *elements = json!(sorted);
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

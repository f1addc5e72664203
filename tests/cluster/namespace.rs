//! Namespaces for tests, with the objects that controllers would create.

use serde_json::{Value, json};

use crate::cluster::Cluster;

/// A namespace that enforces the Pod Security level `restricted`. It stays until the cluster ends:
/// there is no controller that would delete its objects.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// Creates the namespace, with the service account and `ConfigMap` that controllers would add.
    #[track_caller]
    pub(crate) fn new(cluster: &Cluster, name: &str) -> Self {
        let authority = &cluster.control_plane.certificate;
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {
                    "pod-security.kubernetes.io/enforce": "restricted",
                    // Workloads are only warned about; their pods are refused.
                    "pod-security.kubernetes.io/warn": "restricted",
                }},
            },
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": name},
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "kube-root-ca.crt", "namespace": name},
                "data": {"ca.crt": authority},
            },
        ]});
        let create = ["create", "--filename=-"];
        cluster
            .kubectl_with(objects.to_string(), &create)
            .without_warning();
        Self { name: name.into() }
    }

    /// Lets Pod Security allow all pods of this namespace, without a warning.
    #[track_caller]
    pub(crate) fn allow_everything(&self, cluster: &Cluster) {
        let labels =
            ["enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}=privileged"));
        let [enforce, warn] = &labels;
        let label = [
            "label",
            "--overwrite",
            "namespace",
            &self.name,
            enforce,
            warn,
        ];
        cluster.kubectl(&label).without_warning();
    }

    /// Makes a service account for pods that name it.
    #[track_caller]
    pub(crate) fn create_service_account(&self, cluster: &Cluster, name: &str) {
        let namespace = format!("--namespace={}", self.name);
        let create = ["create", "serviceaccount", name, &namespace];
        cluster.kubectl(&create).without_warning();
    }

    /// Makes the object as the API server would, and returns that: with defaults, and changed by
    /// admission. Nothing is stored.
    pub(crate) fn try_out(&self, cluster: &Cluster, object: &Value) -> crate::command::Answer {
        let namespace = format!("--namespace={}", self.name);
        let create = [
            "create",
            &namespace,
            "--dry-run=server",
            "--output=json",
            "--filename=-",
        ];
        cluster.kubectl_with(object.to_string(), &create)
    }
}

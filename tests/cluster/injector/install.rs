//! An installed injector, with namespaces where it works and one where it does not.

use std::fs;

use serde_json::{Value, json};

use super::templates::SidecarTemplates;
use crate::cluster::Cluster;
use crate::command::Answer;
use crate::namespace::Namespace;
use crate::pods;
use crate::release::Release;

#[derive(Debug)]
pub(super) struct Injector {
    pub(super) cluster: &'static Cluster,
    /// The namespace whose labelled pods get a sidecar.
    pub(super) pods: Namespace,
    /// The same, but Pod Security allows everything.
    pub(super) privileged: Namespace,
    /// A namespace without the injector, and without Pod Security.
    pub(super) elsewhere: Namespace,
    pub(super) templates: SidecarTemplates,
}

impl Injector {
    /// Installs the chart with this YAML as values, and waits until its policies are in force.
    #[track_caller]
    pub(super) fn install(cluster: &'static Cluster, name: &str, values: &str) -> Self {
        let namespace = |suffix: &str| Namespace::new(cluster, &format!("{name}{suffix}"));
        let home = namespace("");
        let injector = Self {
            cluster,
            templates: SidecarTemplates::render(cluster, name, &home, values),
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

    /// The one that changes pods, and the one that refuses them.
    fn wait_until_in_force(&self) {
        let pod = pods::labelled(json!({}));
        for namespace in [&self.pods, &self.privileged] {
            pods::until_injected(self.cluster, namespace, &pod);
        }
        let taken = pods::labelled(json!({"containers": [pods::container("watchword")]}));
        pods::until_refused(
            self.cluster,
            &self.pods,
            &taken,
            "ValidatingAdmissionPolicy",
        );
    }
}

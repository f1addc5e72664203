//! A release of the chart: commands of Helm, and its objects in the cluster.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::command::Answer;
use crate::hooks::End;
use crate::namespace::Namespace;
use crate::tools;

/// Options by which a configuration has one issuer.
pub(crate) const ISSUER: &str = concat!(
    "--set-json=config.issuers.corp={\"issuer\":\"https://idp.example.com\",",
    "\"audiences\":[\"orders-api\"],\"jwks\":{\"discovery\":true}}",
);

pub(crate) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/watchword");

#[derive(Clone, Debug)]
pub(crate) struct Release {
    cluster: &'static Cluster,
    chart: String,
    name: String,
    namespace: Namespace,
    /// Options of `helm`.
    values: Vec<String>,
}

/// Each command must succeed without a warning. Hooks succeed.
impl Release {
    /// A release with these options, such as `--values=FILE` and `--set=NAME=VALUE`. Its name is to
    /// be that of no other test, or `left_nothing` finds the other's objects.
    pub(crate) fn new(
        cluster: &'static Cluster,
        name: &str,
        namespace: &Namespace,
        values: &[&str],
    ) -> Self {
        Self {
            cluster,
            chart: CHART.to_owned(),
            name: name.to_owned(),
            namespace: namespace.clone(),
            values: values.iter().map(ToString::to_string).collect(),
        }
    }

    /// The same of another chart: a folder.
    pub(crate) fn of_chart(mut self, folder: &str) -> Self {
        folder.clone_into(&mut self.chart);
        self
    }

    /// The API server accepts all objects, pods too, and an upgrade without a change changes
    /// nothing. Returns the objects.
    #[track_caller]
    pub(crate) fn settles(&self) -> Vec<Value> {
        self.is_accepted_by_server_side_apply();
        self.install(&[]);
        let installed = self.objects();
        self.pods_are_accepted();
        self.upgrade(&[]);
        assert_same(&installed, &self.objects(), "an upgrade without a change");
        installed
    }

    /// After the removal of the release, none of its objects exists.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self) {
        let manifest = self.manifest();
        self.uninstall();
        self.left_nothing(&manifest);
    }

    /// With more options for this command.
    #[track_caller]
    pub(crate) fn install(&self, more: &[&str]) {
        self.change("install", more);
    }

    /// With more options for this command.
    #[track_caller]
    pub(crate) fn upgrade(&self, more: &[&str]) {
        self.change("upgrade", more);
    }

    #[track_caller]
    pub(crate) fn rollback(&self, revision: &str) {
        self.succeed(&["rollback", &self.name, revision]);
    }

    #[track_caller]
    fn uninstall(&self) {
        self.succeed(&["uninstall", &self.name]);
    }

    /// As `helm template` renders it for this cluster, with hooks.
    #[track_caller]
    pub(crate) fn rendered(&self) -> String {
        let version = format!("--kube-version=v{}", tools::KUBERNETES.version());
        let namespace = format!("--namespace={}", self.namespace.name);
        let arguments = ["template", &self.name, &self.chart, &version, &namespace];
        let values = self.values.iter().map(String::as_str);
        let arguments: Vec<&str> = arguments.into_iter().chain(values).collect();
        self.cluster.helm(&arguments).without_warning().stdout
    }

    /// As Helm stored it, without hooks.
    #[track_caller]
    pub(crate) fn manifest(&self) -> String {
        let namespace = format!("--namespace={}", self.namespace.name);
        let get = ["get", "manifest", &self.name, &namespace];
        self.cluster.helm(&get).without_warning().stdout
    }

    /// The objects of the manifest as they are in the cluster, without what every change changes.
    /// Compares the identifiers too, which change if an object is created again.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let get = ["get", "--output=json", "--filename=-"];
        let answer = self.cluster.kubectl_with(self.manifest(), &get);
        let mut objects = answer.without_warning().objects();
        objects.iter_mut().for_each(remove_counters);
        objects
    }

    #[track_caller]
    fn is_accepted_by_server_side_apply(&self) {
        let strict = ["--server-side", "--validate=strict", "--dry-run=server"];
        let apply = [&["apply", "--filename=-"], &strict[..]].concat();
        let answer = self.cluster.kubectl_with(self.rendered(), &apply);
        answer.without_warning();
    }

    /// Pods of the release's workloads and hooks are accepted. Nothing makes them here, and Pod
    /// Security refuses pods, not workloads.
    #[track_caller]
    fn pods_are_accepted(&self) {
        let convert = [
            "create",
            "--dry-run=client",
            "--output=json",
            "--filename=-",
        ];
        let rendered = self.cluster.kubectl_with(self.rendered(), &convert);
        for object in rendered.without_warning().objects() {
            let mut pod = object["spec"]["template"].clone();
            if !pod["spec"]["containers"].is_array() {
                continue;
            }
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["generateName"] = json!("made-");
            // Values may choose another namespace than the release's.
            let namespace = object["metadata"]["namespace"]
                .as_str()
                .expect("a namespace");
            let namespace = Namespace {
                name: namespace.to_owned(),
            };
            namespace.try_out(self.cluster, &pod).without_warning();
        }
    }

    /// The cluster has what the manifest says.
    #[track_caller]
    pub(crate) fn has_no_drift(&self) {
        // A zero value that Helm owns is no value to the API server: a conflict without a change.
        let diff = ["diff", "--server-side", "--force-conflicts", "--filename=-"];
        let answer = self.cluster.kubectl_with(self.manifest(), &diff);
        assert_eq!(answer.without_warning().stdout, "");
    }

    /// No object of the manifest exists, no hook, and no record of Helm's.
    #[track_caller]
    fn left_nothing(&self, manifest: &str) {
        let get = ["get", "--ignore-not-found", "--output=name", "--filename=-"];
        let answer = self.cluster.kubectl_with(manifest, &get);
        assert_eq!(answer.without_warning().stdout, "", "left behind");
        let kinds = built_in_kinds(self.cluster);
        // Hooks have the first label, and Helm's own records the second.
        for (kinds, owner) in [(kinds, "app.kubernetes.io/instance"), ("secrets", "name")] {
            let label = format!("--selector={owner}={}", self.name);
            let get = ["get", kinds, "--all-namespaces", &label, "--output=name"];
            let answer = self.cluster.kubectl(&get);
            assert_eq!(answer.without_warning().stdout, "", "left behind");
        }
    }

    #[track_caller]
    fn change(&self, command: &str, more: &[&str]) {
        let values = self.values.iter().map(String::as_str);
        let arguments = [command, &self.name, &self.chart].into_iter();
        let arguments: Vec<&str> = arguments
            .chain(values)
            .chain(more.iter().copied())
            .collect();
        let answer = self.succeed(&arguments);
        assert!(answer.stdout.contains("STATUS: deployed"), "{answer}");
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> Answer {
        let namespace = &self.namespace.name;
        let (answer, _) = self
            .cluster
            .helm_with_hooks(namespace, End::Success, arguments);
        answer.without_warning()
    }
}

#[track_caller]
pub(crate) fn assert_same(before: &[Value], after: &[Value], what: &str) {
    assert_eq!(before.len(), after.len(), "{what} made or removed objects");
    for (before, after) in before.iter().zip(after) {
        assert!(before == after, "{what} changed\n{before:#}\nto\n{after:#}");
    }
}

fn remove_counters(object: &mut Value) {
    let object = object.as_object_mut().expect("an object");
    object.remove("status");
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    for field in ["generation", "managedFields", "resourceVersion"] {
        metadata.remove(field);
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove("deprecated.daemonset.template.generation");
    }
}

/// Of kinds that can be deleted, all but custom ones, as `kubectl get` takes them. To list custom
/// ones would take the API server half a minute at first.
fn built_in_kinds(cluster: &Cluster) -> &'static str {
    static KINDS: Mutex<Option<&'static str>> = Mutex::new(None);
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    kinds.get_or_insert_with(|| {
        let resources = ["api-resources", "--verbs=list,delete", "--output=name"];
        let resources = cluster.kubectl(&resources).without_warning().stdout;
        let definitions = ["get", "customresourcedefinitions", "--output=name"];
        let custom = cluster.kubectl(&definitions).without_warning().stdout;
        let is_custom = |name: &str| {
            custom
                .lines()
                .any(|line| line.ends_with(&format!("/{name}")))
        };
        let kinds = resources.lines().filter(|name| {
            // Deprecated with a warning; EndpointSlices replace them.
            *name != "endpoints" && !is_custom(name)
        });
        kinds.collect::<Vec<_>>().join(",").leak()
    })
}

//! The policy adds the same containers and volumes that the chart's named templates render for
//! charts that depend on this one.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::release::CHART;

const PARENT: &str = "{apiVersion: v2, name: parent, version: 0.1.0}";
const TEMPLATE: &str = r#"
{{- $chart := .Subcharts.watchword }}
apiVersion: v1
kind: ConfigMap
metadata: {name: parts}
data:
{{- range $name := list "sidecar.volumes" "sidecar.proxyVolumeMounts" "imagePullSecrets" }}
  {{ $name }}: {{ include (printf "watchword.%s" $name) $chart | fromYamlArray | toJson | quote }}
{{- end }}
  container: {{ include "watchword.sidecar.container" $chart | fromYaml | toJson | quote }}
"#;

#[derive(Clone, Debug)]
pub(super) struct SidecarTemplates {
    pub(super) container: Value,
    pub(super) volumes: Vec<Value>,
    /// Of proxies.
    pub(super) mounts: Vec<Value>,
    pub(super) pull_secrets: Vec<Value>,
}

impl SidecarTemplates {
    /// For a release of this name, with this YAML as values.
    pub(super) fn render(
        cluster: &Cluster,
        release: &str,
        namespace: &Namespace,
        values: &str,
    ) -> Self {
        let parent = cluster.folder.join(format!("parent-of-{}", namespace.name));
        for folder in ["charts", "templates"] {
            fs::create_dir_all(parent.join(folder)).unwrap();
        }
        fs::write(parent.join("Chart.yaml"), PARENT).unwrap();
        fs::write(parent.join("templates/parts.yaml"), TEMPLATE).unwrap();
        fs::write(parent.join("values.yaml"), below("watchword", values)).unwrap();
        let copied = Command::new("cp")
            .args(["-r", CHART])
            .arg(parent.join("charts"))
            .status();
        assert!(copied.unwrap().success(), "cannot copy the chart");

        let namespace = format!("--namespace={}", namespace.name);
        let version = format!("--kube-version=v{}", crate::tools::KUBERNETES.version());
        let only = "--show-only=templates/parts.yaml";
        let parent = parent.to_str().expect("a path in UTF-8");
        let template = ["template", release, parent, &namespace, &version, only];
        let rendered = cluster.helm(&template).without_warning().stdout;
        let convert = [
            "create",
            "--dry-run=client",
            "--output=json",
            "--filename=-",
        ];
        let map = cluster
            .kubectl_with(rendered, &convert)
            .without_warning()
            .json();
        let part = |name: &str| -> Value {
            let text = map["data"][name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {map}"));
            serde_json::from_str(text).unwrap()
        };
        let list = |name: &str| part(name).as_array().cloned().unwrap_or_default();
        Self {
            container: part("container"),
            volumes: list("sidecar.volumes"),
            mounts: list("sidecar.proxyVolumeMounts"),
            pull_secrets: list("imagePullSecrets"),
        }
    }
}

/// The YAML as the value of a key.
fn below(key: &str, yaml: &str) -> String {
    let lines = yaml.lines().map(|line| format!("  {line}\n"));
    format!("{key}:\n{}", lines.collect::<String>())
}

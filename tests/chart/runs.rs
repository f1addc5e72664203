//! The rendered pods run, in each mode. The configuration is good, and the container's command line
//! starts the real binary with the files of its mounts. The probes report when it is live and when
//! it has keys. It reloads a changed `ConfigMap`, and stops in time.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use watchword_test_support::free_ports;
use watchword_test_support::helm::{Chart, Release, Rendered};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki::{self, Identity};

use crate::pod::{BINARY, Files, Objects, Pod};

watchword_test_support::tests![
    rendered_configuration_with_a_problem_is_refused,
    ; async
    deployment_runs,
    daemonset_runs,
    deployment_with_tls_runs_and_its_probes_need_none,
    daemonset_with_mutual_tls_runs_and_its_probes_need_none,
    sidecar_behind_a_socket_runs,
    sidecar_on_loopback_runs,
    every_mount_is_where_the_configuration_says,
    port_of_grpc_speaks_tls_where_it_is_on_and_only_there,
];

/// A chart with values, and where its pod is.
struct Case {
    chart: Chart,
    values: Value,
    /// Of this chart within that one.
    below: Option<&'static str>,
    kind: &'static str,
    secrets: BTreeMap<&'static str, Files>,
    grpc: u16,
}

impl Case {
    /// The chart itself, in this mode.
    fn workload(mode: &str, kind: &'static str) -> Self {
        let [grpc, health, admin] = free_ports();
        Self {
            chart: Chart::watchword(),
            values: json!({
                "mode": mode, "listenAddress": "127.0.0.1",
                "ports": {"grpc": grpc, "health": health, "admin": admin},
            }),
            below: None,
            kind,
            secrets: BTreeMap::new(),
            grpc,
        }
    }

    /// The chart of `examples/kubernetes/sidecar`, which depends on it. `name` is of its copy.
    fn sidecar(listen: &str, name: &str) -> Self {
        let [grpc, _, admin] = free_ports();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes/sidecar");
        let ports = json!({"grpc": grpc, "admin": admin});
        Self {
            chart: Chart::at(example).with_dependencies(name).unwrap(),
            values: json!({
                "listenAddress": "127.0.0.1",
                "ports": ports,
                "sidecar": {"listen": listen},
            }),
            below: Some("watchword"),
            kind: "Deployment",
            secrets: BTreeMap::new(),
            grpc,
        }
    }

    /// With TLS from a Secret.
    fn with_tls(mut self, more: &Value) -> Self {
        let (certificate, key) = Identity::server().pem_files("chart");
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let files = [
            ("tls.crt", read(&certificate)),
            ("tls.key", read(&key)),
            ("ca.crt", read(pki::ca_file())),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text));
        self.secrets.insert("certificate", Files::from(files));
        self.values["tls"] = more.clone();
        self.values["tls"]["enabled"] = json!(true);
        self.values["tls"]["existingSecret"] = json!("certificate");
        self
    }

    /// Rendered with an issuer that gets its keys like this.
    fn render(&self, jwks: &Value) -> Rendered {
        let mut values = self.values.clone();
        values["config"] = json!({
            "server": {"drain": "100ms"},
            "reload": {"interval": "100ms"},
            "issuers": {
                "corp": {
                    "issuer": "https://idp.example.com",
                    "audiences": ["orders-api"],
                    "jwks": jwks,
                },
            },
        });
        if let Some(below) = self.below {
            // The example has a source of its own, which would be merged.
            values["config"]["issuers"]["corp"]["jwks"]["discovery"] = Value::Null;
            values = json!({below: values});
        }
        self.chart.render_for(release(), &values).unwrap()
    }

    fn pod(&self, rendered: &Rendered) -> Pod {
        let workload = match self.below {
            None => rendered.get(self.kind, "orders-watchword"),
            Some(_) => rendered.get(self.kind, "orders"),
        };
        Pod::new(
            &workload["spec"]["template"]["spec"],
            &self.objects(rendered),
        )
    }

    fn objects<'a>(&'a self, rendered: &'a Rendered) -> Objects<'a> {
        Objects {
            rendered,
            secrets: &self.secrets,
        }
    }

    /// From a start without keys to the end.
    async fn runs(&self, source: &Value) {
        let without = self.render(&keyless());
        let mut pod = self.pod(&without);
        accepted(&check_config(&pod.configuration()));
        pod.start();
        pod.passes("startup").await;
        assert!(!pod.probe("readiness").await, "ready without keys");
        assert!(pod.probe("liveness").await, "{}", pod.log());

        let with = self.render(source);
        pod.mount(&self.objects(&with));
        accepted(&check_config(&pod.configuration()));
        pod.passes("readiness").await;
        assert!(pod.probe("liveness").await, "{}", pod.log());
        assert!(pod.probe("startup").await, "{}", pod.log());

        let status = pod.stop().await;
        assert_eq!(status.code(), Some(0), "{}", pod.log());
        for probe in ["startup", "readiness", "liveness"] {
            assert!(!pod.probe(probe).await, "{probe} passes after the end");
        }
    }
}

async fn deployment_runs() {
    let case = Case::workload("deployment", "Deployment");
    case.runs(&keys()).await;
}

async fn daemonset_runs() {
    let case = Case::workload("daemonset", "DaemonSet");
    case.runs(&keys()).await;
}

async fn deployment_with_tls_runs_and_its_probes_need_none() {
    let case = Case::workload("deployment", "Deployment").with_tls(&json!({}));
    case.runs(&keys()).await;
}

async fn daemonset_with_mutual_tls_runs_and_its_probes_need_none() {
    let client = json!({"client": {"certificate": "required"}});
    let case = Case::workload("daemonset", "DaemonSet").with_tls(&client);
    case.runs(&keys()).await;
}

async fn sidecar_behind_a_socket_runs() {
    let case = Case::sidecar("unix", "runs-unix");
    case.runs(&keys()).await;
}

async fn sidecar_on_loopback_runs() {
    let case = Case::sidecar("loopback", "runs-loopback");
    case.runs(&keys()).await;
}

async fn every_mount_is_where_the_configuration_says() {
    for mut case in [
        Case::workload("deployment", "Deployment"),
        Case::sidecar("unix", "runs-mounts"),
    ] {
        let set = json!([("jwks.json".to_owned(), key_set())]);
        let set: Vec<(String, String)> = serde_json::from_value(set).unwrap();
        case.secrets.insert("idp", set.into_iter().collect());
        let ca = fs::read_to_string(pki::ca_file()).unwrap();
        let bundle = [("bundle.pem".to_owned(), ca)];
        case.secrets.insert("authorities", Files::from(bundle));
        case.values["secretFiles"] = json!([{"secret": "idp", "name": "keys"}]);
        case.values["caBundle"] = json!({"secret": "authorities", "key": "bundle.pem"});
        case.values["state"] = json!({"enabled": true});
        case.values["sidecar"]["admin"] = json!({"enabled": true});
        case.runs(&json!({"file": "/etc/watchword/secrets/keys/jwks.json"}))
            .await;
    }
}

async fn port_of_grpc_speaks_tls_where_it_is_on_and_only_there() {
    let ca = pki::ca_file().to_str().unwrap();
    for tls in [true, false] {
        let case = Case::workload("deployment", "Deployment");
        let case = if tls { case.with_tls(&json!({})) } else { case };
        let rendered = case.render(&keys());
        let mut pod = case.pod(&rendered);
        pod.start();
        pod.passes("readiness").await;
        let address = format!("localhost:{}", case.grpc);
        let asked = |more: &[&str]| {
            let mut command = Command::new(BINARY);
            command.args(["health", &address]).args(more);
            command.output().unwrap().status.success()
        };
        assert_eq!((asked(&["--tls-ca", ca]), asked(&[])), (tls, !tls));
    }
}

fn rendered_configuration_with_a_problem_is_refused() {
    let case = Case::workload("deployment", "Deployment");
    let rendered = case.render(&keys());
    let map = rendered.get("ConfigMap", "orders-watchword");
    let good = map["data"]["watchword.yaml"].as_str().unwrap();
    accepted(&check_config(good));
    let output = check_config(&good.replace("audiences:", "audience:"));
    assert!(!output.status.success(), "{output:?}");
}

fn release() -> Release<'static> {
    Release {
        name: "orders",
        ..Release::default()
    }
}

fn key_set() -> String {
    mint::key_set(&[&Signer::generate("ES256", "k1")]).to_string()
}

/// Keys that exist from the start.
fn keys() -> Value {
    json!({"inline": key_set()})
}

/// A key server that refuses connections.
fn keyless() -> Value {
    let [port] = free_ports();
    json!({"uri": format!("http://127.0.0.1:{port}/jwks.json"), "allow_http": true})
}

fn check_config(text: &str) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["check-config", "-"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    process.wait_with_output().unwrap()
}

#[track_caller]
fn accepted(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

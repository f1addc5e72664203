//! The pod of `examples/kubernetes/sidecar`: what its chart renders for Envoy and for Watchword
//! beside it, used as it is but for the place of the socket.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::helm::{self, Chart, Rendered};

use crate::bootstrap::{ADDRESS, example, set, tcp};
use crate::world::Site;

/// The socket between both in a pod.
const SOCKET: &str = "/run/watchword/grpc.sock";

impl Site {
    /// The chart with this policy as its `config`.
    pub(crate) fn of_a_pod(mut policy: Value, folder: &Path) -> Result<Self, String> {
        // The chart sets where it listens, and refuses to be told.
        let server = policy["server"].as_object_mut();
        server.ok_or("the example has no server")?.remove("grpc");
        let rendered = rendered("pod-of-world", &json!({"watchword": {"config": policy}}))?;
        let shipped = folder.join("envoy.yaml");
        let text = file(&rendered, "orders-envoy", "envoy.yaml");
        fs::write(&shipped, text).map_err(|error| error.to_string())?;

        let socket = socket();
        let configuration = file(&rendered, "orders-watchword-sidecar", "watchword.yaml");
        let mut configuration: Value = yaml(configuration);
        let address = &mut configuration["server"]["grpc"]["address"];
        assert_eq!(*address, json!(format!("unix:{SOCKET}")));
        *address = json!(format!("unix:{}", socket.display()));
        let bootstrap = yaml(text);
        let found = bootstrap.pointer(&format!("/static_resources/clusters/0{ADDRESS}"));
        assert_eq!(found, Some(&json!({"pipe": {"path": SOCKET}})));
        Ok(Self {
            configuration: configuration.to_string(),
            bootstrap,
            shipped,
            socket: Some(json!({"pipe": {"path": socket}})),
        })
    }
}

/// A path that is short enough for a socket.
fn socket() -> PathBuf {
    std::env::temp_dir().join(format!("ww-{}-envoy", std::process::id()))
}

fn rendered(copy: &str, values: &Value) -> Result<Rendered, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes/sidecar");
    let release = watchword_test_support::helm::Release {
        name: "orders",
        ..Default::default()
    };
    let chart = Chart::at(folder).with_dependencies(copy)?;
    chart.render_for(release, values)
}

/// A file of a `ConfigMap`.
fn file<'a>(rendered: &'a Rendered, map: &str, name: &str) -> &'a str {
    let map = rendered.get("ConfigMap", map);
    map["data"][name].as_str().expect("a file of text")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

#[test]
fn envoy_in_a_pod_has_every_setting_of_the_example_and_no_other() {
    if let Some(problem) = helm::missing() {
        return pass_unchecked(problem);
    }
    let policy = yaml(include_str!("../../examples/envoy/watchword.yaml"));
    // The claim headers are those of the example.
    let issuers = json!({"watchword": {"config": {"issuers": policy["issuers"]}}});
    let rendered = rendered("pod-of-example", &issuers).unwrap();
    let mut pod = yaml(file(&rendered, "orders-envoy", "envoy.yaml"));
    let mut example = example();
    for bootstrap in [&mut pod, &mut example] {
        let anywhere = tcp(([127, 0, 0, 1], 1).into());
        set(
            bootstrap,
            "/static_resources/listeners/0/address",
            anywhere.clone(),
        );
        for cluster in ["0", "1"] {
            let address = format!("/static_resources/clusters/{cluster}{ADDRESS}");
            set(bootstrap, &address, anywhere.clone());
        }
    }
    assert_eq!(pod, example);
}

//! The life of a release of each of the chart's examples, `helm/watchword/ci/*-values.yaml`: what
//! Helm and the API server accept, without a warning, and what is left behind.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::release::{CHART, Release, assert_same};

/// Namespaces that the examples name.
const NAMED: [&str; 4] = ["gateways", "orders", "payments", "security"];

/// One test for each example; each name is a file's, with `-` for `_`.
macro_rules! examples {
    ($($name:ident)*) => {
        const EXAMPLES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                lives_and_leaves_nothing(&stringify!($name).replace('_', "-"));
            }
        )*
    };
}

examples! {
    autoscaling
    cilium
    contour
    daemonset
    deployment
    envoy_gateway
    envoy_gateway_sidecar
    existing_config
    existing_secret_config
    gateway_api
    injector
    injector_loopback
    istio
    istio_sidecar
    kgateway
    monitoring
    network_policy
    pod
    pod_native
    sidecar
    tls_cert_manager
    tls_secret
}

#[test]
fn every_file_has_a_test() {
    let files = fs::read_dir(format!("{CHART}/ci")).unwrap().map(|entry| {
        let file = entry.unwrap().file_name().into_string().unwrap();
        file.trim_end_matches("-values.yaml").replace('-', "_")
    });
    let mut files: Vec<String> = files.collect();
    files.sort();
    assert_eq!(files, EXAMPLES);
}

fn lives_and_leaves_nothing(example: &str) {
    let Some(cluster) = Cluster::with_products() else {
        return;
    };
    let values = format!("{CHART}/ci/{example}-values.yaml");
    let _turn = turn(fs::read_to_string(&values).unwrap().contains("namespace"));
    prepare(cluster);
    let namespace = Namespace::new(cluster, &format!("ci-{example}"));
    namespace.create_service_account(cluster, "gatekeeper");
    let values = format!("--values={values}");
    let name = format!("r-{example}");
    let release = Release::new(cluster, &name, &namespace, &[&values]);
    let installed = release.settles();
    release.upgrade(&["--set-string=commonLabels.changed=yes"]);
    for object in release.objects() {
        let labels = &object["metadata"]["labels"];
        let is_the_users = labels["app.kubernetes.io/name"].is_null();
        assert!(is_the_users || labels["changed"] == "yes", "{object:#}");
    }
    release.rollback("1");
    assert_same(&installed, &release.objects(), "a rollback");
    release.has_no_drift();

    release.leaves_nothing();
}

/// Two examples at a time. Those that name namespaces may give objects there the same names, so
/// they take turns with each other.
fn turn(names_namespaces: bool) -> MutexGuard<'static, ()> {
    static TURNS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];
    let [own, named] = &TURNS;
    let turn = if names_namespaces { named } else { own };
    // A test that failed has left its turn.
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates the objects that the examples require, once.
fn prepare(cluster: &Cluster) {
    static PREPARED: Mutex<bool> = Mutex::new(false);
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*prepared {
        for name in NAMED {
            Namespace::new(cluster, name);
        }
        let runtime = json!({
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "gvisor"},
            "handler": "runsc",
        });
        let create = ["create", "--filename=-"];
        cluster
            .kubectl_with(runtime.to_string(), &create)
            .without_warning();
        *prepared = true;
    }
}

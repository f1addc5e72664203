//! The custom resources of the products that the chart integrates with, from their Go modules.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use watchword_test_support::say;

use crate::cluster::Cluster;
use crate::tools::{self, Unavailable};
use crate::wait;

/// A product's module, and its definitions that the chart needs.
struct Product {
    /// The form that `go mod download` accepts.
    module: &'static str,
    /// Its hash, as in a `go.sum`.
    sum: &'static str,
    folder: &'static str,
    files: &'static [&'static str],
    /// True if the definitions keep their CEL rules.
    has_rules: bool,
}

const PRODUCTS: [Product; 8] = [
    Product {
        module: "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad",
        sum: "h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=",
        folder: "manifests/charts/base/files",
        files: &["crd-all.gen.yaml"],
        has_rules: true,
    },
    Product {
        module: "sigs.k8s.io/gateway-api@v1.6.1",
        sum: "h1:mock6phZbI6rvZerwrVNk7hVNymQgHo+6sJ81Ia7ftY=",
        folder: "config/crd/experimental",
        files: &[
            "gateway.networking.k8s.io_backendtlspolicies.yaml",
            "gateway.networking.k8s.io_gatewayclasses.yaml",
            "gateway.networking.k8s.io_gateways.yaml",
            "gateway.networking.k8s.io_grpcroutes.yaml",
            "gateway.networking.k8s.io_httproutes.yaml",
            "gateway.networking.k8s.io_referencegrants.yaml",
        ],
        has_rules: true,
    },
    Product {
        module: "github.com/envoyproxy/gateway@v1.9.1",
        sum: "h1:vAVp6/AlBXJ1aOhp1mxL7fNEzVEfjADUguUhm2wzxQY=",
        folder: "charts/gateway-helm/charts/crds/crds/generated",
        files: &[
            "gateway.envoyproxy.io_backends.yaml",
            "gateway.envoyproxy.io_clienttrafficpolicies.yaml",
            "gateway.envoyproxy.io_envoyproxies.yaml",
            "gateway.envoyproxy.io_securitypolicies.yaml",
        ],
        has_rules: true,
    },
    Product {
        module: "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        folder: "example/prometheus-operator-crd",
        files: &[
            "monitoring.coreos.com_podmonitors.yaml",
            "monitoring.coreos.com_prometheusrules.yaml",
            "monitoring.coreos.com_servicemonitors.yaml",
        ],
        has_rules: true,
    },
    Product {
        module: "github.com/cert-manager/cert-manager@v1.21.2",
        sum: "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
        folder: "deploy/crds",
        files: &["cert-manager.io_certificates.yaml"],
        has_rules: true,
    },
    Product {
        module: "github.com/projectcontour/contour@v1.33.8",
        sum: "h1:QoOfwqWws+CVRFpsRC2+f1DmB5IdurtyUtepIsiWfE0=",
        folder: "examples/contour",
        files: &["01-crds.yaml"],
        has_rules: true,
    },
    Product {
        module: "github.com/kgateway-dev/kgateway/v2@v2.2.0",
        sum: "h1:0g/OevXOJVJCNl64Ph6s2C6+NI4uo0JgPN8+pcOyh/o=",
        folder: "install/helm/kgateway-crds/templates",
        files: &[
            "gateway.kgateway.dev_gatewayextensions.yaml",
            "gateway.kgateway.dev_listenerpolicies.yaml",
            "gateway.kgateway.dev_trafficpolicies.yaml",
        ],
        // Kubernetes 1.37 refuses two of the files: "estimated rule cost exceeds budget".
        has_rules: false,
    },
    Product {
        module: "github.com/cilium/cilium@v1.20.2",
        sum: "h1:dqiEGIcXc+gqCLYG/l7VCFJ8GHyb4HUrwbZOpkX5dL8=",
        folder: "pkg/k8s/apis/cilium.io/client/crds/v2",
        files: &["ciliumnetworkpolicies.yaml"],
        has_rules: true,
    },
];

impl Cluster {
    /// The shared cluster, with the definitions of all products. `None` as for `shared`.
    pub(crate) fn with_products() -> Option<&'static Self> {
        static INSTALLED: LazyLock<Result<(), Unavailable>> = LazyLock::new(|| {
            let installed = Cluster::shared().map_or(Ok(()), install);
            if let Err(Unavailable::Skip(reason)) = &installed {
                say(format!("tests/cluster: skipped some, since {reason}"));
            }
            installed
        });
        let cluster = Self::shared()?;
        match &*INSTALLED {
            Ok(()) => Some(cluster),
            Err(Unavailable::Skip(_)) => None,
            Err(Unavailable::Fail(problem)) => panic!("{problem}"),
        }
    }
}

fn install(cluster: &Cluster) -> Result<(), Unavailable> {
    let mut definitions = Vec::new();
    for product in &PRODUCTS {
        let folder = tools::download(product.module, product.sum)?.join(product.folder);
        definitions.extend(product.definitions(cluster, &folder)?);
    }
    let names: Vec<String> = definitions
        .iter()
        .map(|definition| {
            definition["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": definitions});
    let apply = ["apply", "--server-side", "--filename=-"];
    cluster.kubectl_with(list.to_string(), &apply).checked()?;
    wait_until_served(cluster, &names)
}

impl Product {
    fn definitions(&self, cluster: &Cluster, folder: &Path) -> Result<Vec<Value>, Unavailable> {
        let files = self.files.iter().map(|file| {
            let path = folder.join(file);
            let problem = |error| Unavailable::Fail(format!("{}: {error}", path.display()));
            fs::read_to_string(&path).map_err(problem)
        });
        let text = files.collect::<Result<Vec<_>, _>>()?.join("\n---\n");
        let convert = [
            "create",
            "--dry-run=client",
            "--output=json",
            "--filename=-",
        ];
        let mut definitions = cluster.kubectl_with(text, &convert).checked()?.objects();
        if !self.has_rules {
            definitions.iter_mut().for_each(remove_rules);
        }
        Ok(definitions)
    }
}

fn remove_rules(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(remove_rules);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_rules),
        _ => {}
    }
}

/// A definition that is established is not in the discovery at once, which `kubectl` and `helm`
/// read.
fn wait_until_served(cluster: &Cluster, names: &[String]) -> Result<(), Unavailable> {
    let look = || {
        let resources = cluster.kubectl(&["api-resources", "--cached=false", "--output=name"]);
        let is_served = |name: &&String| resources.stdout.lines().any(|line| line == name.as_str());
        let (_, missing): (Vec<_>, Vec<_>) = names.iter().partition(is_served);
        missing
    };
    wait::try_until("definitions that are not served", look, Vec::is_empty)
        .map(drop)
        .map_err(Unavailable::Fail)
}

//! A release that is installed and upgraded with values as they come, good and bad.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::command::Answer;
use crate::namespace::Namespace;
use crate::release::{CHART, ISSUER};

const DEPLOYMENT: &str = "deployment/orders-watchword";

/// A release `orders` in a namespace of its own. Its commands may fail.
pub(crate) struct Trial {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: Namespace,
}

impl Trial {
    /// `None` where the tests are skipped.
    pub(crate) fn new(namespace: &str) -> Option<Self> {
        Some(Self::on(Cluster::shared()?, namespace))
    }

    /// The same, with the products that the chart integrates with.
    pub(crate) fn with_products(namespace: &str) -> Option<Self> {
        Some(Self::on(Cluster::with_products()?, namespace))
    }

    fn on(cluster: &'static Cluster, namespace: &str) -> Self {
        Self {
            cluster,
            namespace: Namespace::new(cluster, namespace),
        }
    }

    /// Installs or upgrades, with an issuer and these values.
    pub(crate) fn helm(&self, values: &Value, more: &[&str]) -> Answer {
        let values = format!("--set-json={}", flat(values));
        let namespace = format!("--namespace={}", self.namespace.name);
        let upgrade = [
            "upgrade",
            "--install",
            "orders",
            CHART,
            &namespace,
            ISSUER,
            &values,
        ];
        self.cluster.helm(&[&upgrade, more].concat())
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Answer {
        let namespace = format!("--namespace={}", self.namespace.name);
        self.cluster.kubectl(&[arguments, &[&namespace]].concat())
    }

    pub(crate) fn replicas(&self) -> u64 {
        let deployment = self.kubectl(&["get", DEPLOYMENT, "--output=json"]);
        deployment.succeeded().json()["spec"]["replicas"]
            .as_u64()
            .unwrap()
    }

    /// As an autoscaler does it.
    pub(crate) fn scale(&self, replicas: u64) {
        let patch = json!({"spec": {"replicas": replicas}});
        let patch = format!("--patch={patch}");
        self.kubectl(&[
            "patch",
            DEPLOYMENT,
            "--subresource=scale",
            "--type=merge",
            &patch,
        ])
        .succeeded();
    }
}

/// Values in the form that `--set-json` accepts: `a={…},b={…}`.
fn flat(values: &Value) -> String {
    let pairs = values.as_object().unwrap().iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(",")
}

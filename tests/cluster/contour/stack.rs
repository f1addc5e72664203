//! Everything that a request meets, and the objects behind it.

use std::fmt::Debug;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchword::clock::Clock;
use watchword::token::UnixTime;
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::{free_ports, say};

use super::client::{self, HttpAnswer};
use super::objects::{self, HOST};
use super::processes::{self, Proxy};
use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::process::{self, Running};
use crate::release::{CHART, Release};
use crate::tools::{self, Unavailable};
use crate::wait;

/// The namespace of everything, and the release.
const NAME: &str = "contour";

pub(super) struct ContourStack {
    cluster: &'static Cluster,
    folder: PathBuf,
    signer: Signer,
    proxy: Proxy,
    /// Until it is stopped.
    watchword: Option<Running>,
}

impl ContourStack {
    /// `None` where the machine lacks something, which one line on standard error tells.
    pub(super) fn start(cluster: &'static Cluster) -> Option<Self> {
        let contour = tools::CONTOUR.build();
        let (contour, address) = match (contour, own_address()) {
            (Ok(folder), Some(address)) => (folder.join("contour"), address),
            (Err(Unavailable::Fail(problem)), _) => panic!("{problem}"),
            (Err(Unavailable::Skip(reason)), _) => return skip(&reason),
            (_, None) => return skip("this machine has no address but loopback"),
        };
        let folder = cluster.folder.join(NAME);
        fs::create_dir_all(folder.join("tls")).unwrap();
        let signer = Signer::generate("ES256", "k1");
        let configuration = install(cluster, &folder, &signer, address);
        Some(Self {
            cluster,
            signer,
            proxy: processes::start_proxy(cluster, &folder, &contour),
            watchword: Some(processes::start_watchword(&folder, &configuration)),
            folder,
        })
    }

    /// A token that Watchword accepts for the next five minutes.
    pub(super) fn token(&self) -> String {
        let now = Clock::system().now().since(UnixTime::EPOCH).as_secs();
        self.signer.sign(&mint::claims(i64::try_from(now).unwrap()))
    }

    pub(super) fn get(&self, path: &str, token: Option<&str>) -> HttpAnswer {
        let answered = client::get(self.proxy.address, path, token);
        answered.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.logs()))
    }

    pub(super) fn stop_watchword(&mut self) {
        self.watchword = None;
    }

    /// Waits until a good token lets a request through.
    pub(super) fn become_ready(&self) {
        self.wait(
            "an answer to a good token",
            || client::get(self.proxy.address, "/", Some(&self.token())),
            |found| found.as_ref().is_ok_and(|answered| answered.status == 200),
        );
    }

    /// Waits until Contour says so in their status.
    pub(super) fn objects_become_valid(&self) {
        let namespace = format!("--namespace={NAME}");
        let status = |object: &str| {
            let get = ["get", object, &namespace, "--output=json"];
            self.cluster.kubectl(&get).without_warning().json()["status"].take()
        };
        self.wait(
            "a valid HTTPProxy",
            || status("httpproxy/orders"),
            |status| status["currentStatus"] == "valid",
        );
        self.wait(
            "a valid ExtensionService",
            || status("extensionservice/contour-watchword"),
            |status| {
                let conditions = status["conditions"].as_array().into_iter().flatten();
                let mut valid = conditions.filter(|condition| condition["type"] == "Valid");
                valid.any(|condition| condition["status"] == "True")
            },
        );
    }

    #[track_caller]
    fn wait<T: Debug>(&self, what: &str, look: impl Fn() -> T, is_good: impl Fn(&T) -> bool) {
        let found = wait::try_until(what, look, is_good);
        found.unwrap_or_else(|problem| panic!("{problem}\n{}", self.logs()));
    }

    fn logs(&self) -> String {
        let logs = ["watchword", "contour", "envoy"];
        logs.map(|name| format!("{name}:\n{}", process::log(&self.folder, name)))
            .join("\n")
    }
}

fn skip(reason: &str) -> Option<ContourStack> {
    say(format!("tests/cluster: Contour is skipped, since {reason}"));
    None
}

/// The address that this machine would send from. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Makes the objects, and returns Watchword's configuration.
fn install(cluster: &'static Cluster, folder: &Path, signer: &Signer, address: IpAddr) -> String {
    let namespace = Namespace::new(cluster, NAME);
    let [grpc, health, admin] = free_ports();
    let watchword = format!("{NAME}-watchword");
    let (own, certificate, key) =
        objects::certificate("authz-cert", &[&format!("{watchword}.{NAME}.svc")]);
    fs::write(folder.join("tls/tls.crt"), certificate).unwrap();
    fs::write(folder.join("tls/tls.key"), key).unwrap();
    let (proxys, ..) = objects::certificate("orders-cert", &[HOST]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        own,
        proxys,
        objects::service("orders", 8080),
        objects::endpoint_slice("orders", "http", address, client::upstream(address)),
        objects::endpoint_slice(&watchword, "grpc", address, grpc),
    ]});
    let in_namespace = format!("--namespace={NAME}");
    let create = ["create", &in_namespace, "--filename=-"];
    cluster
        .kubectl_with(list.to_string(), &create)
        .without_warning();

    let values = folder.join("values.json");
    let ports = json!({"grpc": grpc, "health": health, "admin": admin});
    fs::write(&values, changed_values(signer, address, &ports).to_string()).unwrap();
    let example = format!("--values={CHART}/ci/contour-values.yaml");
    let values = format!("--values={}", values.display());
    Release::new(cluster, NAME, &namespace, &[&example, &values]).install(&[]);
    let get = [
        "get",
        "configmap",
        &watchword,
        &in_namespace,
        "--output=json",
    ];
    let map = cluster.kubectl(&get).without_warning().json();
    map["data"]["watchword.yaml"]
        .as_str()
        .expect("a configuration")
        .to_owned()
}

/// The values that differ from the example's.
fn changed_values(signer: &Signer, address: IpAddr, ports: &Value) -> Value {
    let keys = mint::key_set(&[signer]).to_string();
    json!({
        "listenAddress": address,
        "ports": ports,
        "config": {"issuers": {"corp": {
            "jwks": {"discovery": null, "wait": null, "inline": keys},
        }}},
        "integrations": {
            // A slow machine may need more than the default.
            "timeout": "10s",
            "contour": {"proxies": [{
                "name": "orders",
                "namespace": NAME,
                "virtualhost": {"fqdn": HOST, "tls": {"secretName": "orders-cert"}},
                "routes": [{"services": [{"name": "orders", "port": 8080}]}],
            }]},
        },
    })
}

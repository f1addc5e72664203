//! The processes that a request passes, and the objects that configure them.

use std::fmt::Debug;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use watchword::clock::Clock;
use watchword::token::UnixTime;
use watchword_test_support::harness::is_ci;
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::{envoy, free_ports, say};

use super::client::{self, HttpAnswer};
use super::objects::{self, HOST};
use super::processes::{self, Proxy};
use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::process::{self, Running};
use crate::release::{CHART, Release};
use crate::tools::{self, Unavailable};
use crate::wait;

/// The name of the release, and of its namespace.
const NAME: &str = "contour";

/// Attempts with new ports, because another process may take one before ours does.
const ATTEMPTS: usize = 5;

pub(super) struct ContourStack {
    cluster: &'static Cluster,
    folder: PathBuf,
    signer: Signer,
    proxy: Proxy,
    /// `None` once it is stopped.
    watchword: Option<Running>,
}

impl ContourStack {
    /// Starts all, and waits until a good token lets a request through. Returns `None`, and prints
    /// the reason, if the machine lacks something.
    pub(super) fn start(cluster: &'static Cluster) -> Option<Self> {
        let contour = tools::CONTOUR.build();
        let (contour, address) = match (contour, own_address()) {
            (Ok(folder), Some(address)) => (folder.join("contour"), address),
            (Err(Unavailable::Fail(problem)), _) => panic!("{problem}"),
            (Err(Unavailable::Skip(reason)), _) => return skip(&reason),
            (_, None) => return skip("this machine has no address but loopback"),
        };
        if let Err(problem) = envoy::binary(envoy::Version::Newest) {
            assert!(!is_ci(), "CI=true, but {problem}");
            return skip(&problem);
        }
        let folder = cluster.folder.join(NAME);
        fs::create_dir_all(folder.join("tls")).unwrap();
        let signer = Signer::generate("ES256", "k1");
        let namespace = Namespace::new(cluster, NAME);
        for _ in 0..ATTEMPTS {
            let configuration = install(cluster, &namespace, &folder, &signer, address);
            let stack = Self {
                cluster,
                signer: signer.clone(),
                proxy: processes::start_proxy(cluster, &folder, &contour),
                watchword: Some(processes::start_watchword(&folder, &configuration)),
                folder: folder.clone(),
            };
            if stack.becomes_ready() {
                return Some(stack);
            }
        }
        panic!("others took a port in each of {ATTEMPTS} attempts");
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

    /// Waits until a good token lets a request through. Returns false if another process has one of
    /// the ports.
    fn becomes_ready(&self) -> bool {
        let is_good =
            |found: &Result<HttpAnswer, _>| found.as_ref().is_ok_and(|answer| answer.status == 200);
        let found = self.wait(
            "an answer to a good token",
            || client::get(self.proxy.address, "/", Some(&self.token())),
            |found| is_good(found) || self.lacks_a_port(),
        );
        is_good(&found)
    }

    fn lacks_a_port(&self) -> bool {
        let logs = self.logs().to_lowercase();
        logs.contains("address already in use")
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
    fn wait<T: Debug>(&self, what: &str, look: impl Fn() -> T, is_good: impl Fn(&T) -> bool) -> T {
        let found = wait::try_until(what, look, is_good);
        found.unwrap_or_else(|problem| panic!("{problem}\n{}", self.logs()))
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

/// Creates or updates the objects with new ports, and returns Watchword's configuration.
fn install(
    cluster: &'static Cluster,
    namespace: &Namespace,
    folder: &Path,
    signer: &Signer,
    address: IpAddr,
) -> String {
    let [grpc, health, admin] = free_ports();
    let watchword = format!("{NAME}-watchword");
    let (own, certificate, key) =
        objects::certificate("authz-cert", &[&format!("{watchword}.{NAME}.svc")]);
    fs::write(folder.join("tls/tls.crt"), certificate).unwrap();
    fs::write(folder.join("tls/tls.key"), key).unwrap();
    let (of_proxy, ..) = objects::certificate("orders-cert", &[HOST]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        own,
        of_proxy,
        objects::service("orders", 8080),
        objects::endpoint_slice("orders", "http", address, client::upstream(address)),
        objects::endpoint_slice(&watchword, "grpc", address, grpc),
    ]});
    let in_namespace = format!("--namespace={NAME}");
    let apply = ["apply", &in_namespace, "--server-side", "--filename=-"];
    cluster
        .kubectl_with(list.to_string(), &apply)
        .without_warning();

    let values = folder.join("values.json");
    let ports = json!({"grpc": grpc, "health": health, "admin": admin});
    fs::write(&values, changed_values(signer, address, &ports).to_string()).unwrap();
    let example = format!("--values={CHART}/ci/contour-values.yaml");
    let values = format!("--values={}", values.display());
    Release::new(cluster, NAME, namespace, &[&example, &values]).upgrade(&["--install"]);
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

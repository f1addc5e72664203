//! etcd and kube-apiserver on loopback ports: started, and watched until the API server is ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use watchword::clock::Stopwatch;
use watchword_test_support::free_ports;

use crate::command::Command;
use crate::process::{self, Running};
use crate::wait::TIMEOUT;

const POLL: Duration = Duration::from_millis(100);

/// Attempts with new ports, because another process may take one before ours does.
const ATTEMPTS: usize = 5;

/// Of a user in `system:masters`. It is for a server that lives as long as this process.
const TOKEN: &str = "the-token-of-this-test-only";

/// The directories of the programs.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) kubernetes: PathBuf,
    pub(crate) etcd: PathBuf,
}

#[derive(Debug)]
pub(crate) struct ControlPlane {
    /// For `kubectl` and `helm`: the administrator's.
    pub(crate) kubeconfig: PathBuf,
    /// The API server's URL.
    pub(crate) server: String,
    /// The API server's certificate, which is its own authority.
    pub(crate) certificate: String,
    processes: Vec<Running>,
}

impl ControlPlane {
    /// Starts both with files in `folder`, the API server with these options, and waits until it
    /// is ready.
    ///
    /// # Errors
    /// The logs of what did not start.
    pub(crate) fn start(
        folder: &Path,
        programs: &Programs,
        options: &[&str],
    ) -> Result<Self, String> {
        let certificate = write_keys(folder);
        let mut problem = String::new();
        for _ in 0..ATTEMPTS {
            let [client, peer, secure] = free_ports();
            let mut control_plane = Self {
                kubeconfig: write_kubeconfig(folder, secure),
                server: format!("https://127.0.0.1:{secure}"),
                certificate: certificate.clone(),
                processes: vec![
                    start_etcd(folder, &programs.etcd, client, peer),
                    start_api_server(folder, &programs.kubernetes, (client, secure), options),
                ],
            };
            problem = match control_plane.become_ready(folder, programs) {
                Ok(()) => return Ok(control_plane),
                Err(problem) => problem,
            };
            if !control_plane.processes.iter_mut().any(Running::has_ended) {
                break;
            }
        }
        Err(problem)
    }

    fn become_ready(&mut self, folder: &Path, programs: &Programs) -> Result<(), String> {
        let kubectl = programs.kubernetes.join("kubectl");
        let waiting = Stopwatch::start();
        while waiting.elapsed() < TIMEOUT {
            let ask = Command::new(&kubectl, folder, &self.kubeconfig);
            if ask.run(&["get", "--raw", "/readyz"]).success {
                return Ok(());
            }
            if self.processes.iter_mut().any(Running::has_ended) {
                return Err(format!("a server ended\n{}", logs(folder)));
            }
            std::thread::sleep(POLL);
        }
        Err(format!(
            "the API server was not ready after {TIMEOUT:?}\n{}",
            logs(folder)
        ))
    }
}

fn logs(folder: &Path) -> String {
    let tail = |name| {
        let log = process::log(folder, name);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default();
        format!("{name}:\n{}", tail.join("\n"))
    };
    ["etcd", "kube-apiserver"].map(tail).join("\n")
}

fn start_etcd(folder: &Path, programs: &Path, client: u16, peer: u16) -> Running {
    let (client, peer) = (
        format!("http://127.0.0.1:{client}"),
        format!("http://127.0.0.1:{peer}"),
    );
    // Every attempt has data of its own: that of another one names other ports.
    let data = format!("etcd-{}", peer.rsplit(':').next().unwrap_or_default());
    let arguments = [
        "--name=test".to_owned(),
        format!("--data-dir={data}"),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=test={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    process::start(folder, "etcd", &programs.join("etcd"), &arguments)
}

fn start_api_server(
    folder: &Path,
    programs: &Path,
    (etcd, port): (u16, u16),
    options: &[&str],
) -> Running {
    let mut arguments = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        // Endpoints of the Service `kubernetes` would need an address that is not loopback.
        "--advertise-address=192.0.2.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        // An example of the chart asks for both families.
        "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112".to_owned(),
        "--tls-cert-file=server.crt".to_owned(),
        "--tls-private-key-file=server.key".to_owned(),
        "--token-auth-file=tokens.csv".to_owned(),
        "--anonymous-auth=false".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        "--service-account-key-file=accounts.pub".to_owned(),
        "--service-account-signing-key-file=accounts.key".to_owned(),
        "--profiling=false".to_owned(),
    ];
    arguments.extend(options.iter().map(ToString::to_string));
    process::start(
        folder,
        "kube-apiserver",
        &programs.join("kube-apiserver"),
        &arguments,
    )
}

/// The server's certificate, the key of service accounts, the administrator's token. Returns the
/// certificate.
fn write_keys(folder: &Path) -> String {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let server = rcgen::generate_simple_self_signed(names).unwrap();
    let accounts = rcgen::KeyPair::generate().unwrap();
    for (file, text) in [
        ("server.crt", server.cert.pem()),
        ("server.key", server.signing_key.serialize_pem()),
        ("accounts.key", accounts.serialize_pem()),
        ("accounts.pub", accounts.public_key_pem()),
        (
            "tokens.csv",
            format!("{TOKEN},admin,admin,\"system:masters\"\n"),
        ),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    server.cert.pem()
}

fn write_kubeconfig(folder: &Path, port: u16) -> PathBuf {
    let server = format!("https://127.0.0.1:{port}");
    let authority = folder.join("server.crt");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{
            "name": "test",
            "cluster": {"server": server, "certificate-authority": authority},
        }],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
    });
    let path = folder.join("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}

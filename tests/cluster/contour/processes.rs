//! Contour, the Envoy that it configures, and Watchword.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use watchword_test_support::{envoy, free_ports, wheels};

use crate::cluster::Cluster;
use crate::process::{self, Running};

/// Contour's control plane, its Envoy, and where Envoy serves TLS.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    _contour: Running,
    _envoy: Running,
}

/// Starts both, with files in `folder`.
pub(super) fn start_proxy(cluster: &Cluster, folder: &Path, contour: &Path) -> Proxy {
    let [xds, http, https, health, metrics, debug, stats] = free_ports();
    let serve = [
        "serve".to_owned(),
        "--insecure".to_owned(),
        "--disable-leader-election".to_owned(),
        format!(
            "--kubeconfig={}",
            cluster.control_plane.kubeconfig.display()
        ),
        "--xds-address=127.0.0.1".to_owned(),
        format!("--xds-port={xds}"),
        "--envoy-service-http-address=127.0.0.1".to_owned(),
        format!("--envoy-service-http-port={http}"),
        "--envoy-service-https-address=127.0.0.1".to_owned(),
        format!("--envoy-service-https-port={https}"),
        "--health-address=127.0.0.1".to_owned(),
        format!("--health-port={health}"),
        "--http-address=127.0.0.1".to_owned(),
        format!("--http-port={metrics}"),
        "--debug-http-address=127.0.0.1".to_owned(),
        format!("--debug-http-port={debug}"),
        "--stats-address=127.0.0.1".to_owned(),
        format!("--stats-port={stats}"),
        // Access logs go to standard output, which is a file here.
        "--envoy-http-access-log=access.log".to_owned(),
        "--envoy-https-access-log=access.log".to_owned(),
    ];
    let control_plane = process::start(folder, "contour", contour, &serve);

    let mut bootstrap = std::process::Command::new(contour);
    bootstrap
        .current_dir(folder)
        .args(["bootstrap", "bootstrap.json"]);
    bootstrap.args(["--admin-address=admin.sock", "--xds-address=127.0.0.1"]);
    bootstrap.arg(format!("--xds-port={xds}"));
    wheels::succeed(bootstrap).unwrap_or_else(|problem| panic!("{problem}"));
    let envoy = [
        "--config-path",
        "bootstrap.json",
        "--service-cluster",
        "contour",
    ];
    let more = [
        "--service-node",
        "test",
        "--concurrency",
        "1",
        "--disable-hot-restart",
    ];
    let envoy = process::start(
        folder,
        "envoy",
        &envoy_binary(),
        &[&envoy[..], &more].concat(),
    );
    Proxy {
        address: SocketAddr::from(([127, 0, 0, 1], https)),
        _contour: control_plane,
        _envoy: envoy,
    }
}

/// The newest one that the project supports, as other tests install it.
fn envoy_binary() -> std::path::PathBuf {
    let binary = envoy::binary(envoy::Version::Newest);
    binary.unwrap_or_else(|problem| panic!("{problem}"))
}

/// Starts Watchword with the configuration that the chart made. What its pod would mount at
/// `/etc/watchword` is in `folder`.
pub(super) fn start_watchword(folder: &Path, configuration: &str) -> Running {
    let mounted = configuration.replace("/etc/watchword", &folder.display().to_string());
    let file = folder.join("watchword.yaml");
    fs::write(&file, mounted).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_watchword"));
    process::start(
        folder,
        "watchword",
        binary,
        &[Path::new("serve"), Path::new("-c"), &file],
    )
}

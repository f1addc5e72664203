//! A plain Envoy that finds Watchword by DNS, as the chart's notes have it: rolling restarts and a
//! dead address lose no request.
//!
//! Each pod is a process on a loopback address of its own, all on the same port: DNS has no ports.
//! This needs 127.0.0.2 to 127.0.0.6, which Linux has.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use watchword_test_support::bootstrap::{INGRESS, WATCHWORD, setting};
use watchword_test_support::envoy::{self, Version as Envoy};
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::instance::Instance;
use watchword_test_support::load::{self, Load};
use watchword_test_support::proxy::Proxy;
use watchword_test_support::{build_folder, helm, say};

use crate::dns::Dns;
use crate::release::Release;
use crate::{RUNTIME, beside_others, paced};

const OLD: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
const NEW: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 4), Ipv4Addr::new(127, 0, 0, 5)];
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);
/// A connection over loopback that takes longer is not accepted.
const HANGS: Duration = Duration::from_millis(500);
/// The requests of ten seconds.
const TEN_SECONDS: usize = 400;

#[test]
fn rolling_restart_loses_nothing_while_dns_has_the_old_addresses() {
    let _machine = beside_others();
    if is_missing() {
        return;
    }
    RUNTIME.block_on(async {
        let release = Release::new();
        let mut old = OLD.map(|address| pod(&release, address));
        let mut new = NEW.map(|address| pod(&release, address));
        for server in &mut old {
            run(server, &release).await;
        }
        let (proxy, dns) = proxy("rolling", &release, &OLD, |_| ()).await;
        let load = paced::load(proxy.port(INGRESS));
        answers(&load, &old[0], 40).await;

        // As a Deployment does it with `maxSurge: 1, maxUnavailable: 0`: the new pod is ready, an
        // old one leaves the Service and is told to stop, and nobody waits for its end.
        let pods = [[NEW[0], OLD[1]], NEW];
        for (index, pods) in pods.iter().enumerate() {
            run(&mut new[index], &release).await;
            if index == 0 {
                // The worst moment: for 30 seconds, DNS has the two addresses that are about to go.
                dns.fill_cache();
            }
            dns.set(pods);
            old[index].terminate();
        }
        for server in &mut old {
            let status = server.end().await;
            assert!(status.success(), "{status}\n{}", server.log());
        }
        let stopped = load.tally.counts();
        answers(&load, &new[0], TEN_SECONDS).await;
        let tally = load.stop().await;
        let counts = tally.counts();
        say(format!(
            "a rolling restart behind a DNS cache: answers (right, wrong, failed) {stopped:?} \
             until both had ended, {counts:?} ten seconds later"
        ));
        let (right, wrong, failed) = counts;
        assert_eq!((wrong, failed), (0, 0), "{:#?}", tally.examples());
        assert!(right > 3 * TEN_SECONDS, "{right} answers are not a load");
    });
}

#[test]
fn dead_address_beside_a_live_one_loses_nothing() {
    let _machine = beside_others();
    if is_missing() {
        return;
    }
    RUNTIME.block_on(beside_a_dead_address("dead", |_| ()));
}

/// Every other request tries the dead address first, throughout the test.
#[test]
fn retries_alone_find_the_live_address() {
    let _machine = beside_others();
    if is_missing() {
        return;
    }
    RUNTIME.block_on(beside_a_dead_address("dead-retries", |bootstrap| {
        let cluster = setting(bootstrap, WATCHWORD).as_object_mut();
        let removed = cluster.expect("a cluster").remove("outlier_detection");
        assert!(removed.is_some(), "the notes print no outlier detection");
    }));
}

/// Returns true, and says why, if Envoy or Helm cannot be fetched.
fn is_missing() -> bool {
    let helm = helm::missing().map(str::to_owned);
    let problem = helm.or_else(|| envoy::binary(Envoy::Newest).err());
    problem.as_deref().map(pass_unchecked).is_some()
}

async fn beside_a_dead_address(name: &str, edit: impl FnOnce(&mut Value)) {
    let release = Release::new();
    let mut live = pod(&release, OLD[0]);
    run(&mut live, &release).await;
    let _dead = Dead::listen(SocketAddr::from((DEAD, release.ports.grpc))).await;
    let (proxy, _dns) = proxy(name, &release, &[DEAD, OLD[0]], edit).await;
    let load = paced::load(proxy.port(INGRESS));
    answers(&load, &live, TEN_SECONDS).await;
    let tally = load.stop().await;
    let counts = tally.counts();
    let tried = "cluster.watchword.upstream_cx_connect_timeout";
    let tried = proxy.statistic(tried).await;
    say(format!(
        "one dead address of two ({name}), tried {tried} times: answers (right, wrong, failed) \
         {counts:?}"
    ));
    assert_eq!((counts.1, counts.2), (0, 0), "{:#?}", tally.examples());
    assert!(tried > 0, "the dead address was never tried");
}

fn folder() -> PathBuf {
    build_folder().join(format!("plain-envoy/{}", std::process::id()))
}

/// A pod of the release, which does not run yet.
fn pod(release: &Release, address: Ipv4Addr) -> Instance {
    let at = |port| SocketAddr::from((address, port));
    let (grpc, admin) = (at(release.ports.grpc), at(release.ports.admin));
    let folder = folder().join(format!("{address}-{}", release.ports.grpc));
    let instance = Instance::at(folder, grpc, admin);
    instance.write("watchword.yaml", &release.configuration(address));
    instance
}

/// Starts it, and waits until its health is `SERVING`.
async fn run(pod: &mut Instance, release: &Release) {
    pod.start();
    let health = SocketAddr::from((pod.grpc.ip(), release.ports.health)).to_string();
    pod.until("it is healthy", async || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchword"));
        let command = command.args(["health", &health]).stderr(Stdio::null());
        let status = command.stdout(Stdio::null()).status();
        status.expect("it runs").success()
    })
    .await;
}

/// An Envoy with what the notes print, after `edit`, and the name server that it asks.
async fn proxy(
    name: &str,
    release: &Release,
    pods: &[Ipv4Addr],
    edit: impl FnOnce(&mut Value),
) -> (Proxy, Dns) {
    let binary = envoy::binary(Envoy::Newest).unwrap_or_else(|problem| panic!("{problem}"));
    let cluster = release.cluster();
    let dns = Dns::start(host(&cluster), pods).await;
    let mut bootstrap = release.envoy(dns.address, load::upstream().await);
    edit(&mut bootstrap);
    let folder = folder().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let proxy = Proxy::start(&binary, &folder, &bootstrap).await;
    let proxy = proxy.unwrap_or_else(|problem| panic!("{problem}"));
    let log = fs::read_to_string(folder.join("stderr")).expect("Envoy's log");
    assert!(!log.contains("Deprecated"), "{log}");
    (proxy, dns)
}

/// The name by which a cluster finds its only endpoint.
fn host(cluster: &Value) -> &str {
    let endpoint = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    let host = &endpoint["address"]["socket_address"]["address"];
    host.as_str().expect("a name")
}

/// Waits for this many answers more, right or not.
async fn answers(load: &Load, server: &Instance, more: usize) {
    let count = || {
        let (right, wrong, failed) = load.tally.counts();
        right + wrong + failed
    };
    let wanted = count() + more;
    server.until("answers", async || count() >= wanted).await;
}

/// An address that neither takes nor refuses a connection, like that of a node that is gone: its
/// queue is full, so the kernel drops each SYN.
struct Dead {
    _listener: tokio::net::TcpListener,
    _queued: Vec<TcpStream>,
}

impl Dead {
    async fn listen(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(address).expect("an address");
        let listener = socket.listen(0).expect("a listener");
        let mut queued = Vec::new();
        while let Ok(connected) = timeout(HANGS, TcpStream::connect(address)).await {
            queued.push(connected.expect("a connection, or none at all"));
        }
        Self {
            _listener: listener,
            _queued: queued,
        }
    }
}

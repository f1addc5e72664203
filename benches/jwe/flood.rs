//! A flood of encrypted tokens that decrypt with no key (RSA-OAEP-256, RSA-4096), at full speed on
//! one connection, and the latency of signed tokens on another, at a fixed rate. For comparison, a
//! flood of signed tokens with a wrong signature: what any flood costs that shares the cores.
//!
//! The flood comes from a thread of the lowest priority, because it shares the cores with the
//! server: it uses all that is left, and takes nothing away. The latency counts from the time at
//! which a call was due, so that a call that had to wait for its turn at the client counts too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Handle, Runtime};
use tonic::transport::Channel;
use watchword::clock::Stopwatch;
use watchword::jose::KeyAlgorithm;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::keys::{self, Pair};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(4);
/// Signed tokens a second; each token is new to the server.
const RATE: u32 = 250;
const IN_FLIGHT: usize = 256;

type Client = AuthorizationClient<Channel>;

pub(crate) fn run() {
    println!(
        "\nflood: {ROUNDS} rounds of {ROUND:?}, alternating; {RATE} signed tokens a second;\n  \
         medians of the rounds"
    );
    let runtime = Runtime::new().unwrap();
    let lowest = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(|| rustix::process::setpriority_process(None, 19).unwrap())
        .enable_all()
        .build();
    let lowest = lowest.unwrap();
    runtime.block_on(measure(lowest.handle()));
}

async fn measure(lowest: &Handle) {
    let (signing, decryption) = (Pair::p256(), Pair::rsa(KeySize::Rsa4096));
    let forged = Pair::p256().sign("mallory");
    let encrypted = Pair::rsa(KeySize::Rsa4096).encrypt(&forged, KeyAlgorithm::RsaOaep256);
    let file = keys::written("flood", &decryption);
    let mut server = Server::start(&keys::config(&signing, &file));
    let mut good = client(server.port).await;
    let bad = lowest.spawn(client(server.port)).await.unwrap();
    let floods = [
        ("quiet", None),
        ("signed", Some(&forged)),
        ("encrypted", Some(&encrypted)),
    ];
    let (mut rounds, mut answered) = ([(); 3].map(|()| Vec::new()), [0; 3]);
    let mut next = 0;
    for _ in 0..ROUNDS {
        for (number, (_, token)) in floods.iter().enumerate() {
            let flood = token.map(|token| Flood::start(lowest, &bad, token));
            rounds[number].push(latencies(&mut good, &signing, &mut next).await);
            if let Some(flood) = flood {
                answered[number] += flood.stop().await;
            }
        }
    }
    let quiet = p99(&rounds[0]);
    for (number, (name, _)) in floods.iter().enumerate() {
        println!(
            "  {name:<10} p50 {:>7.3} ms, p99 {:>7.3} ms, {:.2} of quiet; {} hostile calls \
             answered",
            percentile(&rounds[number], 50),
            p99(&rounds[number]),
            p99(&rounds[number]) / quiet,
            answered[number]
        );
    }
    server.child.kill().await.unwrap();
}

fn p99(rounds: &[Vec<Duration>]) -> f64 {
    percentile(rounds, 99)
}

/// The median of the rounds' percentiles, in milliseconds.
fn percentile(rounds: &[Vec<Duration>], percent: usize) -> f64 {
    let mut all: Vec<Duration> = rounds
        .iter()
        .map(|sorted| sorted[sorted.len() * percent / 100])
        .collect();
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1e3
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(config: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("bench-flood-{port}.yaml"));
        let server = format!("server: {{grpc: {{address: \"127.0.0.1:{port}\"}}}}\n");
        std::fs::write(&file, server + config).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_watchword"))
            .args(["serve", "-c"])
            .arg(&file)
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, port }
    }
}

async fn client(port: u16) -> Client {
    let uri = format!("http://127.0.0.1:{port}");
    for _ in 0..200 {
        match Channel::from_shared(uri.clone()).unwrap().connect().await {
            Ok(channel) => return AuthorizationClient::new(channel),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the server does not listen")
}

/// Sorted latencies of signed tokens at the fixed rate.
async fn latencies(client: &mut Client, signing: &Pair, next: &mut usize) -> Vec<Duration> {
    let count = RATE * u32::try_from(ROUND.as_secs()).unwrap();
    let mut requests = Vec::new();
    for _ in 0..count {
        requests.push(request(&signing.sign(&format!("user-{next}"))));
        *next += 1;
    }
    let (clock, mut calls) = (Stopwatch::start(), tokio::task::JoinSet::new());
    for (number, request) in requests.into_iter().enumerate() {
        let due = ROUND * u32::try_from(number).unwrap() / count;
        tokio::time::sleep(due.saturating_sub(clock.elapsed())).await;
        let mut client = client.clone();
        calls.spawn(async move {
            let answer = client.check(request).await.unwrap().into_inner();
            assert_eq!(answer.status.unwrap().code, 0, "a signed token is allowed");
            clock.elapsed().saturating_sub(due)
        });
    }
    let mut times = calls.join_all().await;
    times.sort_unstable();
    times
}

struct Flood {
    stopped: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    calls: tokio::task::JoinSet<()>,
}

impl Flood {
    fn start(threads: &Handle, client: &Client, token: &str) -> Self {
        let mut flood = Self {
            stopped: Arc::default(),
            answered: Arc::default(),
            calls: tokio::task::JoinSet::new(),
        };
        for _ in 0..IN_FLIGHT {
            let (stopped, answered) = (flood.stopped.clone(), flood.answered.clone());
            let (mut client, request) = (client.clone(), request(token));
            let call = async move {
                while !stopped.load(Ordering::Relaxed) {
                    let mut request = tonic::Request::new(request.clone());
                    request.set_timeout(Duration::from_millis(200));
                    if client.check(request).await.is_ok() {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            };
            flood.calls.spawn_on(call, threads);
        }
        flood
    }

    async fn stop(self) -> usize {
        self.stopped.store(true, Ordering::Relaxed);
        self.calls.join_all().await;
        self.answered.load(Ordering::Relaxed)
    }
}

fn request(token: &str) -> CheckRequest {
    let http = HttpRequest {
        method: "GET".into(),
        path: "/orders".into(),
        host: "shop.example".into(),
        headers: vec![HeadersEntry {
            key: "authorization".into(),
            value: format!("Bearer {token}").into(),
        }],
        header_map: None,
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    }
}

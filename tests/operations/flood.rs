//! More calls than the server can judge: each is answered, and other clients are not delayed.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use watchword::wire::envoy::service::auth::v3::attribute_context::HttpRequest;
use watchword::wire::envoy::service::auth::v3::attribute_context::Request;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use watchword_test_support::build_folder;
use watchword_test_support::instance::Instance;
use watchword_test_support::settings::good_token;

use crate::{RUNTIME, alone, say};

/// Calls at a time on one connection.
const STREAMS: usize = 64;
/// Places for the calls of four connections, and for less than those of one.
const PLACES: usize = 4 * STREAMS;
const FEW_PLACES: usize = 16;
/// Memory that a flood must not exceed, in KiB; a debug build at rest has some 60 MiB.
const MAX_MEMORY: usize = 256 * 1024;
/// The highest p99 latency of well-behaved calls, on a machine that the flood keeps busy.
const MAX_P99: Duration = Duration::from_secs(1);

#[test]
fn a_flood_is_answered_and_others_are_not_held_up() {
    let _machine = alone();
    RUNTIME.block_on(async {
        let folder = build_folder().join(format!("operations/{}/flood", std::process::id()));
        let mut server = Instance::new(folder);
        start(&mut server, PLACES).await;
        // Two hostile connections cannot take every place.
        let hostile = flood(&server, 2, 6000).await;
        say(format!(
            "{PLACES} places, 2 hostile connections: {hostile:?}"
        ));
        assert_eq!(hostile.odd, 0);
        assert_eq!(hostile.polite_overloaded, 0, "a place is left for others");
        assert!(hostile.p99 < MAX_P99, "{hostile:?}");
        assert!(server.stop().await.success());

        // Eight connections can take all of a few places, and are refused.
        start(&mut server, FEW_PLACES).await;
        let overload = flood(&server, 8, 6000).await;
        say(format!(
            "{FEW_PLACES} places, 8 hostile connections: {overload:?}"
        ));
        assert_eq!(overload.odd, 0);
        assert!(overload.overloaded > 0, "{overload:?}");
        assert!(overload.p99 < MAX_P99, "{overload:?}");
        assert!(overload.memory < MAX_MEMORY, "{overload:?}");
        let mut client = client(server.grpc).await;
        let said = ask(&mut client, &good_token()).await;
        assert_eq!(said, Said::Verdict, "it is over at once");
        assert!(server.stop().await.success());
    });
}

async fn start(server: &mut Instance, places: usize) {
    server.write(
        "watchword.yaml",
        &settings(server.grpc, server.admin, places),
    );
    server.start();
    server.ready().await;
}

fn settings(grpc: SocketAddr, admin: SocketAddr, places: usize) -> String {
    json!({
        "server": {
            "grpc": {"address": grpc, "max_concurrent_streams": STREAMS},
            "admin": {"address": admin},
            "max_in_flight": places, "drain": "0s",
        },
        // Each call costs a signature check.
        "token_cache": {"max_entries": 0},
        "issuers": {"corp": {
            "issuer": "https://idp.example.com", "audiences": ["orders-api"],
            "jwks": {"file": "keys.json"},
        }},
    })
    .to_string()
}

/// The results of a flood.
#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Flood {
    verdicts: usize,
    overloaded: usize,
    /// Neither.
    odd: usize,
    polite_calls: usize,
    polite_overloaded: usize,
    p99: Duration,
    seconds: f64,
    /// The peak memory of the process, in KiB.
    memory: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Verdict,
    Overloaded,
    Odd,
}

impl Said {
    fn place(self) -> usize {
        match self {
            Self::Verdict => 0,
            Self::Overloaded => 1,
            Self::Odd => 2,
        }
    }
}

/// Floods the server with calls on several connections, while a well-behaved client makes one call
/// after the other.
async fn flood(server: &Instance, connections: usize, calls: usize) -> Flood {
    let token = Arc::new(good_token());
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let begun = Instant::now();
    let mut hostile = JoinSet::new();
    for _ in 0..connections {
        let channel = client(server.grpc).await;
        for _ in 0..STREAMS * 2 {
            let (mut channel, token, counts) = (channel.clone(), token.clone(), counts.clone());
            let calls = calls / STREAMS / 2;
            hostile.spawn(async move {
                for _ in 0..calls {
                    let said = ask(&mut channel, &token).await;
                    counts[said.place()].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    let over = Arc::new(AtomicBool::new(false));
    let polite = tokio::spawn(ask_politely(client(server.grpc).await, over.clone()));
    hostile.join_all().await;
    over.store(true, Ordering::Relaxed);
    let (mut times, polite_overloaded) = polite.await.expect("it ends");
    times.sort_unstable();
    let count = |said: Said| counts[said.place()].load(Ordering::Relaxed);
    Flood {
        verdicts: count(Said::Verdict),
        overloaded: count(Said::Overloaded),
        odd: count(Said::Odd),
        polite_calls: times.len(),
        polite_overloaded,
        p99: times[times.len() * 99 / 100],
        seconds: begun.elapsed().as_secs_f64(),
        memory: memory(server.id()),
    }
}

async fn ask_politely(
    mut client: AuthorizationClient<Channel>,
    over: Arc<AtomicBool>,
) -> (Vec<Duration>, usize) {
    let token = good_token();
    let (mut times, mut overloaded) = (Vec::new(), 0);
    while !over.load(Ordering::Relaxed) || times.is_empty() {
        let begun = Instant::now();
        overloaded += usize::from(ask(&mut client, &token).await == Said::Overloaded);
        times.push(begun.elapsed());
    }
    (times, overloaded)
}

async fn client(address: SocketAddr) -> AuthorizationClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URI");
    let mut client = AuthorizationClient::new(endpoint.connect().await.expect("a connection"));
    // A client that has not yet read the limit on streams opens too many, which are refused
    // (RFC 9113 §5.1.2).
    let said = ask(&mut client, &good_token()).await;
    assert_ne!(said, Said::Odd, "a first call is answered");
    client
}

async fn ask(client: &mut AuthorizationClient<Channel>, token: &str) -> Said {
    let headers = vec![HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    }];
    let http = HttpRequest {
        method: "GET".into(),
        path: "/orders".into(),
        headers,
        ..HttpRequest::default()
    };
    let request = CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    };
    let code = match client.check(request).await {
        Ok(answer) => answer.into_inner().status.map(|status| status.code),
        Err(status) => {
            say(format!("a call failed: {status:?}"));
            None
        }
    };
    match code {
        Some(0) => Said::Verdict,
        Some(14) => Said::Overloaded,
        _ => Said::Odd,
    }
}

/// The peak memory of a process so far, in KiB.
fn memory(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

//! The client: a fixed number of calls in flight on two connections, like a proxy with two workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::Channel;
use watchword::clock::Stopwatch;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::server::Server;

const CONNECTIONS: usize = 2;
const IN_FLIGHT: usize = 32;

pub(crate) struct Load {
    runtime: tokio::runtime::Runtime,
}

/// The figures of one round.
pub(crate) struct Round {
    pub(crate) calls_per_second: f64,
    pub(crate) cpu_micros_per_call: f64,
}

impl Load {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Self {
            runtime: runtime.unwrap(),
        }
    }

    /// Calls with these tokens in turn until the time is over.
    pub(crate) fn for_time(&self, server: &Server, tokens: &[String], time: Duration) -> Round {
        let clock = Stopwatch::start();
        self.round(server, tokens, move |_| clock.elapsed() < time)
    }

    /// One call with each token.
    pub(crate) fn once_each(&self, server: &Server, tokens: &[String]) -> Round {
        let count = tokens.len();
        self.round(server, tokens, move |index| index < count)
    }

    fn round<F>(&self, server: &Server, tokens: &[String], go_on: F) -> Round
    where
        F: Fn(usize) -> bool + Clone + Send + 'static,
    {
        let requests: Arc<Vec<CheckRequest>> =
            Arc::new(tokens.iter().map(|t| request(t)).collect());
        let next = Arc::new(AtomicUsize::new(0));
        self.runtime.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..CONNECTIONS {
                let uri = format!("http://{}", server.address);
                let channel = Channel::from_shared(uri).unwrap().connect().await.unwrap();
                clients.push(AuthorizationClient::new(channel));
            }
            let (cpu, clock) = (server.cpu(), Stopwatch::start());
            let mut workers = tokio::task::JoinSet::new();
            for worker in 0..IN_FLIGHT {
                let mut client = clients[worker % CONNECTIONS].clone();
                let (requests, next, go_on) = (requests.clone(), next.clone(), go_on.clone());
                workers.spawn(async move {
                    let mut calls = 0_u32;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if !go_on(index) {
                            return calls;
                        }
                        let request = requests[index % requests.len()].clone();
                        let answer = client.check(request).await.unwrap().into_inner();
                        assert_eq!(
                            answer.status.unwrap().code,
                            0,
                            "the benchmark measures allows"
                        );
                        calls += 1;
                    }
                });
            }
            let calls: u32 = workers.join_all().await.into_iter().sum();
            let (spent, time) = (server.cpu().saturating_sub(cpu), clock.elapsed());
            Round {
                calls_per_second: f64::from(calls) / time.as_secs_f64(),
                cpu_micros_per_call: spent.as_secs_f64() * 1e6 / f64::from(calls),
            }
        })
    }
}

/// The headers that a browser's request has by the time it reaches a sidecar.
fn request(token: &str) -> CheckRequest {
    let bearer = format!("Bearer {token}");
    let headers = [
        (":authority", "shop.example"),
        (":method", "GET"),
        (":path", "/orders/42?expand=items"),
        (":scheme", "https"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br"),
        ("authorization", bearer.as_str()),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        ),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "7f3b1c56-7a1e-4f0e-9d6c-2f1a9e0f4c11"),
    ];
    let field = |(key, value): (&'static str, &str)| HeadersEntry {
        key: key.into(),
        value: value.to_owned().into(),
    };
    let http = HttpRequest {
        method: "GET".into(),
        path: "/orders/42?expand=items".into(),
        host: "shop.example".into(),
        headers: headers.map(field).to_vec(),
        header_map: None,
    };
    let request = Some(Request { http: Some(http) });
    CheckRequest {
        attributes: Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        }),
    }
}

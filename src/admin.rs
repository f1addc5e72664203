//! HTTP for operators: key sets, metrics, liveness and readiness.
//!
//! Plain HTTP on an address of its own, meant for loopback or the inside of a cluster. It shows no
//! secret, and changes only the time of the next fetch.

mod keys;
mod metrics;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::warn;

use crate::grpc;
use crate::listen::{ByteStream, Listener};
use crate::telemetry::Exposition;

/// Most connections at a time. Decisions need file descriptors too.
const MAX_CONNECTIONS: usize = 32;
/// Largest head of a request, in bytes, and most headers in it.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// Longest time until a request has come, and until it is answered. A client that sends nothing
/// holds a connection for the first.
const MAX_HEADER_TIME: Duration = Duration::from_millis(500);
const MAX_TIME: Duration = Duration::from_secs(5);
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

const INDEX: &str = "\
Watchword

GET  /livez                      ok while the process answers
GET  /readyz                     ok once required issuers have had keys; ?verbose shows more
GET  /metrics                    metrics for Prometheus
GET  /jwks                       sources of keys and their last errors
GET  /jwks/keys?issuer=NAME      the public keys of an issuer
POST /jwks/refresh?issuer=NAME   fetches keys now; of all issuers without a name
";

#[derive(Debug)]
pub(crate) struct AdminPages {
    state: Arc<grpc::State>,
    registry: Registry,
    ready: watch::Receiver<bool>,
}

impl AdminPages {
    pub(crate) fn new(state: Arc<grpc::State>, ready: watch::Receiver<bool>) -> Self {
        let registry = metrics::registry(&state);
        Self {
            state,
            registry,
            ready,
        }
    }

    /// Serves until the task is ended.
    pub(crate) async fn serve(self, listener: Listener) {
        let pages = Router::new()
            .route("/", get(|| async { INDEX }))
            .route("/jwks", get(keys::list))
            .route("/jwks/keys", get(keys::public))
            .route("/jwks/refresh", post(keys::refresh))
            .route("/metrics", get(show_metrics))
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(readiness::show))
            .with_state(Arc::new(self));
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            // The semaphore is never closed.
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok(stream) => {
                    let service = TowerToHyperService::new(pages.clone());
                    connections.spawn(async move {
                        answer(stream.boxed(), service).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection of an operator");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }
}

/// Answers one request, and closes the connection. Errors and timeouts close it too.
async fn answer(stream: Box<dyn ByteStream>, pages: TowerToHyperService<Router>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEADER_TIME)
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), pages);
    let _ = tokio::time::timeout(MAX_TIME, connection).await;
}

async fn show_metrics(
    State(admin): State<Arc<AdminPages>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT);
    let form = Exposition::accepted(accept.and_then(|accept| accept.to_str().ok()));
    let content_type = [(header::CONTENT_TYPE, form.content_type())];
    match form.write(&admin.registry) {
        Ok(text) => (StatusCode::OK, content_type, text),
        Err(error) => {
            let text = format!("# {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, content_type, text)
        }
    }
}

//! HTTP for operators: key sets, metrics, liveness and readiness; and for issuers, on an address of
//! its own: the public keys that tokens are encrypted to.
//!
//! Plain HTTP, meant for loopback or the inside of a cluster. It shows no secret, and changes only
//! the time of the next fetch.

mod http;
mod keys;
mod metrics;
mod public_keys;
mod readiness;

pub(crate) use public_keys::PublicKeyPages;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::grpc;
use crate::listen::Listener;
use crate::telemetry::Exposition;

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
        http::serve(listener, pages).await;
    }
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

//! HTTP for operators: key sets, metrics, and whether the server lives and is ready.
//!
//! Plain HTTP on an address of its own, meant for loopback or the inside of a cluster. It tells no secret, and changes
//! nothing but the time of the next fetch.

mod keys;
mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::warn;

use crate::jwks::KeySources;
use crate::policy::Policy;
use crate::telemetry::Metrics;

pub use metrics::Registry;

/// What the pages are made from.
#[derive(Debug)]
pub struct Admin {
    policy: Arc<Policy>,
    keys: Arc<KeySources>,
    registry: Registry,
    ready: watch::Receiver<bool>,
}

impl Admin {
    /// Pages about this server.
    #[must_use]
    pub fn new(
        policy: Arc<Policy>,
        keys: Arc<KeySources>,
        metrics: &Metrics,
        ready: watch::Receiver<bool>,
    ) -> Self {
        let registry = Registry::new(&policy, &keys, metrics);
        Self {
            policy,
            keys,
            registry,
            ready,
        }
    }

    /// Serves until the task is ended.
    pub async fn serve(self, listener: TcpListener, address: SocketAddr) {
        let pages = Router::new()
            .route("/jwks", get(keys::list))
            .route("/jwks/refresh", post(keys::refresh))
            .route("/metrics", get(show_metrics))
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(Arc::new(self));
        if let Err(error) = axum::serve(listener, pages).await {
            warn!(%address, %error, "the admin listener ended");
        }
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    if *admin.ready.borrow() {
        (StatusCode::OK, "ok\n")
    } else {
        let text = "keys of a required issuer have never been available: see /jwks\n";
        (StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

async fn show_metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, Registry::CONTENT_TYPE)];
    match admin.registry.text() {
        Ok(text) => (StatusCode::OK, content_type, text),
        Err(error) => {
            let text = format!("# {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, content_type, text)
        }
    }
}

//! Serves the public keys that issuers encrypt tokens to, as JWK sets. They have their own
//! listener, because issuers must reach it, but not the other administrative pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::grpc;
use crate::listen::Listener;
use crate::policy::{IssuerId, Policy};

use super::http;

/// An issuer that respects this uses a new key within five minutes.
const CACHE_CONTROL: &str = "public, max-age=300";

/// The pages with public keys.
#[derive(Debug)]
pub(crate) struct PublicKeyPages {
    state: Arc<grpc::State>,
}

impl PublicKeyPages {
    pub(crate) fn new(state: Arc<grpc::State>) -> Self {
        Self { state }
    }

    /// Serves until its task is aborted.
    pub(crate) async fn serve(self, listener: Listener) {
        let pages = Router::new()
            .route("/.well-known/jwks.json", get(of_all))
            .route("/issuers/{name}/jwks.json", get(of_issuer))
            .with_state(Arc::new(self));
        http::serve(listener, pages).await;
    }
}

async fn of_all(State(pages): State<Arc<PublicKeyPages>>) -> Response {
    key_set(&pages.state.generation().policy, None)
}

async fn of_issuer(State(pages): State<Arc<PublicKeyPages>>, Path(name): Path<String>) -> Response {
    let policy = &pages.state.generation().policy;
    let mut named = policy.issuers_where(|issuer| *issuer.name == *name);
    match named.next() {
        Some(issuer) => key_set(policy, Some(issuer)),
        None => (StatusCode::NOT_FOUND, "no such issuer\n").into_response(),
    }
}

fn key_set(policy: &Policy, issuer: Option<IssuerId>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, CACHE_CONTROL),
    ];
    let keys = policy.public_keys(issuer);
    (headers, keys).into_response()
}

//! A small HTTP/1 server: one request a connection, bounded in number, size and time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::warn;

use crate::listen::{ByteStream, Listener};

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

/// Serves until the task is ended.
pub(super) async fn serve(listener: Listener, pages: Router) {
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
                let address = listener.address();
                warn!(%error, %address, "cannot accept an HTTP connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
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

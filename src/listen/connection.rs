//! One connection: its handshake, its calls, and its end.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;
use tower_service::Service as _;
use tracing::debug;

use super::address::{Io, Stream};
use super::linger::Lingering;
use super::{Counts, Limits, OnArrival, Peer, Tls};

/// Longest time for a TLS handshake, or for the first byte where there is none (TCP).
const OPENING: Duration = Duration::from_secs(10);
/// Most calls that a client may have withdrawn before they were looked at (CVE-2023-44487). A proxy with timeouts does so
/// when the server is slow.
const MAX_PENDING_RESETS: usize = 64;
/// Most streams that may be reset because of a client's errors.
const MAX_ERROR_RESETS: usize = 1024;

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) routes: Routes,
    pub(super) on_arrival: OnArrival,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) counts: Arc<Counts>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Ends when its other half is dropped.
pub(super) type Turn = oneshot::Receiver<Infallible>;

impl Shared {
    /// Serves a connection until it ends. `turn` ends its opening early.
    pub(super) async fn serve(&self, stream: Stream, turn: Turn) {
        let opened = tokio::select! {
            opened = timeout(OPENING, self.open(stream)) => opened.unwrap_or_else(|late| Err(late.into())),
            _ = turn => Err(io::Error::other("it made room for others")),
        };
        match opened {
            Ok((io, peer)) => self.answer(io, peer).await,
            Err(error) => {
                self.counts.never_opened.fetch_add(1, Ordering::Relaxed);
                debug!(%error, "a connection did not come about");
            }
        }
    }

    async fn open(&self, stream: Stream) -> io::Result<(Box<dyn Io>, Option<Peer>)> {
        let Some(tls) = &self.tls else {
            stream.heard().await?;
            return Ok((stream.boxed(), None));
        };
        let acceptor = TlsAcceptor::from(tls.current());
        let stream = acceptor.accept(stream.boxed()).await?;
        let peer = Peer::verified(stream.get_ref().1.peer_certificates());
        Ok((Box::new(stream), peer))
    }

    async fn answer(&self, io: Box<dyn Io>, peer: Option<Peer>) {
        let service = service_fn(|mut call: Request<Incoming>| {
            if let Some(peer) = &peer {
                call.extensions_mut().insert(peer.clone());
            }
            (self.on_arrival)(&mut call);
            self.routes.clone().call(call)
        });
        let io = TokioIo::new(Lingering::new(io));
        let mut connection = pin!(self.http2().serve_connection(io, service));
        let grace = tokio::select! {
            ended = &mut connection => return report(ended),
            () = sleep(about(self.limits.max_connection_age)) => self.limits.max_connection_age_grace,
            // Whoever stops the server says for how long.
            () = stopped(self.stop.clone()) => Duration::MAX,
        };
        // GOAWAY: what is in flight, or on its way, is answered.
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = timeout(grace, connection).await {
            report(ended);
        } else {
            debug!("a connection did not end in time");
        }
    }

    fn http2(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.keepalive_interval)
            .keep_alive_timeout(self.limits.keepalive_timeout)
            .max_concurrent_streams(self.limits.max_concurrent_streams)
            .max_header_list_size(self.limits.max_header_list_size)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_ERROR_RESETS);
        builder
    }
}

/// Waits until the server stops.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // Fails where the server is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Up to a tenth more or less, so that connections which began together do not end together.
fn about(age: Duration) -> Duration {
    age.mul_f64(0.9 + 0.2 * fastrand::f64())
}

fn report(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        debug!(%error, "a connection failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let age = Duration::from_secs(100);
        let ages: Vec<_> = (0..1000).map(|_| about(age)).collect();
        let (shortest, longest) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        assert!(*shortest >= Duration::from_secs(90) && *shortest < Duration::from_secs(95));
        assert!(*longest > Duration::from_secs(105) && *longest <= Duration::from_secs(110));
    }
}

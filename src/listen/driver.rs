//! Drives one connection: its handshake, its calls, and its end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tracing::field::display;
use tracing::{debug, warn};

use super::address::{AcceptedStream, ByteStream};
use super::limited_io::{LimitedIo, ReadBudget};
use super::linger::Lingering;
use super::{
    BegunCall, CallHandler, CallKind, Connection, ConnectionCounts, Limits, ListenerBudget, Peer,
    Tls, WarningInterval,
};

/// Longest time for a TLS handshake, or for the first byte if there is none (TCP).
const MAX_HANDSHAKE: Duration = Duration::from_secs(10);
/// Most calls that a client may cancel before the server has looked at them (CVE-2023-44487). A
/// proxy with timeouts cancels some when the server is slow.
const MAX_PENDING_RESETS: usize = 64;
/// Most streams that may be reset because of a client's errors.
const MAX_ERROR_RESETS: usize = 1024;
/// Bytes of messages that may be on their way, on a stream and on a connection (RFC 9113 §6.9).
/// HTTP/2 holds them until a call reads them.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// The table by which a client may shorten headers (RFC 7541 §4.2). An entry may keep the buffer of
/// the frame that it came in.
const HEADER_TABLE: u32 = 512;
/// Longest time from a call's metadata to the last byte of its answer. Its message, the wait for a
/// key and the answer have 10 s each at most.
const MAX_CALL: Duration = Duration::from_secs(30);
/// Longest time that an evicted connection has to end: as long as a call may wait for a key.
const EVICTION_GRACE: Duration = Duration::from_secs(10);

/// The first byte of a TLS connection: the type of a record with a handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

pub(super) struct ConnectionDriver {
    pub(super) handler: Arc<dyn CallHandler>,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) budget: ListenerBudget,
    pub(super) counts: Arc<ConnectionCounts>,
    pub(super) handshake_warnings: WarningInterval,
    pub(super) stop: watch::Receiver<bool>,
}

impl ConnectionDriver {
    pub(super) async fn serve(&self, stream: AcceptedStream, connection: Arc<Connection>) {
        let opened = timeout(MAX_HANDSHAKE, self.open(stream)).await;
        match opened.unwrap_or_else(|late| Err(late.into())) {
            Ok((io, peer)) => {
                connection.set_open(peer);
                self.answer(io, connection).await;
            }
            Err(error) => {
                self.counts.never_opened.fetch_add(1, Ordering::Relaxed);
                debug!(%error, "a connection did not come about");
            }
        }
    }

    async fn open(
        &self,
        stream: AcceptedStream,
    ) -> io::Result<(Box<dyn ByteStream>, Option<Peer>)> {
        let Some(tls) = &self.tls else {
            stream.first_byte().await?;
            return Ok((stream.boxed(), None));
        };
        let (remote, first_byte) = (stream.remote(), stream.first_byte().await?);
        let acceptor = TlsAcceptor::from(tls.current());
        let stream = acceptor.accept(stream.boxed()).await;
        let stream =
            stream.inspect_err(|error| self.warn_of_handshake(remote, first_byte, error))?;
        let peer = Peer::verified(stream.get_ref().1.peer_certificates());
        Ok((Box::new(stream), peer))
    }

    /// Not of connections without a byte, as probes make them.
    fn warn_of_handshake(
        &self,
        remote: Option<SocketAddr>,
        first_byte: Option<u8>,
        error: &io::Error,
    ) {
        let Some(first_byte) = first_byte else { return };
        let Some(count) = self.handshake_warnings.count() else {
            return;
        };
        let last_peer = remote.map(display);
        if first_byte == TLS_HANDSHAKE {
            warn!(count, last_peer, %error, "TLS handshakes failed");
        } else {
            warn!(count, last_peer, %error, "TLS handshakes failed; the last client uses no TLS");
        }
    }

    async fn answer(&self, io: Box<dyn ByteStream>, connection: Arc<Connection>) {
        let executor = CallExecutor::default();
        let service = service_fn(|call: Request<Incoming>| {
            let BegunCall { kind, answer } = self.handler.begin(call.map(Body::new), &connection);
            executor.expect(kind);
            let connection = connection.clone();
            async move {
                let answer = answer.await;
                if kind != CallKind::Refused {
                    connection.record_answer();
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let read_budget = ReadBudget::default();
        let memory = connection.memory.clone();
        let io = LimitedIo::new(io, read_budget.clone(), memory, &self.limits);
        let io = TokioIo::new(Lingering::new(io));
        let http2 = self.http2(&executor).serve_connection(io, service);
        let mut http2 = read_budget.refilled_by(http2);
        let grace = tokio::select! {
            ended = &mut http2 => return log_end(ended),
            () = connection.immediate_close.notified() => return debug!(UNREAD),
            () = connection.graceful_close.notified() => EVICTION_GRACE,
            () = sleep(jittered(self.limits.max_connection_age)) => {
                self.limits.max_connection_age_grace
            }
            // Whoever stops the server bounds the time.
            () = stopped(self.stop.clone()) => Duration::MAX,
        };
        // GOAWAY: calls in flight, or on their way, are answered.
        http2.future.as_mut().graceful_shutdown();
        tokio::select! {
            ended = timeout(grace, http2) => if let Ok(ended) = ended {
                log_end(ended);
            } else {
                debug!("a connection did not end in time");
            },
            () = connection.immediate_close.notified() => debug!(UNREAD),
        }
    }

    fn http2(&self, executor: &CallExecutor) -> Builder<CallExecutor> {
        let mut builder = Builder::new(executor.clone());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.keepalive_interval)
            .keep_alive_timeout(self.limits.keepalive_timeout)
            .max_concurrent_streams(self.limits.max_concurrent_streams)
            .max_header_list_size(self.limits.max_header_list_size)
            .header_table_size(HEADER_TABLE)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .max_local_error_reset_streams(MAX_ERROR_RESETS);
        builder
    }
}

/// Runs the calls of a connection, each for a bounded time. hyper calls `execute` right after the
/// service has returned the call's future.
#[derive(Clone, Debug, Default)]
struct CallExecutor {
    next_is_long_lived: Arc<AtomicBool>,
}

impl CallExecutor {
    fn expect(&self, kind: CallKind) {
        let is_long_lived = kind == CallKind::LongLived;
        self.next_is_long_lived
            .store(is_long_lived, Ordering::Relaxed);
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for CallExecutor {
    fn execute(&self, call: F) {
        if self.next_is_long_lived.swap(false, Ordering::Relaxed) {
            tokio::spawn(call);
        } else {
            tokio::spawn(timeout(MAX_CALL, call));
        }
    }
}

const UNREAD: &str = "a connection left too many answers unread";

pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // Fails if the server is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Up to a tenth more or less, so that connections which began together do not end together.
fn jittered(age: Duration) -> Duration {
    age.mul_f64(0.9 + 0.2 * fastrand::f64())
}

fn log_end(ended: hyper::Result<()>) {
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
        let ages: Vec<_> = (0..1000).map(|_| jittered(age)).collect();
        let (shortest, longest) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        assert!(*shortest >= Duration::from_secs(90) && *shortest < Duration::from_secs(95));
        assert!(*longest > Duration::from_secs(105) && *longest <= Duration::from_secs(110));
    }
}

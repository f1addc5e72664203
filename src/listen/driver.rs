//! One connection: its handshake, its calls, and its end.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
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
use tonic::service::Routes;
use tower_service::Service as _;
use tracing::debug;

use super::address::{AcceptedStream, ByteStream};
use super::limited_io::{LimitedIo, ReadBudget};
use super::linger::Lingering;
use super::{
    CallKind, Connection, ConnectionCounts, ConnectionMemory, Limits, OnArrival, Peer, Tls,
};

/// Longest time for a TLS handshake, or for the first byte where there is none (TCP).
const OPENING: Duration = Duration::from_secs(10);
/// Most calls that a client may have withdrawn before they were looked at (CVE-2023-44487). A proxy with timeouts does so
/// when the server is slow.
const MAX_PENDING_RESETS: usize = 64;
/// Most streams that may be reset because of a client's errors.
const MAX_ERROR_RESETS: usize = 1024;
/// Bytes of messages that may be on their way, on a stream and on a connection (RFC 9113 §6.9): what
/// HTTP/2 holds until a call reads it.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// The table by which a client may shorten headers (RFC 7541 §4.2). An entry may keep the buffer of
/// the frame that it came in.
const HEADER_TABLE: u32 = 512;
/// What a block of headers costs in memory until it is complete, for each byte of its largest size.
const BLOCK_FACTOR: usize = 4;
/// Longest time from a call's metadata to the last byte of its answer; its message, the wait for a key
/// and the answer each have 10 s at most. Calls without an end are not held to it.
const LONGEST_CALL: Duration = Duration::from_secs(30);
/// Longest time that a connection has to end, once it makes room for another: as long as a call may
/// wait for a key.
const LEAVING: Duration = Duration::from_secs(10);

/// What all connections of a listener share.
pub(super) struct ConnectionDriver {
    pub(super) routes: Routes,
    pub(super) on_arrival: OnArrival,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) memory: ConnectionMemory,
    pub(super) counts: Arc<ConnectionCounts>,
    pub(super) stop: watch::Receiver<bool>,
}

impl ConnectionDriver {
    /// Serves a connection until it ends.
    pub(super) async fn serve(&self, stream: AcceptedStream, connection: Connection) {
        let opened = timeout(OPENING, self.open(stream)).await;
        match opened.unwrap_or_else(|late| Err(late.into())) {
            Ok((io, peer)) => {
                connection.set_open();
                self.answer(io, peer, connection).await;
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
            stream.wait_for_first_byte().await?;
            return Ok((stream.boxed(), None));
        };
        let acceptor = TlsAcceptor::from(tls.current());
        let stream = acceptor.accept(stream.boxed()).await?;
        let peer = Peer::verified(stream.get_ref().1.peer_certificates());
        Ok((Box::new(stream), peer))
    }

    async fn answer(&self, io: Box<dyn ByteStream>, peer: Option<Peer>, connection: Connection) {
        let calls = CallExecutor::default();
        let service = service_fn(|mut call: Request<Incoming>| {
            if let Some(peer) = &peer {
                call.extensions_mut().insert(peer.clone());
            }
            let length = (self.on_arrival)(&mut call, &connection);
            calls.expect(length);
            let answer = self.routes.clone().call(call);
            let connection = connection.clone();
            async move {
                let answer = answer.await;
                if length != CallKind::Refused {
                    connection.record_answer();
                }
                answer
            }
        });
        let read_budget = ReadBudget::default();
        let block = usize::try_from(self.limits.max_header_list_size).unwrap_or(usize::MAX);
        let block = block.saturating_mul(BLOCK_FACTOR);
        let io = LimitedIo::new(io, read_budget.clone(), connection.memory().clone(), block);
        let io = TokioIo::new(Lingering::new(io));
        let mut http2 = pin!(self.http2(&calls).serve_connection(io, service));
        let mut serving = poll_fn(|context| {
            read_budget.refill();
            http2.as_mut().poll(context)
        });
        let grace = tokio::select! {
            ended = &mut serving => return report(ended),
            () = connection.close_now_requested() => return debug!("a connection left its answers untaken"),
            () = connection.graceful_close_requested() => LEAVING,
            () = sleep(about(self.limits.max_connection_age)) => self.limits.max_connection_age_grace,
            // Whoever stops the server says for how long.
            () = stopped(self.stop.clone()) => Duration::MAX,
        };
        // GOAWAY: what is in flight, or on its way, is answered.
        http2.as_mut().graceful_shutdown();
        let ending = timeout(
            grace,
            poll_fn(|context| {
                read_budget.refill();
                http2.as_mut().poll(context)
            }),
        );
        tokio::select! {
            ended = ending => if let Ok(ended) = ended {
                report(ended);
            } else {
                debug!("a connection did not end in time");
            },
            () = connection.close_now_requested() => debug!("a connection left its answers untaken"),
        }
    }

    fn http2(&self, calls: &CallExecutor) -> Builder<CallExecutor> {
        let mut builder = Builder::new(calls.clone());
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

/// Runs the calls of a connection, each for so long at most. HTTP/2 has a call begun right after the
/// service has said how long it may last.
#[derive(Clone, Debug, Default)]
struct CallExecutor {
    next_lasts: Arc<AtomicBool>,
}

impl CallExecutor {
    fn expect(&self, length: CallKind) {
        let lasts = length == CallKind::LongLived;
        self.next_lasts.store(lasts, Ordering::Relaxed);
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for CallExecutor {
    fn execute(&self, call: F) {
        if self.next_lasts.swap(false, Ordering::Relaxed) {
            tokio::spawn(call);
        } else {
            tokio::spawn(timeout(LONGEST_CALL, call));
        }
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

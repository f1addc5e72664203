//! Reads the one message of a unary gRPC call, within bounds of size, time and memory.
//!
//! tonic answers an oversized, compressed, cut or undecodable message with a gRPC error before any
//! code of ours runs. Envoy takes that for a fault of the service, and `failure_mode_allow` turns
//! it into an allow. Here, each of them is [`Unreadable`], which becomes a denial.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use tonic::body::Body;

use crate::memory::Reservation;
use crate::token::Denial;

use super::framing::{PREFIX, framed_length};

/// Largest request message, in bytes.
pub(super) const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Longest time for a request to arrive whole.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Messages up to this size, in bytes, arrive in buffers that are larger.
const SHORT: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not one message in gRPC framing, within the limits.
    Malformed,
    /// There is no memory for it.
    Overloaded,
}

impl From<Unreadable> for Denial {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Malformed => Self::RequestMalformed,
            Unreadable::Overloaded => Self::Overloaded,
        }
    }
}

/// Reads a message of at most `max` bytes. It reserves memory as it arrives.
pub(super) async fn read(
    body: Body,
    max: usize,
    memory: &Reservation,
) -> Result<Bytes, Unreadable> {
    let received = tokio::time::timeout(MAX_WAIT, collect(body, max, memory)).await;
    let mut received = received.map_err(|_| Unreadable::Malformed)??;
    if framed_length(&received, max)? == Some(received.len()) {
        received.advance(PREFIX);
        Ok(received)
    } else {
        Err(Unreadable::Malformed)
    }
}

/// Reads a message and discards it, within the bounds of size and time of one that is kept.
///
/// A refused call is read to its end, too: its sender takes a message that is cut off for an error.
pub(super) async fn discard(mut body: Body) {
    let read_all = async {
        let mut length = 0;
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > MAX_MESSAGE + PREFIX {
                return;
            }
        }
    };
    // A message that takes longer is cut off.
    let _ = tokio::time::timeout(MAX_WAIT, read_all).await;
}

/// Copies a short message out of the buffer that it was read into, before it is kept for a while.
pub(super) fn without_spare_buffer(message: Bytes) -> Bytes {
    match message.len() {
        ..=SHORT => Bytes::copy_from_slice(&message),
        _ => message,
    }
}

/// Collects the data of a body. A single frame, which is the rule, is returned without a copy.
async fn collect(mut body: Body, max: usize, memory: &Reservation) -> Result<Bytes, Unreadable> {
    let (mut first, mut joined) = (Bytes::new(), Vec::new());
    loop {
        let mut next = pin!(body.frame());
        let frame = if let Poll::Ready(frame) = poll_once(next.as_mut()).await {
            frame
        } else {
            // A frame keeps the buffer that it was read into, so it is copied before the wait.
            append(&mut joined, &std::mem::take(&mut first), max, memory)?;
            next.await
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Unreadable::Malformed)?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            append(&mut joined, &std::mem::take(&mut first), max, memory)?;
            append(&mut joined, &data, max, memory)?;
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

/// Appends to a message, and reserves the memory that it needs. The buffer at most doubles: the
/// announced size counts only as far as the message has arrived.
fn append(
    joined: &mut Vec<u8>,
    data: &[u8],
    max: usize,
    memory: &Reservation,
) -> Result<(), Unreadable> {
    let length = joined.len() + data.len();
    let head: Vec<u8> = joined.iter().chain(data).take(PREFIX).copied().collect();
    let expected = framed_length(&head, max)?.unwrap_or(PREFIX);
    if length > expected.max(PREFIX) {
        return Err(Unreadable::Malformed);
    }
    if length > joined.capacity() {
        let capacity = length.max(expected.min(2 * joined.capacity()));
        // A call that waited for memory would hold the connection's flow control, and so block the
        // other calls of its connection.
        if !memory.try_grow(capacity - joined.capacity()) {
            return Err(Unreadable::Overloaded);
        }
        joined.reserve_exact(capacity - joined.len());
    }
    joined.extend_from_slice(data);
    Ok(())
}

pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

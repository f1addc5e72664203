//! A unary gRPC call, read and answered by hand, so that nothing a caller sends becomes a gRPC error.
//!
//! Envoy takes a gRPC error for a fault of the service, and `failure_mode_allow` turns that into an
//! allow. tonic answers an oversized, compressed, cut or undecodable message with an error before any
//! code of ours runs. Here, each of them reaches the handler as [`Unreadable`], which denies.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;

use super::call::Unreadable;

/// Largest request message, in bytes. Also the most that a call may make the server hold.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Longest time for a request to arrive whole.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Length of the prefix of a message: a flag byte and four bytes of length.
pub(super) const PREFIX: usize = 5;

/// Messages up to this size are taken at once; it holds every request without a body.
const SMALL: usize = 64 * 1024;
/// Most larger messages that are held at a time, of all connections together.
static LARGE: Semaphore = Semaphore::const_new(32);

/// Reads the one message of a unary call.
pub(super) async fn read_message(body: Body) -> Result<Bytes, Unreadable> {
    let received = tokio::time::timeout(MAX_WAIT, collect(body)).await;
    let mut received = received.map_err(|_| Unreadable::Malformed)??;
    if received.len() < PREFIX {
        return Err(Unreadable::Malformed);
    }
    let compressed = received.get_u8() != 0;
    let length = usize::try_from(received.get_u32()).map_err(|_| Unreadable::Malformed)?;
    if compressed || received.len() != length {
        return Err(Unreadable::Malformed);
    }
    Ok(received)
}

/// Lets a message pass, within the limits of one that is read.
pub(super) async fn drain(mut body: Body) {
    let pass = async {
        let mut length = 0;
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > MAX_MESSAGE + PREFIX {
                return;
            }
        }
    };
    // What is late then is cut off.
    let _ = tokio::time::timeout(MAX_WAIT, pass).await;
}

/// How long an answer may take, at most: three quarters of what the caller gives it, which is less by the way here and
/// back. `None` where it does not say, or not in the form of the protocol: up to eight digits and a unit.
pub(super) fn patience(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout / 4 * 3)
}

/// All data of a body; one frame, which is the rule, is handed on without a copy.
async fn collect(mut body: Body) -> Result<Bytes, Unreadable> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    // Given back on return: decoding does not wait, so that a thread has one message at a time.
    let mut turn = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unreadable::Malformed)?.into_data() else {
            continue;
        };
        let length = first.len() + joined.len() + data.len();
        if length > MAX_MESSAGE + PREFIX {
            return Err(Unreadable::Malformed);
        }
        // Refused rather than kept waiting: who waits holds the connection's flow control, and others with it.
        if length > SMALL && turn.is_none() {
            turn = Some(LARGE.try_acquire().map_err(|_| Unreadable::Overloaded)?);
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.freeze()
    })
}

/// A response with a message and status OK. Only an [`super::Answer`] or a [`super::Reply`] may be given: an empty
/// message would be an allow.
pub(super) fn respond(message: &impl prost::Message) -> Response<Body> {
    with_message(framed(message))
}

/// As [`respond`], within the room that is left for answers which nobody has read; else no answer. HTTP/2 keeps what a
/// client does not want to have yet, and this bounds how much that is.
pub(super) fn respond_within(
    room: &Arc<Semaphore>,
    message: &impl prost::Message,
) -> Response<Body> {
    let framed = framed(message);
    match draw(room, framed.len()) {
        Some(room) => respond_framed(framed, room),
        None => fail("14", "too many answers are not read"),
    }
}

/// Room for so many bytes of answers, where there is some left.
pub(super) fn draw(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
    let permits = kib.saturating_add(1);
    room.clone().try_acquire_many_owned(permits).ok()
}

/// A response with a message that has its prefix, and its room.
pub(super) fn respond_framed(framed: Bytes, room: OwnedSemaphorePermit) -> Response<Body> {
    with_message(Bytes::from_owner(Unread {
        framed,
        _room: room,
    }))
}

/// An answer, and its room, until HTTP/2 lets go of it.
struct Unread {
    framed: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.framed
    }
}

fn framed(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.extend_from_slice(&[0]);
    framed.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    // The buffer grows as needed, so encoding cannot fail.
    let _ = message.encode(&mut framed);
    framed.freeze()
}

fn with_message(framed: Bytes) -> Response<Body> {
    response(Body::new(OneMessage {
        message: Some(framed),
        status: Some(("0", "")),
    }))
}

/// A response without a message: the service has no such method.
pub(super) fn unimplemented() -> Response<Body> {
    fail("12", "")
}

/// A response without a message: no verdict, for a code of gRPC and a reason of visible ASCII without `%`.
pub(super) fn fail(code: &'static str, reason: &'static str) -> Response<Body> {
    response(Body::new(OneMessage {
        message: None,
        status: Some((code, reason)),
    }))
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, content_type);
    response
}

/// The body of a response: at most one data frame, then trailers.
struct OneMessage {
    message: Option<Bytes>,
    status: Option<(&'static str, &'static str)>,
}

impl HttpBody for OneMessage {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(message) = self.message.take() {
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        let trailers = self.status.take().map(|(code, reason)| {
            let mut trailers = HeaderMap::with_capacity(2);
            trailers.insert("grpc-status", HeaderValue::from_static(code));
            if !reason.is_empty() {
                trailers.insert("grpc-message", HeaderValue::from_static(reason));
            }
            Ok(Frame::trailers(trailers))
        });
        Poll::Ready(trailers)
    }

    fn is_end_stream(&self) -> bool {
        self.status.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::patience;

    #[test]
    fn a_caller_in_a_hurry_is_answered_before_it_gives_up() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            patience(&headers)
        };
        assert_eq!(patience(&HeaderMap::new()), None);
        assert_eq!(of("200m"), Some(Duration::from_millis(150)));
        assert_eq!(of("4S"), Some(Duration::from_secs(3)));
        assert_eq!(
            of("99999999H"),
            Some(Duration::from_secs(99_999_999 * 2700))
        );
        for bad in ["", "m", "200", "-1m", "+1m", "123456789m", "1x", "1.5S"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}

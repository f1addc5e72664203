//! A unary gRPC call, read and answered by hand, so that nothing a caller sends becomes a gRPC error.
//!
//! Envoy takes a gRPC error for a fault of the service, and `failure_mode_allow` turns that into an
//! allow. tonic answers an oversized, compressed, cut or undecodable message with an error before any
//! code of ours runs. Here, each of them reaches the handler as [`Unreadable`], which denies.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tonic::body::Body;

use crate::memory::Reservation;

use super::call::Unreadable;

/// Largest request message, in bytes.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Longest time for a request to arrive whole.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Length of the prefix of a message: a flag byte and four bytes of length.
pub(super) const PREFIX: usize = 5;

/// Reads the one message of a unary call, which draws memory as it comes.
pub(super) async fn read_message(body: Body, share: &Reservation) -> Result<Bytes, Unreadable> {
    read_message_of(body, MAX_MESSAGE, share).await
}

/// As [`read_message`], with so many bytes at most.
pub(super) async fn read_message_of(
    body: Body,
    most: usize,
    share: &Reservation,
) -> Result<Bytes, Unreadable> {
    let received = tokio::time::timeout(MAX_WAIT, collect(body, most, share)).await;
    let mut received = received.map_err(|_| Unreadable::Malformed)??;
    if expected(&received, most)? == Some(received.len()) {
        received.advance(PREFIX);
        Ok(received)
    } else {
        Err(Unreadable::Malformed)
    }
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
async fn collect(mut body: Body, most: usize, share: &Reservation) -> Result<Bytes, Unreadable> {
    let (mut first, mut joined) = (Bytes::new(), Vec::new());
    loop {
        let mut next = pin!(body.frame());
        let frame = if let Some(frame) = poll_once(next.as_mut()).await {
            frame
        } else {
            // A frame keeps the buffer that it was read into.
            join(&mut joined, &std::mem::take(&mut first), most, share)?;
            next.await
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Unreadable::Malformed)?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            join(&mut joined, &std::mem::take(&mut first), most, share)?;
            join(&mut joined, &data, most, share)?;
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

/// Adds to a message, and draws what it takes up. Its size is believed only as far as it has come.
fn join(
    joined: &mut Vec<u8>,
    data: &[u8],
    most: usize,
    share: &Reservation,
) -> Result<(), Unreadable> {
    let length = joined.len() + data.len();
    let head: Vec<u8> = joined.iter().chain(data).take(PREFIX).copied().collect();
    let expected = expected(&head, most)?.unwrap_or(PREFIX);
    if length > expected.max(PREFIX) {
        return Err(Unreadable::Malformed);
    }
    if length > joined.capacity() {
        let capacity = length.max(expected.min(2 * joined.capacity()));
        // Refused rather than kept waiting: who waits holds the connection's flow control, and others with it.
        if !share.try_grow(capacity - joined.capacity()) {
            return Err(Unreadable::Overloaded);
        }
        joined.reserve_exact(capacity - joined.len());
    }
    joined.extend_from_slice(data);
    Ok(())
}

/// The length of a message with its prefix, as the prefix says; `None` before the prefix has come.
fn expected(received: &[u8], most: usize) -> Result<Option<usize>, Unreadable> {
    let Some([flags, length @ ..]) = received.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if *flags != 0 || length > most {
        return Err(Unreadable::Malformed);
    }
    Ok(Some(PREFIX + length))
}

/// What a future has at once, if it has.
pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// A response with a message and status OK, which holds the call's memory until it is taken. Only an
/// [`super::Answer`] may be given: an empty message would be an allow.
pub(super) fn respond(
    share: Option<&Reservation>,
    message: &impl prost::Message,
) -> Response<Body> {
    let framed = framed(message);
    if let Some(share) = share {
        share.grow(framed.len());
    }
    with_message(held_until_taken(framed, share))
}

/// As [`respond`], where there is memory for the message; else no answer.
pub(super) fn respond_within(
    share: Option<&Reservation>,
    message: &impl prost::Message,
) -> Response<Body> {
    let framed = framed(message);
    if share.is_some_and(|share| !share.try_grow(framed.len())) {
        return fail("14", "too many answers are not read");
    }
    respond_framed(framed, share)
}

/// A response with a message that has its prefix, which holds what was drawn for it until it is taken.
pub(super) fn respond_framed(framed: Bytes, share: Option<&Reservation>) -> Response<Body> {
    with_message(held_until_taken(framed, share))
}

/// HTTP/2 keeps what a client does not want to have yet.
fn held_until_taken(framed: Bytes, share: Option<&Reservation>) -> Bytes {
    match share {
        Some(share) => Bytes::from_owner(Untaken {
            framed,
            _share: share.clone(),
        }),
        None => framed,
    }
}

/// An answer, and its memory, until HTTP/2 lets go of it.
struct Untaken {
    framed: Bytes,
    _share: Reservation,
}

impl AsRef<[u8]> for Untaken {
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

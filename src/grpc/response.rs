//! Responses of unary gRPC calls: one message, or a status without one.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as HttpBody, Frame};
use tonic::Code;
use tonic::body::Body;

use crate::memory::Reservation;

/// The status of a call without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GrpcStatus {
    pub(super) code: Code,
    /// Visible ASCII without `%`.
    pub(super) message: &'static str,
}

impl GrpcStatus {
    pub(super) const fn new(code: Code, message: &'static str) -> Self {
        Self { code, message }
    }

    pub(super) fn response(self) -> Response<Body> {
        response(None, self)
    }
}

/// A response with a framed message and status OK. It holds the call's memory until HTTP/2 has sent
/// the message, which may be long after it was made: a client may not want to have it yet.
pub(super) fn ok(framed: Bytes, memory: Option<Reservation>) -> Response<Body> {
    let framed = match memory {
        Some(memory) => Bytes::from_owner(UnsentMessage {
            framed,
            _memory: memory,
        }),
        None => framed,
    };
    response(Some(framed), GrpcStatus::new(Code::Ok, ""))
}

/// A message, and the memory that it takes, until HTTP/2 drops it.
struct UnsentMessage {
    framed: Bytes,
    _memory: Reservation,
}

impl AsRef<[u8]> for UnsentMessage {
    fn as_ref(&self) -> &[u8] {
        &self.framed
    }
}

fn response(message: Option<Bytes>, status: GrpcStatus) -> Response<Body> {
    let status = Some(status);
    let mut response = Response::new(Body::new(UnaryBody { message, status }));
    let content_type = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, content_type);
    response
}

/// The body of a response: at most one data frame, then trailers.
struct UnaryBody {
    message: Option<Bytes>,
    status: Option<GrpcStatus>,
}

impl HttpBody for UnaryBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(message) = self.message.take() {
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        let trailers = self.status.take().map(|status| {
            let mut trailers = HeaderMap::with_capacity(2);
            let code = match status.code {
                // The status of nearly every call, without an allocation.
                Code::Ok => HeaderValue::from_static("0"),
                code => i32::from(code).into(),
            };
            trailers.insert("grpc-status", code);
            if !status.message.is_empty() {
                let message = HeaderValue::from_static(status.message);
                trailers.insert("grpc-message", message);
            }
            Ok(Frame::trailers(trailers))
        });
        Poll::Ready(trailers)
    }

    fn is_end_stream(&self) -> bool {
        self.status.is_none()
    }
}

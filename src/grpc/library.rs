//! Services of libraries, health and reflection, behind the limits that hold for ours: a call has
//! memory from its arrival until its answer is sent, and its messages are short and arrive in time.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower_service::Service as _;

use crate::listen::{BegunCall, CallKind, Connection, Permit};
use crate::memory::Reservation;

use super::admission::{CALL, reserve_memory, reserve_refusal};
use super::framing::frame_encoded;
use super::message::{self, Unreadable};
use super::response::GrpcStatus;

/// Largest message of such a call, in bytes: names of services are short.
pub(super) const MAX_MESSAGE: usize = 4096;
/// Longest time between two messages of a stream.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// Memory of a long-lived call. Measured with watches of health: 7 KiB each.
const LONG_LIVED: usize = 8 * 1024;
/// Bytes that a client may send on a stream of reflection before it reads its answers.
const UNREAD: usize = 64 * 1024;

const TOO_MANY: GrpcStatus = GrpcStatus::new(
    Code::ResourceExhausted,
    "too many long-lived calls on this connection, or no memory for one more",
);
const TOO_LARGE: GrpcStatus =
    GrpcStatus::new(Code::ResourceExhausted, "no memory for this message");
const UNREADABLE: GrpcStatus = GrpcStatus::new(Code::InvalidArgument, "the message cannot be read");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LibraryMethod {
    /// One message, and an answer.
    Unary,
    /// One message, and answers until the connection ends.
    Watch,
    /// Messages and their answers, in turn.
    Reflection,
}

impl LibraryMethod {
    fn memory(self) -> usize {
        match self {
            Self::Unary => CALL,
            Self::Watch => LONG_LIVED,
            Self::Reflection => LONG_LIVED + UNREAD,
        }
    }
}

/// Begins a call, which `routes` answers. Nothing of its metadata is kept.
pub(super) fn begin(
    routes: &Routes,
    path: &'static str,
    method: LibraryMethod,
    body: Body,
    connection: &Connection,
) -> BegunCall {
    let (kind, permit) = match method {
        LibraryMethod::Unary => (CallKind::Unary, None),
        LibraryMethod::Watch | LibraryMethod::Reflection => {
            let Some(permit) = connection.long_lived_permit() else {
                return refuse(body, reserve_refusal(connection));
            };
            (CallKind::LongLived, Some(permit))
        }
    };
    let memory = match reserve_memory(method.memory(), connection) {
        Ok(memory) => memory,
        Err(refusal) => return refuse(body, refusal),
    };
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = Uri::from_static(path);
    let routes = routes.clone();
    BegunCall {
        kind,
        answer: Box::pin(async move {
            let answer = answer(routes, method, request, &memory).await;
            hold(answer, Some(memory), permit)
        }),
    }
}

pub(super) fn unimplemented(connection: &Connection) -> BegunCall {
    let memory = reserve_refusal(connection);
    let status = GrpcStatus::new(Code::Unimplemented, "");
    let answer = hold(status.response(), memory, None);
    BegunCall {
        kind: CallKind::Refused,
        answer: Box::pin(std::future::ready(answer)),
    }
}

fn refuse(body: Body, memory: Option<Reservation>) -> BegunCall {
    BegunCall {
        kind: CallKind::Refused,
        answer: Box::pin(async move {
            message::discard(body).await;
            hold(TOO_MANY.response(), memory, None)
        }),
    }
}

async fn answer(
    mut routes: Routes,
    method: LibraryMethod,
    request: Request<Body>,
    memory: &Reservation,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match method {
        LibraryMethod::Reflection => Body::new(TimedMessages {
            body,
            pause: Box::pin(sleep(MAX_PAUSE)),
        }),
        LibraryMethod::Unary | LibraryMethod::Watch => {
            match message::read(body, MAX_MESSAGE, memory).await {
                Ok(message) => Body::new(Full::new(frame_encoded(&message))),
                Err(Unreadable::Overloaded) => return TOO_LARGE.response(),
                Err(Unreadable::Malformed) => return UNREADABLE.response(),
            }
        }
    };
    let answered = routes.call(Request::from_parts(parts, body)).await;
    answered.unwrap_or_else(|never| match never {})
}

/// Messages of a stream. They end with an error if the next one takes too long.
struct TimedMessages {
    body: Body,
    pause: Pin<Box<Sleep>>,
}

impl HttpBody for TimedMessages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = pin!(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.pause = Box::pin(sleep(MAX_PAUSE));
            return polled;
        }
        let late = Status::deadline_exceeded("the next message did not come");
        self.pause.as_mut().poll(cx).map(|()| Some(Err(late)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer that holds the call's memory and permit until it is sent.
fn hold(
    answer: Response<Body>,
    memory: Option<Reservation>,
    permit: Option<Permit>,
) -> Response<Body> {
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = (&memory, &permit);
            frame
        }))
    })
}

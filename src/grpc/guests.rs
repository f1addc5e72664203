//! Services of libraries, health and reflection, behind the limits that hold for our own: a call has
//! memory from its arrival until its answer is taken, and its message is short and comes in time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::memory::Account;

use super::call::Unreadable;
use super::methods::{Guest, Held};
use super::unary;

/// Largest message of such a call, in bytes: names of services are short.
pub(super) const MAX_MESSAGE: usize = 4096;
/// Longest time between two messages of a stream.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A service of a library, behind limits.
#[derive(Clone, Debug)]
pub(super) struct Guarded<S> {
    service: S,
    messages: Messages,
}

/// What its calls send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Messages {
    One,
    Many,
}

impl<S> Guarded<S> {
    /// A service whose calls send one message.
    pub(super) fn of_one_message(service: S) -> Self {
        let messages = Messages::One;
        Self { service, messages }
    }

    /// A service whose calls send one message after the other, each within 10 s of the one before.
    pub(super) fn of_messages(service: S) -> Self {
        let messages = Messages::Many;
        Self { service, messages }
    }
}

impl<S: NamedService> NamedService for Guarded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut call: Request<Body>) -> Self::Future {
        let mut service = self.service.clone();
        let messages = self.messages;
        let guest = call.extensions_mut().remove::<Guest>();
        Box::pin(async move {
            let share = match guest.as_ref().map(|guest| &guest.held) {
                Some(Held::Call(share)) => Some(share.clone()),
                Some(Held::Refused(_)) => None,
                // From within the process.
                None => Account::unbounded().try_reserve(0),
            };
            let Some(share) = share else {
                unary::drain(call.into_body()).await;
                let why =
                    "too many calls without an end on this connection, or no memory for one more";
                return Ok(holding(unary::fail("8", why), guest));
            };
            let (parts, body) = call.into_parts();
            let body = match messages {
                Messages::Many => Body::new(InTime::new(body)),
                Messages::One => match unary::read_message_of(body, MAX_MESSAGE, &share).await {
                    Ok(message) => framed(&message),
                    Err(Unreadable::Overloaded) => {
                        return Ok(holding(
                            unary::fail("8", "no memory for this message"),
                            guest,
                        ));
                    }
                    Err(Unreadable::Malformed) => {
                        return Ok(holding(
                            unary::fail("3", "the message cannot be read"),
                            guest,
                        ));
                    }
                },
            };
            let answer = service.call(Request::from_parts(parts, body)).await?;
            Ok(holding(answer, guest))
        })
    }
}

fn framed(message: &Bytes) -> Body {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    Body::new(Full::new(framed.freeze()))
}

/// A body of messages, which ends with an error where the next does not come in time.
struct InTime {
    body: Body,
    pause: Pin<Box<Sleep>>,
}

impl InTime {
    fn new(body: Body) -> Self {
        let pause = Box::pin(sleep(LONGEST_PAUSE));
        Self { body, pause }
    }
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = pin!(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.pause = Box::pin(sleep(LONGEST_PAUSE));
            return polled;
        }
        let late = || {
            Some(Err(Status::deadline_exceeded(
                "the next message did not come",
            )))
        };
        self.pause.as_mut().poll(cx).map(|()| late())
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The answer, which holds the call's memory until it has been sent.
fn holding(answer: Response<Body>, guest: Option<Guest>) -> Response<Body> {
    let holding = |body| Holding {
        body,
        _guest: guest,
    };
    answer.map(|body| Body::new(holding(body)))
}

/// The body of an answer, with what is held until it has been sent.
struct Holding {
    body: Body,
    _guest: Option<Guest>,
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        pin!(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

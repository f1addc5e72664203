//! Answers the calls of every front door: admits a call, receives its message, has it judged, and
//! responds.

use std::sync::Arc;

use http::{Request, Response};
use tonic::Code;
use tonic::body::Body;

use crate::listen::{BegunCall, Connection};
use crate::token::Denial;

use super::State;
use super::admission::{AdmittedCall, ReceivedCall};
use super::front_door::FrontDoor;
use super::judge::Judge;
use super::response::{self, GrpcStatus};

/// The status of a caller that [`super::Callers`] does not admit.
pub(super) const CALLER_REFUSED: GrpcStatus =
    GrpcStatus::new(Code::Unauthenticated, "the caller may not ask this service");
/// The status of a call whose answer finds no memory.
pub(super) const ANSWERS_UNREAD: GrpcStatus =
    GrpcStatus::new(Code::Unavailable, "too many answers are not read");

/// Begins a call of a front door. `answer` makes the response once the message has arrived:
/// [`answer`], or that of a batch.
pub(super) fn begin<D: FrontDoor, F>(
    state: &Arc<State>,
    request: Request<Body>,
    connection: &Connection,
    answer: fn(Arc<State>, ReceivedCall) -> F,
) -> BegunCall
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let (metadata, body) = request.into_parts();
    let call = AdmittedCall::new(state, D::DOOR, &metadata.headers, connection);
    let (kind, state) = (call.kind(), state.clone());
    BegunCall {
        kind,
        answer: Box::pin(async move { answer(state, call.receive(body).await).await }),
    }
}

/// Answers a call that asks one question.
pub(super) async fn answer<D: FrontDoor>(state: Arc<State>, call: ReceivedCall) -> Response<Body> {
    let ReceivedCall {
        call,
        message,
        permit,
        memory,
        ..
    } = call;
    let judge = Judge::<D>::new(&state, &call).within(memory.as_ref());
    let answer = match message {
        Ok(message) => judge.decide(message, permit.as_ref()).await,
        Err(denial) => {
            let answer = judge.refuse(&denial);
            if D::HAS_GRPC_ERRORS && denial == Denial::CallerNotAllowed {
                return CALLER_REFUSED.response();
            }
            answer
        }
    };
    let framed = answer.into_bytes();
    if let Some(memory) = &memory {
        if !D::HAS_GRPC_ERRORS {
            memory.grow(framed.len());
        } else if !memory.try_grow(framed.len()) {
            return ANSWERS_UNREAD.response();
        }
    }
    response::ok(framed, memory)
}

//! Admits a call when its metadata arrives, and receives its message.
//!
//! The task that answers a call may run much later. The call counts before that: this is what
//! bounds the tasks that wait.

use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use tonic::body::Body;
use tracing::field::display;
use tracing::{debug, warn};

use crate::listen::{CallCounter, CallKind, Connection, CountedCall, Permit};
use crate::memory::Reservation;
use crate::telemetry::Door;
use crate::token::Denial;

use super::State;
use super::call::{Call, TraceSource};
use super::deadline::Deadline;
use super::message::{self, MAX_MESSAGE, poll_once};

/// Memory of a call that is read or judged, without its message, in bytes: tasks, streams and the
/// answer's headers. Measured with calls whose message never ends: 5 KiB each.
pub(super) const CALL: usize = 6 * 1024;
/// Memory of a call that is refused, until its answer is sent.
const REFUSED: usize = 3 * 1024;

/// A call that has arrived. It counts as in flight until this is dropped.
pub(super) struct AdmittedCall {
    call: Call,
    admission: Admission,
    answering: CallCounter,
    in_flight: CountedCall,
}

/// The memory is held until the answer is sent.
enum Admission {
    /// Without a permit, the call is refused once its message has arrived.
    Admitted(Reservation, Option<Permit>),
    Refused(Denial, Option<Reservation>),
}

pub(super) struct ReceivedCall {
    pub(super) call: Call,
    /// The message, or the reason for which the call is denied without a judgement.
    pub(super) message: Result<Bytes, Denial>,
    /// `None` if too many calls are worked on.
    pub(super) permit: Option<Permit>,
    /// Held until the answer is sent.
    pub(super) memory: Option<Reservation>,
    _in_flight: CountedCall,
    _answering: CountedCall,
}

impl AdmittedCall {
    /// Admits a call with this metadata, or refuses it. Keeps none of the metadata but the trace.
    pub(super) fn new(
        state: &State,
        door: Door,
        metadata: &HeaderMap,
        connection: &Connection,
    ) -> Self {
        Self {
            call: Call {
                deadline: Deadline::of(metadata),
                trace: TraceSource::of(metadata, state.telemetry.uses_trace_context()),
            },
            admission: Admission::of(state, door, metadata, connection),
            answering: connection.answering.clone(),
            in_flight: state.in_flight.count(),
        }
    }

    pub(super) fn kind(&self) -> CallKind {
        match self.admission {
            Admission::Admitted(..) => CallKind::Unary,
            Admission::Refused(..) => CallKind::Refused,
        }
    }

    pub(super) async fn receive(self, body: Body) -> ReceivedCall {
        let (message, permit, memory) = match self.admission {
            Admission::Admitted(memory, permit) => {
                let (message, permit) = receive_message(body, permit, &memory).await;
                (message, permit, Some(memory))
            }
            Admission::Refused(denial, memory) => {
                message::discard(body).await;
                (Err(denial), None, memory)
            }
        };
        ReceivedCall {
            call: self.call,
            message,
            permit,
            memory,
            _in_flight: self.in_flight,
            _answering: self.answering.count(),
        }
    }
}

impl Admission {
    fn of(state: &State, door: Door, metadata: &HeaderMap, connection: &Connection) -> Self {
        let generation = state.generation();
        let admitted = generation.callers(door).admit(metadata, connection.peer());
        match (admitted, reserve_memory(CALL, connection)) {
            (Ok(()), Ok(memory)) => Self::Admitted(memory, connection.permit()),
            (Ok(()), Err(memory)) => Self::Refused(Denial::Overloaded, memory),
            (Err(refused), memory) => {
                debug!(reason = %refused, "a caller is refused");
                if let Some(count) = state.caller_warnings.count() {
                    let (door, last_peer) = (door.name(), connection.remote.map(display));
                    warn!(count, door, last_peer, reason = %refused, "callers were refused");
                }
                let memory = memory.map_or_else(|refusal| refusal, Some);
                Self::Refused(Denial::CallerNotAllowed, memory)
            }
        }
    }
}

/// Reserves memory for a call, else for its refusal. If there is none for that either, the client
/// reads no answers: the connection is closed.
pub(super) fn reserve_memory(
    bytes: usize,
    connection: &Connection,
) -> Result<Reservation, Option<Reservation>> {
    let memory = connection.memory.try_reserve(bytes);
    memory.ok_or_else(|| reserve_refusal(connection))
}

/// Reserves memory for the refusal of a call, or closes the connection.
pub(super) fn reserve_refusal(connection: &Connection) -> Option<Reservation> {
    let memory = connection.refusals.try_reserve(REFUSED);
    if memory.is_none() {
        connection.close_now();
    }
    memory
}

/// Receives a message. A call releases its permit while it waits for it.
async fn receive_message(
    body: Body,
    permit: Option<Permit>,
    memory: &Reservation,
) -> (Result<Bytes, Denial>, Option<Permit>) {
    let mut reading = pin!(message::read(body, MAX_MESSAGE, memory));
    let (message, permit) = if let Poll::Ready(message) = poll_once(reading.as_mut()).await {
        (message, permit)
    } else {
        permit.iter().for_each(Permit::release);
        let message = reading.await;
        (message, permit.filter(Permit::try_reacquire))
    };
    (message.map_err(Denial::from), permit)
}

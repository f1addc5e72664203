//! A call on its way in: it takes a place when it arrives, and gives it back while its message is on the way.
//!
//! It arrives when its metadata does. The task that answers it begins later, where there is much to do; that it is counted
//! before is what bounds the tasks that wait for their turn.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request};
use tonic::body::Body;

use crate::clock::Stopwatch;
use crate::memory::{Account, Reservation};

use super::call::{Call, Trace, Unreadable};
use super::methods::{CALL, Held};
use super::unary::{self, poll_once};
use super::{CallerRefused, Callers, State};

/// A call that has begun. It counts as in flight until this is dropped.
#[derive(Clone)]
pub(super) struct Arrival {
    state: Arc<State>,
    admitted: Result<(), CallerRefused>,
    place: Option<Reservation>,
    /// Where it is noted that a call has come whole and is being answered, and the note.
    answering: Option<(Account, Option<Reservation>)>,
    held: Held,
    arrived: Stopwatch,
    patience: Option<Duration>,
    trace: Trace,
    _in_flight: Arc<()>,
}

impl State {
    /// The arrival of a call, where it was noted; else it arrives now, from within the process.
    pub(super) fn arrival_of(
        self: &Arc<Self>,
        call: &mut Request<Body>,
        callers: &Callers,
    ) -> Arrival {
        let noted = call.extensions_mut().remove();
        noted.unwrap_or_else(|| {
            let admitted = callers.admit(call.headers(), call.extensions());
            let share = Account::unbounded().try_reserve(CALL);
            let held = share.map_or(Held::Refused(None), Held::Call);
            Arrival::new(self, call.headers(), admitted, held, &self.local)
        })
    }
}

impl Arrival {
    /// A call with this metadata. One without memory takes no place.
    pub(super) fn new(
        state: &Arc<State>,
        metadata: &HeaderMap,
        admitted: Result<(), CallerRefused>,
        held: Held,
        places: &Account,
    ) -> Self {
        let wants_trace = state.telemetry.uses_trace_context();
        let place = match held {
            Held::Call(_) => places.try_reserve(1),
            Held::Refused(_) => None,
        };
        Self {
            admitted,
            place,
            answering: None,
            held,
            arrived: Stopwatch::start(),
            patience: unary::patience(metadata),
            trace: if wants_trace {
                Trace::of(metadata)
            } else {
                Trace::Unwanted
            },
            _in_flight: state.calls.clone(),
            state: state.clone(),
        }
    }

    /// The same, noted on its connection while it is being answered.
    pub(super) fn on(self, answering: &Account) -> Self {
        let answering = Some((answering.clone(), None));
        Self { answering, ..self }
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Whether the caller may ask.
    pub(super) fn admitted(&self) -> Result<(), CallerRefused> {
        self.admitted
    }

    /// What is to be held until the answer is taken.
    pub(super) fn share(&self) -> Option<&Reservation> {
        match &self.held {
            Held::Call(share) => Some(share),
            Held::Refused(share) => share.as_ref(),
        }
    }

    /// Reads the message. Without a place, the call is to be refused, and its message is read all the same: one that is
    /// cut off looks like an error to its sender.
    pub(super) async fn receive(&mut self, call: Request<Body>) -> (Call, Option<Reservation>) {
        let Held::Call(share) = &self.held else {
            return (self.discard(call, Unreadable::Overloaded).await, None);
        };
        let mut reading = pin!(unary::read_message(call.into_body(), share));
        let mut place = self.place.take();
        let message = if let Some(message) = poll_once(reading.as_mut()).await {
            message
        } else {
            if let Some(place) = &place {
                place.release();
            }
            let message = reading.await;
            place = place.filter(|place| place.try_grow(1));
            message
        };
        if let Some((account, note)) = &mut self.answering {
            *note = account.try_reserve(1);
        }
        (self.call(message), place)
    }

    /// Lets the message of a call pass that is refused: nothing is kept of it.
    pub(super) async fn discard(&mut self, call: Request<Body>, why: Unreadable) -> Call {
        self.place = None;
        unary::drain(call.into_body()).await;
        self.call(Err(why))
    }

    fn call(&self, message: Result<bytes::Bytes, Unreadable>) -> Call {
        Call {
            message,
            arrived: self.arrived,
            patience: self.patience,
            trace: self.trace.clone(),
        }
    }
}

//! A call on its way in: it takes a place when it arrives, and gives it back while its message is on the way.
//!
//! It arrives when its metadata does. The task that answers it begins later, where there is much to do; that it is counted
//! before is what bounds the tasks that wait for their turn.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::Request;
use tonic::body::Body;

use tonic::server::NamedService as _;

use crate::clock::Stopwatch;
use crate::listen::OnArrival;

use super::call::{Call, Trace, Unreadable, kib};
use super::room::Turn;
use super::unary;
use super::{ExtAuthz, State, TokenValidation};

/// A call that has begun. It counts as in flight until this is dropped.
#[derive(Clone)]
pub(super) struct Arrival {
    state: Arc<State>,
    turn: Option<Turn>,
    arrived: Stopwatch,
    _in_flight: Arc<()>,
}

/// Notes calls of our services as they arrive.
#[must_use]
pub fn note_arrivals(state: Arc<State>) -> OnArrival {
    const OURS: [&str; 2] = [ExtAuthz::NAME, TokenValidation::NAME];
    Arc::new(move |call| {
        let service = call.uri().path().split('/').nth(1);
        if service.is_some_and(|service| OURS.contains(&service)) {
            let arrival = state.arrival();
            call.extensions_mut().insert(arrival);
        }
    })
}

impl State {
    /// The arrival of a call, where it was noted; else it arrives now.
    pub(super) fn arrival_of(self: &Arc<Self>, call: &mut Request<Body>) -> Arrival {
        let noted = call.extensions_mut().remove();
        noted.unwrap_or_else(|| self.arrival())
    }

    fn arrival(self: &Arc<Self>) -> Arrival {
        Arrival {
            turn: self.room.enter(),
            arrived: Stopwatch::start(),
            _in_flight: self.calls.clone(),
            state: self.clone(),
        }
    }
}

impl Arrival {
    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Reads the message. Without a place, the call is to be refused, and its message is read all the same: one that is
    /// cut off looks like an error to its sender.
    pub(super) async fn receive(&mut self, call: Request<Body>) -> (Call, Option<Turn>) {
        let patience = unary::patience(call.headers());
        let trace = if self.state.telemetry.wants_trace_context() {
            Trace::of(call.headers())
        } else {
            Trace::Unwanted
        };
        let mut reading = pin!(unary::read_message(call.into_body()));
        let at_once = std::future::poll_fn(|context| {
            Poll::Ready(match reading.as_mut().poll(context) {
                Poll::Ready(message) => Some(message),
                Poll::Pending => None,
            })
        });
        let mut turn = self.turn.take();
        let message = if let Some(message) = at_once.await {
            message
        } else {
            let had_one = turn.take().is_some();
            let message = reading.await;
            turn = had_one.then(|| self.state.room.enter()).flatten();
            message
        };
        let call = Call {
            kib: kib(&message),
            message,
            arrived: self.arrived,
            patience,
            trace,
        };
        (call, turn)
    }

    /// Lets the message pass unread, of a caller that may not ask: nothing is kept for him.
    pub(super) async fn discard(&mut self, call: Request<Body>) -> Call {
        self.turn = None;
        unary::drain(call.into_body()).await;
        Call {
            message: Err(Unreadable::Malformed),
            arrived: self.arrived,
            patience: None,
            trace: Trace::Unwanted,
            kib: 0,
        }
    }
}

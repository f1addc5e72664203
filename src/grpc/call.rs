//! A call that has arrived: its message, and what its metadata says of time and trace.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::clock::Stopwatch;
use crate::request::Request;
use crate::telemetry::{DecisionEvent, DecisionOutcome, RequestId, TraceContext};
use crate::token::UnixTime;

use super::front_door::FrontDoor;

/// The headers of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Messages up to this size, in bytes, come in buffers that are larger.
const SHORT: usize = 16 * 1024;

/// A call that has arrived.
#[derive(Clone)]
pub(super) struct Call {
    /// Its message.
    pub(super) message: Result<Bytes, Unreadable>,
    /// Started when it arrived.
    pub(super) arrived: Stopwatch,
    /// How long it may take, where the caller says.
    pub(super) patience: Option<Duration>,
    /// The trace that it is part of.
    pub(super) trace: Trace,
}

/// Why a call's message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Not one message in gRPC framing, within the limits.
    Malformed,
    /// There is no memory for it.
    Overloaded,
}

/// The trace that a call says to be part of, as it was sent.
#[derive(Clone, Default)]
pub(super) enum Trace {
    /// Nobody wants to know.
    #[default]
    Unwanted,
    /// The caller does not say, but the request may.
    OfRequest,
    /// The caller says.
    OfCall(HeaderValue, Option<HeaderValue>),
}

impl Trace {
    /// What metadata says. Which of two is meant is nobody's guess.
    pub(super) fn of(metadata: &HeaderMap) -> Self {
        let only = |name| {
            let mut values = metadata.get_all(name).iter();
            let first = values.next()?;
            values.next().is_none().then(|| first.clone())
        };
        match only(TRACEPARENT) {
            Some(parent) => Self::OfCall(parent, only(TRACESTATE)),
            None => Self::OfRequest,
        }
    }
}

impl Call {
    /// The same, to be kept for a while: a short message does not keep the buffer that it was read into.
    pub(super) fn compact(&self) -> Self {
        let copied = |message: &Bytes| match message.len() {
            ..=SHORT => Bytes::copy_from_slice(message),
            _ => message.clone(),
        };
        Self {
            message: self.message.as_ref().map(copied).map_err(|why| *why),
            ..self.clone()
        }
    }

    /// How long it may go on.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let patience = self.patience?;
        Some(patience.saturating_sub(self.arrived.elapsed()))
    }

    /// Whether nobody waits for its answer any more.
    pub(super) fn is_late(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// What is known of every decision on it.
    pub(super) fn event<'d, D: FrontDoor>(
        &self,
        outcome: DecisionOutcome<'d>,
    ) -> DecisionEvent<'d> {
        DecisionEvent {
            door: D::DOOR,
            shadow: false,
            outcome,
            issuer: None,
            rule: None,
            near_miss: None,
            token: None,
            request_id: RequestId::default(),
            trace: None,
            at: UnixTime::EPOCH,
            latency: self.arrived.elapsed(),
        }
    }

    /// The trace that the caller is in; else that which the judged request says to be in.
    pub(super) fn trace<'c>(&'c self, request: Option<&Request<'c>>) -> Option<TraceContext<'c>> {
        match &self.trace {
            Trace::Unwanted => None,
            Trace::OfCall(parent, state) => {
                let state = state.as_ref().map(HeaderValue::as_bytes);
                TraceContext::parse(parent.as_bytes(), state)
            }
            Trace::OfRequest => {
                let request = request?;
                let only = |name| {
                    let mut values = request.values(name);
                    let first = values.next()?;
                    values.next().is_none().then_some(first)
                };
                TraceContext::parse(only(TRACEPARENT)?, only(TRACESTATE))
            }
        }
    }
}

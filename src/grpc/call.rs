//! The facts of a call that its metadata says: its deadline and its trace.

use http::{HeaderMap, HeaderValue};

use crate::request::Request;
use crate::telemetry::TraceContext;

use super::deadline::Deadline;

/// The headers of W3C Trace Context.
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

pub(super) struct Call {
    pub(super) deadline: Deadline,
    pub(super) trace: TraceSource,
}

pub(super) enum TraceSource {
    /// Neither logs nor spans need a trace.
    Unwanted,
    /// The call's metadata has none. The request that is judged may have one.
    Request,
    /// `traceparent` and `tracestate` of the call's metadata.
    Call(HeaderValue, Option<HeaderValue>),
}

impl TraceSource {
    /// The source, given a call's metadata. A repeated header counts as absent.
    pub(super) fn of(metadata: &HeaderMap, wanted: bool) -> Self {
        if !wanted {
            return Self::Unwanted;
        }
        let single = |name| single(metadata.get_all(name)).cloned();
        match single(TRACEPARENT) {
            Some(parent) => Self::Call(parent, single(TRACESTATE)),
            None => Self::Request,
        }
    }

    /// The trace of the caller; else that of the request that is judged.
    pub(super) fn context<'c>(&'c self, request: Option<&Request<'c>>) -> Option<TraceContext<'c>> {
        match self {
            Self::Unwanted => None,
            Self::Call(parent, state) => {
                let state = state.as_ref().map(HeaderValue::as_bytes);
                TraceContext::parse(parent.as_bytes(), state)
            }
            Self::Request => {
                let request = request?;
                let single = |name| single(request.values(name));
                TraceContext::parse(single(TRACEPARENT)?, single(TRACESTATE))
            }
        }
    }
}

/// The only value; `None` if there are several.
fn single<T>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut values = values.into_iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

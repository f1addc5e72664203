//! A decision as a span of OTLP.

use std::time::Duration;

use crate::telemetry::{DecisionEvent, TraceId};
use crate::token::{DenialClass, UnixTime};
use crate::wire::opentelemetry::proto::common::v1::{AnyValue, KeyValue, any_value};
use crate::wire::opentelemetry::proto::trace::v1::span::SpanKind;
use crate::wire::opentelemetry::proto::trace::v1::status::StatusCode;
use crate::wire::opentelemetry::proto::trace::v1::{Span, Status};

/// The trace is sampled (W3C Trace Context §3.2.2.5.1).
const SAMPLED: u32 = 1;
/// The parent is known to be in this process or in another; and it is in another.
const REMOTENESS_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// The span of a decision. It contains nothing from the token.
pub(super) fn of(decision: &DecisionEvent<'_>, trace_id: TraceId) -> Span {
    let outcome = decision.outcome;
    let end = decision.at.since(UnixTime::EPOCH);
    let mut attributes = vec![
        attribute("watchword.verdict", outcome.verdict()),
        attribute("watchword.reason", outcome.reason()),
        attribute("watchword.mode", decision.mode()),
    ];
    for (key, name) in [
        ("watchword.rule", decision.rule),
        ("watchword.issuer", decision.issuer),
    ] {
        attributes.extend(name.map(|name| attribute(key, name)));
    }
    let caller = decision.trace;
    let remote = if caller.is_some() { REMOTE } else { 0 };
    Span {
        trace_id: trace_id.0.to_be_bytes().to_vec().into(),
        span_id: fastrand::u64(1..).to_be_bytes().to_vec().into(),
        trace_state: caller.map_or_else(String::new, |caller| caller.state.to_owned()),
        parent_span_id: caller
            .map(|caller| caller.parent.to_be_bytes().to_vec().into())
            .unwrap_or_default(),
        name: format!("watchword.{}", decision.door.name()),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(end.saturating_sub(decision.latency)),
        end_time_unix_nano: nanos(end),
        attributes,
        status: is_fault(decision).then(|| Status {
            code: StatusCode::Error.into(),
        }),
        flags: SAMPLED | REMOTENESS_KNOWN | remote,
    }
}

/// A denial is a good answer. Only what an operator must repair is an error.
fn is_fault(decision: &DecisionEvent<'_>) -> bool {
    let denial = decision.outcome.denial();
    denial.is_some_and(|denial| {
        matches!(
            denial.class(),
            DenialClass::Unavailable | DenialClass::Internal
        )
    })
}

pub(super) fn attribute(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(text.to_owned())),
        }),
    }
}

fn nanos(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

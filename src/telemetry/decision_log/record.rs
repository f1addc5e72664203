//! One line of the decision log.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use x509_cert::der::DateTime;

use crate::telemetry::{DecisionEvent, DecisionOutcome, RequestId, TraceId};
use crate::token::{Denial, UnixTime};

use super::claims::{ClaimValues, ListedClaims};

/// The members of a line, in their order. Empty ones are left out.
#[derive(Serialize)]
pub(super) struct DecisionRecord<'d> {
    time: String,
    door: &'static str,
    verdict: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Value>,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_be: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'d str>,
    #[serde(skip_serializing_if = "RequestId::is_empty")]
    request_id: RequestId<'d>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
    latency_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<ClaimValues<'d>>,
}

impl<'d> DecisionRecord<'d> {
    pub(super) fn new(
        decision: &DecisionEvent<'d>,
        trace_id: Option<TraceId>,
        claims: &'d ListedClaims,
    ) -> Self {
        let outcome = decision.outcome;
        Self {
            time: timestamp(decision.at),
            door: decision.door.name(),
            verdict: outcome.verdict(),
            reason: outcome.reason(),
            detail: detail(decision),
            mode: decision.mode(),
            would_be: matches!(outcome, DecisionOutcome::Shadowed(_)).then_some("deny"),
            rule: decision.rule.map(Arc::as_ref),
            issuer: decision.issuer.map(Arc::as_ref),
            request_id: decision.request_id,
            trace_id,
            latency_us: u64::try_from(decision.latency.as_micros()).unwrap_or(u64::MAX),
            claims: decision.token.and_then(|token| claims.of(token.claims())),
        }
    }
}

/// The facts of a denial beside its code.
fn detail(decision: &DecisionEvent<'_>) -> Option<Value> {
    if let Some((near_miss, part)) = decision.near_miss {
        return Some(json!({"near_miss": **near_miss, "part": part}));
    }
    Some(match decision.outcome.denial()? {
        Denial::TokenExpired { ago } => json!({"ago_seconds": seconds(*ago)}),
        Denial::TokenNotYetValid { ahead } => json!({"ahead_seconds": seconds(*ahead)}),
        Denial::ClaimMissing { claim } | Denial::ClaimInvalid { claim } => {
            json!({"claim": **claim})
        }
        Denial::InsufficientScope { scope } => json!({"scope": **scope}),
        _ => return None,
    })
}

/// Seconds, rounded to milliseconds.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

/// A time in UTC by RFC 3339, with milliseconds, up to the year 9999.
fn timestamp(at: UnixTime) -> String {
    let since = at.since(UnixTime::EPOCH);
    let Ok(date) = DateTime::from_unix_duration(since) else {
        return "9999-12-31T23:59:59.999Z".to_owned();
    };
    let seconds = date.to_string();
    format!(
        "{}.{:03}Z",
        seconds.trim_end_matches('Z'),
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::{Duration, UnixTime, seconds, timestamp};

    #[test]
    fn spans_are_rounded_to_milliseconds() {
        assert_eq!(
            seconds(Duration::from_nanos(300_833_618_641)).to_string(),
            "300.834"
        );
    }

    #[test]
    fn times_are_written_as_rfc_3339_with_milliseconds() {
        let written = |seconds| timestamp(UnixTime::from_secs(seconds));
        assert_eq!(written(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(951_827_696.25), "2000-02-29T12:34:56.250Z");
        assert_eq!(written(1_700_000_000.0), "2023-11-14T22:13:20.000Z");
        assert_eq!(written(-1.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1e18), "9999-12-31T23:59:59.999Z");
    }
}

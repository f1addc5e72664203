//! One line of the decision log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use x509_cert::der::DateTime;

use crate::telemetry::{DecisionEvent, RequestId, TraceId};
use crate::token::{Denial, UnixTime};

use super::claims::{ClaimValues, ListedClaims};

/// The members of a line, in their order. Empty ones are left out.
#[derive(Serialize)]
pub(super) struct DecisionRecord<'d> {
    time: Timestamp,
    door: &'static str,
    verdict: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail<'d>>,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_be: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'d str>,
    #[serde(skip_serializing_if = "no_id")]
    request_id: RequestId<'d>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
    latency_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<ClaimValues<'d>>,
}

/// The facts of a denial beside its code.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'d> {
    Ago {
        ago_seconds: f64,
    },
    Ahead {
        ahead_seconds: f64,
    },
    Claim {
        claim: &'d str,
    },
    Scope {
        scope: &'d str,
    },
    NearMiss {
        near_miss: &'d str,
        part: &'static str,
    },
}

impl<'d> DecisionRecord<'d> {
    pub(super) fn new(
        decision: &DecisionEvent<'d>,
        trace_id: Option<TraceId>,
        claims: &'d ListedClaims,
    ) -> Self {
        let outcome = decision.outcome;
        let denial = outcome.denial();
        Self {
            time: Timestamp(decision.at),
            door: decision.door.name(),
            verdict: outcome.verdict(),
            reason: outcome.reason(),
            detail: match decision.near_miss {
                Some((near_miss, part)) => Some(Detail::NearMiss { near_miss, part }),
                None => denial.and_then(Detail::of),
            },
            mode: decision.mode(),
            would_be: denial
                .filter(|_| outcome.verdict() == "allow")
                .map(|_| "deny"),
            rule: decision.rule.map(Arc::as_ref),
            issuer: decision.issuer.map(Arc::as_ref),
            request_id: decision.request_id,
            trace_id,
            latency_us: u64::try_from(decision.latency.as_micros()).unwrap_or(u64::MAX),
            claims: decision.token.and_then(|token| claims.of(token.claims())),
        }
    }
}

impl<'d> Detail<'d> {
    fn of(denial: &'d Denial) -> Option<Self> {
        Some(match denial {
            Denial::TokenExpired { ago } => Self::Ago {
                ago_seconds: seconds(*ago),
            },
            Denial::TokenNotYetValid { ahead } => Self::Ahead {
                ahead_seconds: seconds(*ahead),
            },
            Denial::ClaimMissing { claim } | Denial::ClaimInvalid { claim } => {
                Self::Claim { claim }
            }
            Denial::InsufficientScope { scope } => Self::Scope { scope },
            _ => return None,
        })
    }
}

/// Seconds, rounded to milliseconds.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

fn no_id(id: &RequestId<'_>) -> bool {
    id.is_empty()
}

/// A time in UTC by RFC 3339, with milliseconds, up to the year 9999.
struct Timestamp(UnixTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.since(UnixTime::EPOCH);
        match DateTime::from_unix_duration(since) {
            Ok(date) => {
                let seconds = date.to_string();
                let seconds = seconds.trim_end_matches('Z');
                write!(f, "{seconds}.{:03}Z", since.subsec_millis())
            }
            Err(_) => f.write_str("9999-12-31T23:59:59.999Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Timestamp, UnixTime, seconds};

    #[test]
    fn spans_are_rounded_to_milliseconds() {
        assert_eq!(
            seconds(Duration::from_nanos(300_833_618_641)).to_string(),
            "300.834"
        );
    }

    #[test]
    fn times_are_written_as_rfc_3339_with_milliseconds() {
        let written = |seconds| Timestamp(UnixTime::from_secs(seconds)).to_string();
        assert_eq!(written(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(951_827_696.25), "2000-02-29T12:34:56.250Z");
        assert_eq!(written(1_700_000_000.0), "2023-11-14T22:13:20.000Z");
        assert_eq!(written(-1.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(1e18), "9999-12-31T23:59:59.999Z");
    }
}

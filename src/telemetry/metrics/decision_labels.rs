//! The labels of the counters of decisions.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

use crate::telemetry::DecisionEvent;

/// The labels of one counter of `watchword_decisions_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct DecisionLabels {
    door: &'static str,
    issuer: Option<Arc<str>>,
    rule: Option<Arc<str>>,
    verdict: &'static str,
    reason: &'static str,
    mode: &'static str,
}

impl DecisionLabels {
    pub(super) fn of(event: &DecisionEvent<'_>) -> Self {
        Self {
            door: event.door.name(),
            issuer: event.issuer.cloned(),
            rule: event.rule.cloned(),
            verdict: event.outcome.verdict(),
            reason: event.outcome.reason(),
            mode: event.mode(),
        }
    }
}

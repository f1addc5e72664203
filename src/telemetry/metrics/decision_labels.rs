//! The labels of the counters of decisions.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

use crate::telemetry::{DecisionEvent, Door};

/// The labels of one counter of `watchword_decisions_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DecisionLabels {
    door: Door,
    issuer: Option<Arc<str>>,
    rule: Option<Arc<str>>,
    verdict: &'static str,
    reason: &'static str,
    mode: &'static str,
}

impl DecisionLabels {
    pub(super) fn of(event: &DecisionEvent<'_>) -> Self {
        Self {
            door: event.door,
            issuer: event.issuer.cloned(),
            rule: event.rule.cloned(),
            verdict: event.outcome.verdict(),
            reason: event.outcome.reason(),
            mode: event.mode(),
        }
    }
}

impl EncodeLabelSet for DecisionLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> std::fmt::Result {
        let labels = [
            ("door", self.door.name()),
            ("issuer", self.issuer.as_deref().unwrap_or_default()),
            ("rule", self.rule.as_deref().unwrap_or_default()),
            ("verdict", self.verdict),
            ("reason", self.reason),
            ("mode", self.mode),
        ];
        labels.encode(encoder)
    }
}

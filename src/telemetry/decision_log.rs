//! The log of decisions: one JSON object a line. docs/decision-log.md describes its fields.

mod claims;
mod record;

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use crate::config::{DecisionPolicy, DecisionsConfig};

use super::escaped_lines::EscapedLines;
use super::{DecisionEvent, LineWriter, Metrics, TelemetryError, TraceId};
use claims::ListedClaims;
use record::DecisionRecord;

/// Writes the decisions that the configuration selects.
#[derive(Debug)]
pub(super) struct DecisionLog {
    /// The fraction of allows that is logged.
    share: f64,
    claims: ListedClaims,
    pub(super) lines: Arc<LineWriter>,
}

impl DecisionLog {
    pub(super) fn start(
        config: &DecisionsConfig,
        sink: impl Write + Send + 'static,
        metrics: &Metrics,
    ) -> Result<Self, TelemetryError> {
        let share = match config.policy {
            DecisionPolicy::None | DecisionPolicy::Denials => 0.0,
            DecisionPolicy::Sampled => config.sample,
            DecisionPolicy::All => 1.0,
        };
        let claims = ListedClaims::new(&config.claims, &config.form);
        let claims = claims.map_err(|_| TelemetryError::Random)?;
        let lines = LineWriter::start(sink, metrics.decision_lines_dropped.clone())?;
        Ok(Self {
            share,
            claims,
            lines: Arc::new(lines),
        })
    }

    pub(super) fn write(&self, decision: &DecisionEvent<'_>, trace_id: Option<TraceId>) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        // The random number is in 0..1, so 0.0 logs no allow and 1.0 logs all.
        if decision.outcome.denial().is_none() && fastrand::f64() >= self.share {
            return;
        }
        let record = DecisionRecord::new(decision, trace_id, &self.claims);
        LINE.with_borrow_mut(|line| {
            line.clear();
            // Writing to memory does not fail, and all keys of a record are strings.
            if serde_json::to_writer(EscapedLines::new(&mut *line, false), &record).is_ok() {
                line.push(b'\n');
                self.lines.push(line);
            }
        });
    }
}

//! What operators see: the operational log, metrics, and what is told of each decision.
//!
//! A front door fills in a [`DecisionEvent`] and hands it to [`Telemetry::record`], which counts it, writes it to the
//! logs, and makes a span of it. Nothing here waits: lines and spans go into bounded queues, and what does not fit is
//! dropped and counted. What is switched off costs a comparison.

mod decision_event;
mod decision_line;
mod decision_log;
mod escaped_lines;
mod exposition;
mod line_writer;
mod log_limits;
mod logging;
mod metrics;
mod panics;
mod reloads;
mod trace_context;
mod tracer;

pub use decision_event::{DecisionEvent, DecisionOutcome, Door, RequestId};
pub use exposition::Exposition;
pub use line_writer::LineWriter;
pub use log_limits::{CONFIGURATION, LogLimits};
pub use logging::{LogGuard, log_subscriber, start_logging};
pub use metrics::{CallStats, Metrics, ServerStats};
pub use reloads::{LastReload, ReloadHistory};
pub use trace_context::{TraceContext, TraceId};

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{DecisionPolicy, LogConfig, TracesConfig};

use decision_log::DecisionLog;
use tracer::Tracer;

/// How long a process that ends waits for lines and spans to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// What decisions are told to. The default tells metrics and the operational log only.
#[derive(Debug, Default)]
pub struct Telemetry {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    decisions: Option<DecisionLog>,
    tracer: Option<Tracer>,
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
    /// Standard output or error cannot be written from a thread of its own.
    #[error("no thread that writes log lines")]
    Thread(#[from] io::Error),
}

impl Telemetry {
    /// The decision log goes to standard output. To be called within a runtime, which sends the spans.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start(log: &LogConfig, traces: Option<&TracesConfig>) -> Result<Self, TelemetryError> {
        Self::start_with_output(log, traces, || line_writer::unbuffered(&io::stdout()))
    }

    /// As [`Telemetry::start`], with the decision log to wherever `output` opens, if it is on at all.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start_with_output<W: Write + Send + 'static>(
        log: &LogConfig,
        traces: Option<&TracesConfig>,
        output: impl FnOnce() -> io::Result<W>,
    ) -> Result<Self, TelemetryError> {
        let metrics = Arc::new(Metrics::default());
        let config = &log.decisions;
        let decisions = match config.policy {
            DecisionPolicy::None => None,
            _ => Some(DecisionLog::start(config, output()?, &metrics)?),
        };
        let sender = traces.map(|config| Tracer::start(config, &metrics));
        Ok(Self {
            metrics,
            decisions,
            tracer: sender,
        })
    }

    /// Whether a caller's trace context is of any use: nobody needs to look for one otherwise.
    #[must_use]
    pub fn uses_trace_context(&self) -> bool {
        self.decisions.is_some() || self.tracer.is_some()
    }

    /// Counts a decision, and tells whoever listens. It never waits.
    pub fn record(&self, decision: &DecisionEvent<'_>) {
        self.metrics.record(decision);
        decision_line::write(decision);
        let begun = self
            .tracer
            .as_ref()
            .and_then(|tracer| tracer.trace(decision));
        if let Some(log) = &self.decisions {
            let callers = decision.trace.as_ref().map(TraceContext::trace_id);
            log.write(decision, callers.or(begun));
        }
    }

    /// Waits until lines and spans are written that were told so far, for a second at most.
    pub async fn flush(&self) {
        let spans = async {
            if let Some(tracer) = &self.tracer {
                tracer.flush().await;
            }
        };
        let lines = async {
            if let Some(log) = &self.decisions {
                let lines = log.lines().clone();
                // Fails only where the runtime ends.
                let _ = tokio::task::spawn_blocking(move || lines.flush(FLUSH_TIMEOUT)).await;
            }
        };
        let written = async { tokio::join!(spans, lines) };
        // What is late then is lost.
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, written).await;
    }
}

//! The operational log, metrics, the decision log and traces.
//!
//! A front door fills in a [`DecisionEvent`] and passes it to [`Telemetry::record`], which counts,
//! logs and traces it. Nothing here waits: lines and spans go into bounded queues, and what does
//! not fit is dropped and counted.

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
pub use log_limits::{CONFIGURATION, LogLimits};
pub use logging::log_subscriber;
pub use metrics::{CallStats, Metrics, ServerStats};
pub use trace_context::TraceContext;

pub(crate) use logging::start_logging;
pub(crate) use reloads::{LastReload, ReloadHistory, ReloadRecord};

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{DecisionPolicy, LogConfig, TracesConfig};

use decision_log::DecisionLog;
use line_writer::LineWriter;
use trace_context::TraceId;
use tracer::Tracer;

/// The longest time for which a process that ends waits for lines and spans to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Records decisions. The default only counts them, and writes the operational log.
#[derive(Debug, Default)]
pub struct Telemetry {
    /// The metrics of this process.
    pub metrics: Arc<Metrics>,
    decisions: Option<DecisionLog>,
    tracer: Option<Tracer>,
}

/// Telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
    /// There is no output, or no thread that writes to it.
    #[error("no thread that writes log lines")]
    Thread(#[from] io::Error),
}

impl Telemetry {
    /// Writes the decision log to standard output. Must be called within a runtime, which sends the
    /// spans.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start(log: &LogConfig, traces: Option<&TracesConfig>) -> Result<Self, TelemetryError> {
        Self::start_with_output(log, traces, || line_writer::unbuffered(&io::stdout()))
    }

    /// Like [`Telemetry::start`], but opens another output if the decision log is on.
    ///
    /// # Errors
    /// [`TelemetryError`].
    pub fn start_with_output<W: Write + Send + 'static>(
        log: &LogConfig,
        traces: Option<&TracesConfig>,
        output: impl FnOnce() -> io::Result<W>,
    ) -> Result<Self, TelemetryError> {
        let metrics = Arc::new(Metrics::default());
        let decisions = match log.decisions.policy {
            DecisionPolicy::None => None,
            _ => Some(DecisionLog::start(&log.decisions, output()?, &metrics)?),
        };
        Ok(Self {
            tracer: traces.map(|config| Tracer::start(config, &metrics)),
            metrics,
            decisions,
        })
    }

    /// Returns false if nothing uses a caller's trace context, so that it need not be parsed.
    #[must_use]
    pub fn uses_trace_context(&self) -> bool {
        self.decisions.is_some() || self.tracer.is_some()
    }

    /// Counts, logs and traces a decision. Never waits.
    pub fn record(&self, decision: &DecisionEvent<'_>) {
        self.metrics.record(decision);
        decision_line::write(decision);
        let tracer = self.tracer.as_ref();
        let own_trace = tracer.and_then(|tracer| tracer.trace(decision));
        if let Some(log) = &self.decisions {
            let callers_trace = decision.trace.as_ref().map(|trace| trace.trace_id);
            log.write(decision, callers_trace.or(own_trace));
        }
    }

    /// Waits until the recorded lines and spans are written, for at most a second. Later ones are
    /// lost.
    pub async fn flush(&self) {
        let spans = async {
            if let Some(tracer) = &self.tracer {
                tracer.flush().await;
            }
        };
        let lines = async {
            if let Some(log) = &self.decisions {
                let lines = log.lines.clone();
                // Fails only if the runtime ends.
                let _ = tokio::task::spawn_blocking(move || lines.flush(FLUSH_TIMEOUT)).await;
            }
        };
        let written = async { tokio::join!(spans, lines) };
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, written).await;
    }
}

//! The task that sends spans, in batches. A batch that cannot be sent is lost, so that an outage of
//! the collector does not use up memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use crate::clock::Stopwatch;
use crate::config::TracesConfig;
use crate::telemetry::Metrics;
use crate::wire::opentelemetry::proto::trace::v1::Span;

use super::ExportMessage;
use super::collector::{ExportError, OtlpCollector};

/// Most spans in a batch, and the longest wait for more.
const BATCH: (usize, Duration) = (512, Duration::from_secs(1));
/// The wait after a batch that could not be sent.
const PAUSE: Duration = Duration::from_secs(1);
/// The time between two lines about a lasting failure.
const REMINDER: Duration = Duration::from_secs(60);

/// Runs until the sender of messages is dropped.
pub(super) async fn export_spans(
    mut messages: mpsc::Receiver<ExportMessage>,
    config: TracesConfig,
    metrics: Arc<Metrics>,
) {
    let mut collector = OtlpCollector::new(config);
    let mut report = FailureReporter::default();
    while let Some(SpanBatch { spans, flushed }) = next_batch(&mut messages).await {
        let number = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let sent = if spans.is_empty() {
            Ok(0)
        } else {
            collector.send(spans).await
        };
        // The collector's number may be wrong.
        let lost = number.min(*sent.as_ref().unwrap_or(&number));
        metrics.spans_exported.inc_by(number.saturating_sub(lost));
        metrics.spans_not_sent(lost);
        report.log(&sent);
        // Fails if nothing waits any more.
        let _ = flushed.map(|flushed| flushed.send(()));
        if sent.is_err() {
            sleep(PAUSE).await;
        }
    }
}

/// Spans to send together, and the channel that waits for that.
#[derive(Default)]
struct SpanBatch {
    spans: Vec<Span>,
    flushed: Option<oneshot::Sender<()>>,
}

/// Waits for a span, and a moment for more; `None` at the end.
async fn next_batch(messages: &mut mpsc::Receiver<ExportMessage>) -> Option<SpanBatch> {
    let mut batch = SpanBatch::default();
    let mut message = messages.recv().await?;
    let deadline = Instant::now() + BATCH.1;
    loop {
        match message {
            ExportMessage::Span(span) => batch.spans.push(*span),
            ExportMessage::Flush(flushed) => {
                batch.flushed = Some(flushed);
                return Some(batch);
            }
        }
        if batch.spans.len() == BATCH.0 {
            return Some(batch);
        }
        match timeout_at(deadline, messages.recv()).await {
            Ok(Some(next)) => message = next,
            // The time is over, or there will be no more.
            Ok(None) | Err(_) => return Some(batch),
        }
    }
}

/// Logs failures, and their end.
#[derive(Default)]
struct FailureReporter {
    /// Runs since the last line about a failure.
    failing: Option<Stopwatch>,
}

impl FailureReporter {
    fn log(&mut self, sent: &Result<u64, ExportError>) {
        match sent {
            Err(error) => {
                if self.failing.is_none_or(|since| since.elapsed() >= REMINDER) {
                    warn!(%error, "spans cannot be sent; they are dropped");
                    self.failing = Some(Stopwatch::start());
                }
            }
            Ok(_) if self.failing.take().is_some() => info!("spans are sent again"),
            Ok(_) => {}
        }
    }
}

//! The task that sends spans, in batches. A batch that cannot be sent is lost: the collector's outage must not fill
//! this process.

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

/// Most spans in a batch, and the longest time that one waits for others.
const BATCH: (usize, Duration) = (512, Duration::from_secs(1));
/// The wait after a batch that could not be sent.
const PAUSE: Duration = Duration::from_secs(1);
/// A failure that goes on is told of this often.
const REMINDER: Duration = Duration::from_secs(60);

/// Runs until nobody can send spans to it any more.
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
        // The collector may say anything.
        let lost = number.min(*sent.as_ref().unwrap_or(&number));
        metrics.spans_exported.inc_by(number.saturating_sub(lost));
        metrics.spans_not_sent(lost);
        report.tell(&sent);
        // Whoever waits may have gone.
        let failed = sent.is_err();
        let _ = flushed.map(|flushed| flushed.send(()));
        if failed {
            sleep(PAUSE).await;
        }
    }
}

/// Spans to send together, and who waits for that.
#[derive(Default)]
struct SpanBatch {
    spans: Vec<Span>,
    flushed: Option<oneshot::Sender<()>>,
}

/// Waits for a span, and for others to go with it; `None` at the end.
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
            // The time is over, or all is: what is there is sent.
            Ok(None) | Err(_) => return Some(batch),
        }
    }
}

/// Tells of failures, and of their end.
#[derive(Default)]
struct FailureReporter {
    failing: Option<Stopwatch>,
}

impl FailureReporter {
    fn tell(&mut self, sent: &Result<u64, ExportError>) {
        match sent {
            Err(error) => {
                let due = self.failing.is_none_or(|told| told.elapsed() >= REMINDER);
                if due {
                    warn!(%error, "spans cannot be sent; they are dropped");
                    self.failing = Some(Stopwatch::start());
                }
            }
            Ok(_) if self.failing.take().is_some() => info!("spans are sent again"),
            Ok(_) => {}
        }
    }
}

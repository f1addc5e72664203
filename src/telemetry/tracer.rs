//! Traces: each sampled decision becomes a span, which a task sends to an OpenTelemetry collector.
//!
//! Spans wait in a bounded queue. If it is full, because the collector is slow or away, they are
//! dropped and counted.

mod collector;
mod export;
mod span;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::TracesConfig;
use crate::wire::opentelemetry::proto::trace::v1::Span;

use super::{DecisionEvent, Metrics, TraceId};

/// Most waiting spans.
const QUEUE: usize = 2048;

/// Makes spans of decisions, and passes them to the sending task. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct Tracer {
    /// The fraction of decisions without a caller's trace that begin one.
    ratio: f64,
    queue: mpsc::Sender<ExportMessage>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
enum ExportMessage {
    Span(Box<Span>),
    /// Sends earlier spans at once, and reports when that is done.
    Flush(oneshot::Sender<()>),
}

impl Tracer {
    /// Starts the task on the present runtime.
    pub(super) fn start(config: &TracesConfig, metrics: &Arc<Metrics>) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        tokio::spawn(export::export_spans(
            messages,
            config.clone(),
            metrics.clone(),
        ));
        Self {
            ratio: config.sample_ratio,
            queue,
            metrics: metrics.clone(),
        }
    }

    /// Makes a span of a sampled decision, and returns its trace.
    pub(super) fn trace(&self, decision: &DecisionEvent<'_>) -> Option<TraceId> {
        let trace_id = self.sampled_trace(decision)?;
        let span = Box::new(span::of(decision, trace_id));
        if self.queue.try_send(ExportMessage::Span(span)).is_err() {
            self.metrics.span_not_queued();
        }
        Some(trace_id)
    }

    /// The trace of a decision; `None` if it is not sampled. The caller decides that; without a
    /// caller's trace, the ratio does.
    fn sampled_trace(&self, decision: &DecisionEvent<'_>) -> Option<TraceId> {
        match &decision.trace {
            Some(context) => context.is_sampled.then_some(context.trace_id),
            None => (fastrand::f64() < self.ratio).then(|| TraceId(fastrand::u128(1..))),
        }
    }

    /// Waits until the spans in the queue are sent or lost.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(ExportMessage::Flush(done)).await.is_ok() {
            // Fails if the task has ended.
            let _ = wait.await;
        }
    }
}

//! Traces: a sampled decision becomes a span, made after the fact, which a task sends to an OpenTelemetry collector.
//!
//! Spans wait in a bounded queue. Where it is full, because the collector is slow or away, they are dropped and counted.

mod collector;
mod export;
mod span;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::TracesConfig;
use crate::wire::opentelemetry::proto::trace::v1::Span;

use super::{DecisionEvent, Metrics, TraceId};

/// Spans that may wait to be sent.
const QUEUE: usize = 2048;

/// Makes spans of decisions and hands them to the task that sends them. The task ends when this is dropped.
#[derive(Debug)]
pub(super) struct Tracer {
    /// The share of decisions without a caller's context that begin a trace.
    ratio: f64,
    queue: mpsc::Sender<ExportMessage>,
    metrics: Arc<Metrics>,
}

/// What goes through the queue.
#[derive(Debug)]
enum ExportMessage {
    Span(Box<Span>),
    /// Asks for what came before to be sent at once, and to be told when that is over.
    Flush(oneshot::Sender<()>),
}

/// The position of a span in its trace.
struct TracePosition<'c> {
    trace_id: TraceId,
    /// The caller's span, and its `tracestate`; `None` for the first span of a trace.
    parent: Option<(u64, &'c str)>,
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

    /// Makes a span of a decision, if it is sampled; returns its trace.
    pub(super) fn trace(&self, decision: &DecisionEvent<'_>) -> Option<TraceId> {
        let position = self.position(decision)?;
        let span = Box::new(span::of(decision, &position));
        if self.queue.try_send(ExportMessage::Span(span)).is_err() {
            self.metrics.span_not_queued();
        }
        Some(position.trace_id)
    }

    /// `None` where the decision is not sampled: the caller says so, or else chance.
    fn position<'d>(&self, decision: &DecisionEvent<'d>) -> Option<TracePosition<'d>> {
        match &decision.trace {
            Some(context) => context.is_sampled().then(|| TracePosition {
                trace_id: context.trace_id(),
                parent: Some((context.parent(), context.state())),
            }),
            None => (fastrand::f64() < self.ratio).then(|| TracePosition {
                trace_id: TraceId(fastrand::u128(1..)),
                parent: None,
            }),
        }
    }

    /// Waits until the spans that are queued now were sent, or were lost.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(ExportMessage::Flush(done)).await.is_ok() {
            // An error says that the task has ended, and with it everything.
            let _ = wait.await;
        }
    }
}

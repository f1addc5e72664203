//! What is read when somebody looks, and not before.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::ConstGauge;

use crate::telemetry::logging;

/// What the server is like at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerStats {
    /// What answers calls; `None` at the very end.
    pub calls: Option<CallStats>,
    /// Connections that are open, or in their handshake.
    pub connections_open: u64,
    /// Connections that were closed because there were too many.
    pub connections_refused: u64,
    /// Connections that ended before they were usable.
    pub connections_never_opened: u64,
}

/// What calls take.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallStats {
    /// Entries of the cache of verified tokens.
    pub token_cache_entries: u64,
    /// Calls that are being read or judged.
    pub in_flight: usize,
}

/// A way to take [`ServerStats`].
pub(super) struct StatsReader(Box<dyn Fn() -> ServerStats + Send + Sync>);

#[derive(Debug)]
pub(super) struct ServerStatsCollector {
    pub(super) reader: Arc<OnceLock<StatsReader>>,
    pub(super) decision_lines_dropped: Counter,
}

impl StatsReader {
    pub(super) fn new(read: impl Fn() -> ServerStats + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }
}

impl fmt::Debug for StatsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatsReader")
    }
}

impl Collector for ServerStatsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(StatsReader(read)) = self.reader.get() {
            show(&mut encoder, &read())?;
        }
        let help = "Log lines that were not written, because nobody read them or there was no room";
        let counter = MetricType::Counter;
        let mut dropped = encoder.encode_descriptor("log_lines_dropped", help, None, counter)?;
        for (log, lines) in [
            ("operational", &*logging::DROPPED),
            ("decisions", &self.decision_lines_dropped),
        ] {
            let labels = [("log", log)];
            ConstCounter::new(lines.get()).encode(dropped.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn show(encoder: &mut DescriptorEncoder<'_>, readings: &ServerStats) -> fmt::Result {
    if let Some(calls) = readings.calls {
        let help = "Entries of the cache of verified tokens";
        gauge(
            encoder,
            "token_cache_entries",
            help,
            calls.token_cache_entries,
        )?;
        let help = "Calls that are being read or judged";
        let in_flight = u64::try_from(calls.in_flight).unwrap_or(u64::MAX);
        gauge(encoder, "in_flight", help, in_flight)?;
    }
    let help = "Connections to the gRPC listener that are open, or in their handshake";
    gauge(encoder, "connections", help, readings.connections_open)?;
    let help = "Connections to the gRPC listener that were evicted or never opened, by cause";
    let counter = MetricType::Counter;
    let mut turned_away =
        encoder.encode_descriptor("connections_turned_away", help, None, counter)?;
    for (cause, number) in [
        ("too_many", readings.connections_refused),
        ("never_opened", readings.connections_never_opened),
    ] {
        let labels = [("cause", cause)];
        ConstCounter::new(number).encode(turned_away.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(encoder)
}

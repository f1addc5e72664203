//! Numbers that each scrape reads from the running server.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::ConstGauge;

use crate::telemetry::logging;

/// The numbers of a server at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerStats {
    /// The numbers of its calls; `None` after its end.
    pub calls: Option<CallStats>,
    /// Connections that are open, or in their handshake.
    pub connections_open: u64,
    /// Connections that were closed because there were too many.
    pub connections_refused: u64,
    /// Connections that ended before they were usable.
    pub connections_never_opened: u64,
}

/// The numbers of calls at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallStats {
    /// Entries of the cache of verified tokens.
    pub token_cache_entries: u64,
    /// Calls that are being read or judged.
    pub in_flight: usize,
}

/// Reads [`ServerStats`].
pub(super) struct StatsReader(pub(super) Box<dyn Fn() -> ServerStats + Send + Sync>);

impl fmt::Debug for StatsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatsReader")
    }
}

#[derive(Debug)]
pub(super) struct ServerStatsCollector {
    pub(super) reader: Arc<OnceLock<StatsReader>>,
    pub(super) decision_lines_dropped: Counter,
}

impl Collector for ServerStatsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(StatsReader(read)) = self.reader.get() {
            encode_stats(&mut encoder, &read())?;
        }
        let help = "Log lines that were not written, because nobody read them or there was no room";
        let dropped = [
            ("operational", logging::DROPPED.get()),
            ("decisions", self.decision_lines_dropped.get()),
        ];
        counters(&mut encoder, ("log_lines_dropped", help), "log", dropped)
    }
}

fn encode_stats(encoder: &mut DescriptorEncoder<'_>, stats: &ServerStats) -> fmt::Result {
    let mut gauge = |name: &str, help: &str, value: u64| {
        let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)
    };
    if let Some(calls) = stats.calls {
        let help = "Entries of the cache of verified tokens";
        gauge("token_cache_entries", help, calls.token_cache_entries)?;
        let in_flight = u64::try_from(calls.in_flight).unwrap_or(u64::MAX);
        let help = "Calls that are being read or judged";
        gauge("in_flight", help, in_flight)?;
    }
    let help = "Connections to the gRPC listener that are open, or in their handshake";
    gauge("connections", help, stats.connections_open)?;
    let help = "Connections to the gRPC listener that were evicted or never opened, by cause";
    let turned_away = [
        ("too_many", stats.connections_refused),
        ("never_opened", stats.connections_never_opened),
    ];
    let metric = ("connections_turned_away", help);
    counters(encoder, metric, "cause", turned_away)
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    label: &str,
    values: [(&str, u64); 2],
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (word, number) in values {
        ConstCounter::new(number).encode(metric.encode_family(&[(label, word)])?)?;
    }
    Ok(())
}

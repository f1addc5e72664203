//! Counters, gauges and histograms for Prometheus. Label values come from the configuration and a
//! fixed set of words.

mod server_stats;

pub use server_stats::{CallStats, ServerStats};

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::config::{Warning, WarningCode};
use crate::token::UnixTime;

use super::log_limits::SUPPRESSED;
use super::{DecisionEvent, Door};
use server_stats::{ServerStatsCollector, StatsReader};

/// One label, of fixed words.
type Label = [(&'static str, &'static str); 1];
type SecondsGauge = Gauge<f64, AtomicU64>;

/// Upper bounds of the buckets of durations, in seconds: a decision takes 50 µs, a wait for keys up
/// to 10 s.
const BUCKETS: [f64; 16] = [
    25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5,
    1.0, 2.5,
];

const ACCEPTED: Label = [("outcome", "accepted")];
const REFUSED: Label = [("outcome", "refused")];
const QUEUE_FULL: Label = [("cause", "queue_full")];
const NOT_SENT: Label = [("cause", "not_sent")];

/// The metrics of a process. Reloads reset none of them.
#[derive(Debug, Default)]
pub struct Metrics {
    decisions: Family<DecisionLabels, Counter>,
    durations: DecisionDurations,
    /// Tokens found in the cache of verified tokens.
    pub token_cache_hits: Counter,
    /// Tokens not found there.
    pub token_cache_misses: Counter,
    /// Calls refused because too many were in flight.
    pub overloaded: Counter,
    /// Calls that waited for a fetch of keys.
    pub key_waits: Counter,
    /// Decisions that panicked, and became denials.
    pub panics: Counter,
    pub(super) decision_lines_dropped: Counter,
    pub(super) spans_exported: Counter,
    spans_dropped: Family<Label, Counter>,
    stale: Counter,
    reloads: Family<Label, Counter>,
    reload_successful: Gauge,
    reload_time: SecondsGauge,
    shadow: Gauge,
    warnings: Family<Label, Gauge>,
    certificates: Family<Label, SecondsGauge>,
    reader: Arc<OnceLock<StatsReader>>,
}

/// The histograms of durations, and the two in them.
#[derive(Debug)]
struct DecisionDurations {
    family: Family<Label, Histogram, fn() -> Histogram>,
    check: Histogram,
    validate: Histogram,
}

impl Default for DecisionDurations {
    fn default() -> Self {
        let constructor: fn() -> Histogram = || Histogram::new(BUCKETS);
        let family = Family::new_with_constructor(constructor);
        let of = |door: Door| family.get_or_create_owned(&[("door", door.name())]);
        let (check, validate) = (of(Door::Check), of(Door::Validate));
        Self {
            family,
            check,
            validate,
        }
    }
}

impl Metrics {
    /// Counts a decision, and its duration.
    pub fn record(&self, decision: &DecisionEvent<'_>) {
        let labels = DecisionLabels::of(decision);
        self.decisions.get_or_create(&labels).inc();
        let histogram = match decision.door {
            Door::Check => &self.durations.check,
            Door::Validate => &self.durations.validate,
        };
        histogram.observe(decision.latency.as_secs_f64());
    }

    /// Counts a token that was verified with stale keys.
    pub fn count_stale(&self) {
        self.stale.inc();
    }

    /// Sets the time at which the configuration in use was loaded.
    pub fn config_loaded(&self, at: UnixTime) {
        self.reload_successful.set(1);
        self.reload_time.set(seconds(at));
    }

    /// Counts an accepted reload.
    pub fn config_accepted(&self, at: UnixTime) {
        self.reloads.get_or_create(&ACCEPTED).inc();
        self.config_loaded(at);
    }

    /// Counts a refused reload.
    pub fn config_refused(&self) {
        self.reloads.get_or_create(&REFUSED).inc();
        self.reload_successful.set(0);
    }

    /// Sets whether shadow mode is on.
    pub fn set_shadow(&self, on: bool) {
        self.shadow.set(i64::from(on));
    }

    /// Counts the warnings of the configuration in use.
    pub(crate) fn set_warnings(&self, warnings: &[Warning]) {
        for code in WarningCode::ALL {
            let same = warnings.iter().filter(|warning| warning.code == *code);
            let gauge = self.warnings.get_or_create_owned(&[("code", code.name())]);
            gauge.set(i64::try_from(same.count()).unwrap_or(i64::MAX));
        }
    }

    /// Sets the time at which the certificate of a listener, such as `grpc`, expires.
    pub fn certificate_expires(&self, listener: &'static str, at: UnixTime) {
        let labels = [("listener", listener)];
        self.certificates.get_or_create(&labels).set(seconds(at));
    }

    /// Sets the source of the numbers that each scrape reads. Later calls have no effect.
    pub fn read_server_stats_with(&self, read: impl Fn() -> ServerStats + Send + Sync + 'static) {
        let _ = self.reader.set(StatsReader(Box::new(read)));
    }

    pub(super) fn span_not_queued(&self) {
        self.spans_dropped.get_or_create(&QUEUE_FULL).inc();
    }

    pub(super) fn spans_not_sent(&self, spans: u64) {
        self.spans_dropped.get_or_create(&NOT_SENT).inc_by(spans);
    }

    /// Adds all metrics to a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.register_gauges(registry);
        self.register_counters(registry);
        registry.register_collector(Box::new(ServerStatsCollector {
            reader: self.reader.clone(),
            decision_lines_dropped: self.decision_lines_dropped.clone(),
        }));
    }

    fn register_gauges(&self, registry: &mut Registry) {
        let help = "Time from a call's message to its decision, waits for keys included";
        let durations = self.durations.family.clone();
        registry.register_with_unit("decision_duration", help, Unit::Seconds, durations);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        let help = "Whether the last configuration that was read is in use";
        let successful = self.reload_successful.clone();
        registry.register("config_last_reload_successful", help, successful);
        let help = "When the configuration in use was taken into use, in seconds since 1970";
        let (name, time) = ("config_last_reload_timestamp", self.reload_time.clone());
        registry.register_with_unit(name, help, Unit::Seconds, time);
        let help = "Whether shadow mode is on, in which denials do not take effect";
        registry.register("shadow", help, self.shadow.clone());
        let help = "Warnings of the configuration in use";
        registry.register("config_warnings", help, self.warnings.clone());
        let help = "When the listener's certificate expires, in seconds since 1970";
        let name = "tls_certificate_expiry_timestamp";
        let times = self.certificates.clone();
        registry.register_with_unit(name, help, Unit::Seconds, times);
    }

    fn register_counters(&self, registry: &mut Registry) {
        let help =
            "Decisions; in shadow mode, an allow has the reason of the denial that it would be";
        registry.register("decisions", help, self.decisions.clone());
        // `rate` misses the first event of a series that appears with it.
        for outcome in [ACCEPTED, REFUSED] {
            drop(self.reloads.get_or_create(&outcome));
        }
        for cause in [QUEUE_FULL, NOT_SENT] {
            drop(self.spans_dropped.get_or_create(&cause));
        }
        let help = "Spans that were lost, by cause";
        registry.register("spans_dropped", help, self.spans_dropped.clone());
        let help = "Configurations that were read while the server ran, by outcome";
        registry.register("config_reloads", help, self.reloads.clone());
        let mut counter = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        let help = "Decisions on tokens that were verified with stale keys";
        counter("jwks_stale_decisions", help, &self.stale);
        let help = "Tokens that were found in the cache of verified tokens";
        counter("token_cache_hits", help, &self.token_cache_hits);
        let help = "Tokens that were not found in the cache of verified tokens";
        counter("token_cache_misses", help, &self.token_cache_misses);
        let help = "Calls that were refused because too much was in flight";
        counter("overloaded", help, &self.overloaded);
        let help = "Calls that waited for a fetch of keys";
        counter("key_waits", help, &self.key_waits);
        let help = "Decisions that panicked and became denials";
        counter("panics", help, &self.panics);
        let help = "Lines of the operational log beyond what one cause may write";
        counter("log_lines_suppressed", help, &SUPPRESSED);
        let help = "Spans that the collector took";
        counter("spans_exported", help, &self.spans_exported);
    }
}

/// The labels of one counter of `watchword_decisions_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    door: &'static str,
    issuer: Option<Arc<str>>,
    rule: Option<Arc<str>>,
    verdict: &'static str,
    reason: &'static str,
    mode: &'static str,
}

impl DecisionLabels {
    fn of(event: &DecisionEvent<'_>) -> Self {
        Self {
            door: event.door.name(),
            issuer: event.issuer.cloned(),
            rule: event.rule.cloned(),
            verdict: event.outcome.verdict(),
            reason: event.outcome.reason(),
            mode: event.mode(),
        }
    }
}

fn seconds(at: UnixTime) -> f64 {
    at.since(UnixTime::EPOCH).as_secs_f64()
}

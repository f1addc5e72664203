//! What is counted and measured, in Prometheus' form. Labels come from the configuration and from fixed words only.

mod decision_labels;
mod server_stats;

pub use server_stats::{CallStats, ServerStats};

use std::sync::{Arc, OnceLock};

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
use decision_labels::DecisionLabels;
use server_stats::StatsReader;

/// One label, of fixed words.
type Label = [(&'static str, &'static str); 1];
/// A point in time, or another value that is no whole number.
type SecondsGauge = Gauge<f64, std::sync::atomic::AtomicU64>;

/// Upper bounds of the buckets of durations, in seconds: a decision takes 50 µs, a wait for keys up to 10 s.
const BUCKETS: [f64; 16] = [
    25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5,
    1.0, 2.5,
];

/// What is counted and measured while the server runs. Counters live as long as this does, through every reload.
#[derive(Debug)]
pub struct Metrics {
    decisions: Family<DecisionLabels, Counter>,
    durations: Family<Label, Histogram, fn() -> Histogram>,
    /// The members of `durations`, in the order of [`Door::ALL`].
    by_door: [Histogram; 2],
    /// Tokens that were found in the cache.
    pub token_cache_hits: Counter,
    /// Tokens that were not.
    pub token_cache_misses: Counter,
    /// Calls that were refused because too much was in flight.
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

impl Default for Metrics {
    fn default() -> Self {
        let constructor: fn() -> Histogram = || Histogram::new(BUCKETS);
        let durations = Family::new_with_constructor(constructor);
        let by_door = Door::ALL.map(|door| durations.get_or_create_owned(&[("door", door.name())]));
        let reloads = Family::<Label, Counter>::default();
        let spans_dropped = Family::<Label, Counter>::default();
        // A series that appears with its first event hides that event from `rate`.
        for outcome in [ACCEPTED, REFUSED] {
            drop(reloads.get_or_create(&outcome));
        }
        for cause in [QUEUE_FULL, NOT_SENT] {
            drop(spans_dropped.get_or_create(&cause));
        }
        Self {
            decisions: Family::default(),
            durations,
            by_door,
            token_cache_hits: Counter::default(),
            token_cache_misses: Counter::default(),
            overloaded: Counter::default(),
            key_waits: Counter::default(),
            panics: Counter::default(),
            decision_lines_dropped: Counter::default(),
            spans_exported: Counter::default(),
            spans_dropped,
            stale: Counter::default(),
            reloads,
            reload_successful: Gauge::default(),
            reload_time: SecondsGauge::default(),
            shadow: Gauge::default(),
            warnings: Family::default(),
            certificates: Family::default(),
            reader: Arc::default(),
        }
    }
}

const ACCEPTED: Label = [("outcome", "accepted")];
const REFUSED: Label = [("outcome", "refused")];
const QUEUE_FULL: Label = [("cause", "queue_full")];
const NOT_SENT: Label = [("cause", "not_sent")];

impl Metrics {
    /// Counts and measures a decision.
    pub fn record(&self, decision: &DecisionEvent<'_>) {
        let labels = DecisionLabels::of(decision);
        self.decisions.get_or_create(&labels).inc();
        let [check, validate] = &self.by_door;
        let histogram = match decision.door {
            Door::Check => check,
            Door::Validate => validate,
        };
        histogram.observe(decision.latency.as_secs_f64());
    }

    /// Counts a token that was verified with keys which are older than they should be.
    pub fn count_stale(&self) {
        self.stale.inc();
    }

    /// Notes that the configuration in use was loaded at this time, when the server started.
    pub fn config_loaded(&self, at: UnixTime) {
        self.reload_successful.set(1);
        self.reload_time.set(seconds(at));
    }

    /// Notes that another configuration was taken into use at this time.
    pub fn config_accepted(&self, at: UnixTime) {
        self.reloads.get_or_create(&ACCEPTED).inc();
        self.config_loaded(at);
    }

    /// Notes that another configuration was refused, and the old one is still in use.
    pub fn config_refused(&self) {
        self.reloads.get_or_create(&REFUSED).inc();
        self.reload_successful.set(0);
    }

    /// Notes whether shadow mode is on.
    pub fn set_shadow(&self, on: bool) {
        self.shadow.set(i64::from(on));
    }

    /// Notes the warnings of the configuration that is in use from now on.
    pub fn set_warnings(&self, warnings: &[Warning]) {
        for code in WarningCode::ALL {
            let count = warnings
                .iter()
                .filter(|warning| warning.code() == *code)
                .count();
            let gauge = self.warnings.get_or_create_owned(&[("code", code.name())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Notes when the certificate that a listener shows ends to be valid. The listener is named by its setting, such
    /// as `grpc`.
    pub fn certificate_expires(&self, listener: &'static str, at: UnixTime) {
        let certificate = self
            .certificates
            .get_or_create_owned(&[("listener", listener)]);
        certificate.set(seconds(at));
    }

    /// Says how to read what is only read when somebody looks; once.
    pub fn read_server_stats_with(&self, read: impl Fn() -> ServerStats + Send + Sync + 'static) {
        // Fails only where it was said before.
        let _ = self.reader.set(StatsReader::new(read));
    }

    pub(super) fn span_not_queued(&self) {
        self.spans_dropped.get_or_create(&QUEUE_FULL).inc();
    }

    pub(super) fn spans_not_sent(&self, spans: u64) {
        self.spans_dropped.get_or_create(&NOT_SENT).inc_by(spans);
    }

    /// Makes everything visible, under names that begin with the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        self.register_decisions(registry);
        self.register_process(registry);
        self.register_counters(registry);
        registry.register_collector(Box::new(server_stats::ServerStatsCollector {
            reader: self.reader.clone(),
            decision_lines_dropped: self.decision_lines_dropped.clone(),
        }));
    }

    fn register_decisions(&self, registry: &mut Registry) {
        let help =
            "Decisions; in shadow mode, an allow has the reason of the denial that it would be";
        registry.register("decisions", help, self.decisions.clone());
        registry.register_with_unit(
            "decision_duration",
            "Time from a call's message to its decision, waits for keys included",
            Unit::Seconds,
            self.durations.clone(),
        );
    }

    fn register_process(&self, registry: &mut Registry) {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The version that runs", Info::new(version));
        registry.register(
            "config_last_reload_successful",
            "Whether the last configuration that was read is in use",
            self.reload_successful.clone(),
        );
        registry.register_with_unit(
            "config_last_reload_timestamp",
            "When the configuration in use was taken into use, in seconds since 1970",
            Unit::Seconds,
            self.reload_time.clone(),
        );
        registry.register(
            "shadow",
            "Whether shadow mode is on, in which denials do not take effect",
            self.shadow.clone(),
        );
        registry.register(
            "config_warnings",
            "Warnings of the configuration in use",
            self.warnings.clone(),
        );
        registry.register_with_unit(
            "tls_certificate_expiry_timestamp",
            "When the listener's certificate ends to be valid, in seconds since 1970",
            Unit::Seconds,
            self.certificates.clone(),
        );
    }

    fn register_counters(&self, registry: &mut Registry) {
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
        let help = "Spans that were lost, by cause";
        registry.register("spans_dropped", help, self.spans_dropped.clone());
        let help = "Configurations that were read while the server ran, by outcome";
        registry.register("config_reloads", help, self.reloads.clone());
    }
}

fn seconds(at: UnixTime) -> f64 {
    at.since(UnixTime::EPOCH).as_secs_f64()
}

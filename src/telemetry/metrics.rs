//! Metrics in Prometheus' form.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What is counted while calls are answered.
#[derive(Debug, Default)]
pub struct Metrics {
    stale: Counter,
}

impl Metrics {
    /// Makes what is counted visible.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Decisions on tokens that were verified with stale keys";
        registry.register("jwks_stale_decisions", help, self.stale.clone());
    }

    /// Counts a token that was verified with keys which are older than they should be.
    pub fn count_stale(&self) {
        self.stale.inc();
    }
}

//! `GET /metrics`. Label values come from the configuration and a fixed set of words.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::grpc::State;
use crate::jwks::SourceStatus;

/// Reads metrics of the key sources at each scrape.
#[derive(Debug)]
struct KeyMetrics {
    state: Arc<State>,
}

type IssuerStatus<'s> = (&'s str, &'s SourceStatus);

pub(super) fn registry(state: &Arc<State>) -> Registry {
    let mut registry = Registry::with_prefix("watchword");
    state.telemetry.metrics.register(&mut registry);
    registry.register_collector(Box::new(KeyMetrics {
        state: state.clone(),
    }));
    registry
}

impl Collector for KeyMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let generation = self.state.generation();
        let statuses = generation.sources().status();
        let mut sources: Vec<IssuerStatus<'_>> = Vec::new();
        for status in &statuses {
            let issuers = generation.policy.names_of(&status.issuers);
            sources.extend(issuers.into_iter().map(|issuer| (issuer, status)));
        }
        gauges(&mut encoder, &sources)?;
        counters(&mut encoder, &sources)
    }
}

fn gauges(encoder: &mut DescriptorEncoder<'_>, sources: &[IssuerStatus<'_>]) -> fmt::Result {
    let help = "How long ago the issuer's keys were last known to be good";
    let gauge = MetricType::Gauge;
    let mut age = encoder.encode_descriptor("jwks_age", help, Some(&Unit::Seconds), gauge)?;
    for (issuer, status) in sources {
        if let Some(span) = status.age {
            let labels = [("issuer", *issuer)];
            ConstGauge::new(span.as_secs_f64()).encode(age.encode_family(&labels)?)?;
        }
    }
    let help = "Keys of the issuer that are used";
    let mut keys = encoder.encode_descriptor("jwks_keys", help, None, gauge)?;
    for (issuer, status) in sources {
        count(&mut keys, &[("issuer", issuer)], status.keys().len())?;
    }
    let help = "Keys of the issuer that are not used, by reason";
    let mut skipped = encoder.encode_descriptor("jwks_keys_skipped", help, None, gauge)?;
    for (issuer, status) in sources {
        for (reason, keys) in status.skipped_by_reason() {
            let labels = [("issuer", *issuer), ("reason", reason)];
            count(&mut skipped, &labels, keys)?;
        }
    }
    let help = "Keys whose private part or shared secret the source publishes; above 0, the \
                issuer is compromised";
    let mut exposed = encoder.encode_descriptor("jwks_keys_exposed", help, None, gauge)?;
    for (issuer, status) in sources {
        count(&mut exposed, &[("issuer", issuer)], status.exposed().len())?;
    }
    let help = "Whether the issuer's keys are in this state: fresh, stale or absent";
    let mut states = encoder.encode_descriptor("jwks_state", help, None, gauge)?;
    for (issuer, status) in sources {
        for state in ["fresh", "stale", "absent"] {
            let labels = [("issuer", *issuer), ("state", state)];
            count(&mut states, &labels, usize::from(status.state == state))?;
        }
    }
    Ok(())
}

fn counters(encoder: &mut DescriptorEncoder<'_>, sources: &[IssuerStatus<'_>]) -> fmt::Result {
    let help = "Fetches of the issuer's keys, by outcome; issuers that share a source count the \
                same fetches";
    let counter = MetricType::Counter;
    let mut fetches = encoder.encode_descriptor("jwks_fetches", help, None, counter)?;
    for (issuer, status) in sources {
        for (outcome, number) in &status.fetches {
            let labels = [("issuer", *issuer), ("outcome", *outcome)];
            ConstCounter::new(*number).encode(fetches.encode_family(&labels)?)?;
        }
    }
    let help = "Those fetches that tokens with unknown keys caused";
    let mut caused = encoder.encode_descriptor("jwks_unknown_key_fetches", help, None, counter)?;
    for (issuer, status) in sources {
        let labels = [("issuer", *issuer)];
        ConstCounter::new(status.unknown_key_fetches).encode(caused.encode_family(&labels)?)?;
    }
    Ok(())
}

fn count<const N: usize>(
    metric: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    number: usize,
) -> fmt::Result {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    ConstGauge::new(number).encode(metric.encode_family(labels)?)
}

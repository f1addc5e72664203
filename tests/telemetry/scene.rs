//! Decisions to record, and configurations of telemetry.

use std::io::{PipeReader, PipeWriter, Read as _};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::Value;
use watchword::config::Config;
use watchword::jose::{Algorithm, KeySet};
use watchword::telemetry::{
    DecisionEvent, DecisionOutcome, Door, Exposition, Metrics, RequestId, Telemetry,
};
use watchword::token::{BearerToken, Denial, UnixTime, UnverifiedToken, VerifiedToken};
use watchword_test_support::mint::{self, Signer};

/// 2023-11-14T22:13:20.125Z.
pub(crate) const NOW: f64 = 1_700_000_000.125;

pub(crate) static CORP: LazyLock<Arc<str>> = LazyLock::new(|| "corp".into());
pub(crate) static ADMIN: LazyLock<Arc<str>> = LazyLock::new(|| "admin".into());

/// A decision of the issuer `corp` by the rule `admin`.
pub(crate) fn decision(outcome: DecisionOutcome<'_>) -> DecisionEvent<'_> {
    DecisionEvent {
        door: Door::Check,
        shadow: false,
        outcome,
        issuer: Some(&CORP),
        rule: Some(&ADMIN),
        near_miss: None,
        token: None,
        request_id: RequestId::default(),
        trace: None,
        at: UnixTime::from_secs(NOW),
        latency: Duration::from_micros(1500),
    }
}

pub(crate) fn expired() -> Denial {
    let ago = Duration::from_millis(12_500);
    Denial::TokenExpired { ago }
}

/// A token with a valid signature.
pub(crate) fn verified(claims: &Value) -> VerifiedToken {
    let signer = Signer::generate("ES256", "k1");
    let keys = mint::key_set(&[&signer]).to_string();
    let keys = KeySet::from_documents([keys.as_bytes()]).unwrap();
    let text = signer.sign(claims);
    let token = BearerToken::new(text.as_bytes(), 65536).unwrap();
    let token = UnverifiedToken::parse(&token).unwrap();
    token
        .verify(&keys, &[Algorithm::from_name("ES256").unwrap()])
        .unwrap()
}

/// A configuration with these sections before its issuer.
pub(crate) fn config(sections: &str) -> Config {
    let text = format!(
        "\
server: {{grpc: {{address: '127.0.0.1:0'}}, admin: {{address: '127.0.0.1:0'}}}}
{sections}
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    jwks: {{file: keys.json}}
    required: false
rules: [{{name: admin}}]
"
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("telemetry.yaml");
    match Config::parse(&text, &file) {
        Ok(config) => config,
        Err(problems) => panic!("{problems}"),
    }
}

/// Telemetry with these sections, and the reader of its decision log.
pub(crate) fn telemetry(sections: &str) -> (Telemetry, PipeReader) {
    let config = config(sections);
    let (reader, writer) = std::io::pipe().unwrap();
    let telemetry = Telemetry::start_with_output(&config.log, config.traces.as_ref(), || {
        Ok::<PipeWriter, _>(writer)
    });
    let telemetry = telemetry.unwrap();
    (telemetry, reader)
}

/// The text of a decision log, to its end.
pub(crate) fn text(mut log: PipeReader) -> String {
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    text
}

/// The lines of a decision log, to its end.
pub(crate) fn lines(log: PipeReader) -> Vec<Value> {
    let text = text(log);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All metrics as text.
pub(crate) fn page(metrics: &Metrics, form: Exposition) -> String {
    let mut registry = Registry::with_prefix("watchword");
    metrics.register(&mut registry);
    form.write(&registry).unwrap()
}

/// The value of a series, with its labels in the name; `None` if there is none.
pub(crate) fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let page = page(metrics, Exposition::Classic);
    let lines = page.lines().filter_map(|line| line.rsplit_once(' '));
    let mut found = lines.filter(|(name, _)| *name == series);
    found.next().map(|(_, value)| value.parse().unwrap())
}

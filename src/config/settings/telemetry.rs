//! The sections `log` and `traces` as their author writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::time::Duration;

use super::super::span::Span;
use super::ClaimNameSetting;
use super::secret::{Secret, Url};

pub(crate) const EXPORT_TIMEOUT: Span =
    Span::new(Duration::from_millis(100), Duration::from_secs(60)).or(Duration::from_secs(5));

/// Logging, to standard error.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSettings {
    /// One JSON object a line, or text for people.
    pub(crate) format: LogFormat,
    /// The least severe level that is written. `debug` has one line a decision.
    pub(crate) level: LogLevel,
    /// The log of decisions, to standard output.
    pub(crate) decisions: DecisionsSettings,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The severity of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What needs somebody to act.
    Error,
    /// What may need somebody to act.
    Warn,
    /// Life cycle.
    #[default]
    Info,
    /// One line a decision.
    Debug,
    /// Everything.
    Trace,
}

/// The log of decisions: one JSON object a line on standard output, whatever `format` and `level` say.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DecisionsSettings {
    /// Which decisions are written.
    pub(crate) policy: DecisionPolicy,
    /// With `sampled`, the share of allows that is written, from 0 to 1; denials always are.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.01))]
    pub(crate) sample: Option<f64>,
    /// Claims that are written, of tokens whose signature holds; at most 16.
    pub(crate) claims: Vec<ClaimNameSetting>,
    /// Write a keyed hash (HMAC-SHA-256, its first 16 bytes in hex) of each of these claims in place of its value.
    #[schemars(extend("default" = true))]
    pub(crate) hash_claims: Option<bool>,
    /// A file with the key of these hashes, of at least 32 bytes, so that replicas write the same; one line break at
    /// the end of a text is left out. Without it, the key is random, another one in each process.
    pub(crate) hash_key_file: Option<String>,
}

/// Which decisions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecisionPolicy {
    /// None.
    #[default]
    None,
    /// Denials, and what shadow mode lets pass.
    Denials,
    /// Denials, and a share of the allows.
    Sampled,
    /// All.
    All,
}

/// Traces: a span a decision, sent to an OpenTelemetry collector.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TracesSettings {
    /// The collector.
    pub(crate) otlp: OtlpSettings,
    /// The share of traced decisions among those whose caller sends no trace context, from 0 to 1; else the caller
    /// decides.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.0))]
    pub(crate) sample_ratio: Option<f64>,
    /// The service that spans are said to be of.
    #[schemars(extend("default" = "watchword"))]
    pub(crate) service_name: Option<String>,
}

/// An OpenTelemetry collector that is spoken to by OTLP over gRPC.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtlpSettings {
    /// Its URL, such as `http://127.0.0.1:4317`.
    pub(crate) endpoint: Url,
    /// A PEM file with the certificate authorities that are trusted instead of the system's. Read for each connection.
    pub(crate) ca: Option<String>,
    /// Headers to send; over https only.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Secret<String>>,
    /// How long sending a batch of spans may take.
    #[schemars(transform = EXPORT_TIMEOUT.in_schema())]
    pub(crate) timeout: Option<String>,
}

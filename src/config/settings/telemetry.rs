//! The sections `log` and `traces` as their author writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::{Time, between};
use super::{ClaimNameSetting, FilePath, Secret, Text, Url};

/// Logging, to standard error.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true, "x-form" = "{level: debug}"))]
pub(crate) struct LogSettings {
    /// The form of lines: `text` for people, or one JSON object a line.
    pub(crate) format: LogFormat,
    /// The least severe level that is written. `debug` has one line a decision.
    pub(crate) level: LogLevel,
    /// The log of decisions, to standard output.
    pub(crate) decisions: DecisionsSettings,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The severity of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// Somebody must act.
    Error,
    /// Somebody may have to act.
    Warn,
    /// Life cycle.
    #[default]
    Info,
    /// One line a decision.
    Debug,
    /// Everything.
    Trace,
}

/// The log of decisions: one JSON object a line on standard output, independent of `format` and
/// `level`.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-restart" = true, "x-form" = "{policy: denials}"))]
pub(crate) struct DecisionsSettings {
    /// The decisions that are written.
    pub(crate) policy: DecisionPolicy,
    /// With `sampled`, the share of allows that is written, from 0 to 1; denials always are.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.01))]
    pub(crate) sample: Option<f64>,
    /// Claims that are written, of tokens with a valid signature; at most 16.
    #[schemars(length(max = 16))]
    pub(crate) claims: Vec<ClaimNameSetting>,
    /// Write a keyed hash (HMAC-SHA-256, its first 16 bytes in hex) of each of these claims in
    /// place of its value.
    #[schemars(extend("default" = true))]
    pub(crate) hash_claims: Option<bool>,
    /// A file with the key of these hashes, of at least 32 bytes, so that replicas write the same
    /// ones; one line break at the end of a text is left out. By default each process makes a
    /// random key.
    pub(crate) hash_key_file: Option<FilePath>,
}

/// The decisions that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecisionPolicy {
    /// None.
    #[default]
    None,
    /// Denials, and requests that only shadow mode allows.
    Denials,
    /// Denials, and a share of the allows.
    Sampled,
    /// All.
    All,
}

/// Traces: a span a decision, sent to an OpenTelemetry collector.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-restart" = true, "x-form" = "{otlp: {endpoint: \"http://127.0.0.1:4317\"}}"))]
pub(crate) struct TracesSettings {
    /// The collector.
    pub(crate) otlp: OtlpSettings,
    /// The share of traced decisions among those whose caller sends no trace context, from 0 to 1.
    /// Of the others, the caller decides.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.0))]
    pub(crate) sample_ratio: Option<f64>,
    /// The spans' `service.name`.
    #[schemars(extend("default" = "watchword"))]
    pub(crate) service_name: Option<Text>,
}

/// An OpenTelemetry collector, called by OTLP over gRPC.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-restart" = true, "x-form" = "{endpoint: \"http://127.0.0.1:4317\"}"))]
pub(crate) struct OtlpSettings {
    /// Its URL, such as `http://127.0.0.1:4317`.
    pub(crate) endpoint: Url,
    /// A PEM file with the certificate authorities that are trusted instead of the system's. Read
    /// for each connection.
    pub(crate) ca: Option<FilePath>,
    /// Headers to send; over https only.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Secret<String>>,
    /// The longest time for sending a batch of spans.
    #[serde(default = "export_timeout")]
    #[schemars(transform = between("100ms", "1m"))]
    pub(crate) timeout: Time,
}

fn export_timeout() -> Time {
    Time::seconds(5)
}

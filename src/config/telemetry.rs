//! The sections `log` and `traces`.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use zeroize::Zeroizing;

use crate::files::{read_bounded, without_line_end};
use crate::token::ClaimPath;

use super::files::warn_of_open_secret;
use super::findings::Findings;
use super::settings;
use super::values::{self, filled};
use super::{DecisionPolicy, LogFormat, LogLevel, MAX_SIZE};

/// Most claims that a line of the decision log may have.
const MAX_CLAIMS: usize = 16;
/// Shortest and longest key of hashes, in bytes.
const KEY_SIZES: (usize, usize) = (32, 1024);
/// Headers that gRPC itself sets.
const RESERVED: [&str; 4] = ["content-type", "te", "host", "user-agent"];
const READABLE: &str = "the path of a readable file, from this file's folder";

/// Logging.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// The form of lines.
    pub format: LogFormat,
    /// The least severe level that is written.
    pub level: LogLevel,
    /// The log of decisions.
    pub decisions: DecisionsConfig,
}

/// The log of decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionsConfig {
    /// Which decisions are written.
    pub policy: DecisionPolicy,
    /// With [`DecisionPolicy::Sampled`], the share of allows that is written, from 0 to 1.
    pub sample: f64,
    /// The claims that are written.
    pub claims: Vec<ClaimPath>,
    /// How they are written.
    pub form: ClaimForm,
}

/// How claims are written into the decision log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimForm {
    /// As they are, cut where they are long.
    Plain,
    /// Hashed with this key; `None`: with a random one.
    Hashed(Option<HashKey>),
}

/// A key of hashes. It is never shown. Keys count as equal: one that was replaced in its file is no reason to refuse a
/// reload, and is used from the next start on.
#[derive(Clone)]
pub struct HashKey(Zeroizing<Vec<u8>>);

impl PartialEq for HashKey {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for HashKey {}

impl HashKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(redacted)")
    }
}

/// Where spans are sent, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct TracesConfig {
    /// The collector: scheme, host and port.
    pub endpoint: Url,
    /// The certificate authorities that are trusted; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Headers to send. Their values are marked as sensitive, so that they are not shown.
    pub headers: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
    /// How long sending a batch may take.
    pub timeout: Duration,
    /// The share of traced decisions among those without a caller's context, from 0 to 1.
    pub sample_ratio: f64,
    /// The service that spans are said to be of.
    pub service_name: String,
}

pub(super) fn log(raw: &settings::LogSettings, findings: &mut Findings<'_>) -> LogConfig {
    LogConfig {
        format: raw.format,
        level: raw.level,
        decisions: decisions(&raw.decisions, findings),
    }
}

fn decisions(raw: &settings::DecisionsSettings, findings: &mut Findings<'_>) -> DecisionsConfig {
    let at = ["log", "decisions", "sample"];
    if raw.sample.is_some() && raw.policy != DecisionPolicy::Sampled {
        findings.add(&at, "a share with another policy", "policy: sampled");
    }
    let sample = share(raw.sample, 0.01, &at, findings);
    if raw.claims.len() > MAX_CLAIMS {
        let found = format!("{} claims", raw.claims.len());
        findings.add(&["log", "decisions", "claims"], found, "at most 16");
    }
    let claims = raw.claims.iter().enumerate();
    let claims = claims.map(|(index, name)| claim(index, name, findings));
    DecisionsConfig {
        policy: raw.policy,
        sample,
        claims: claims.collect(),
        form: form(raw, findings),
    }
}

fn claim(
    index: usize,
    name: &settings::ClaimNameSetting,
    findings: &mut Findings<'_>,
) -> ClaimPath {
    let element = format!("[{index}]");
    let at = ["log", "decisions", "claims", &element];
    match name {
        settings::ClaimNameSetting::Literal(names) => {
            ClaimPath::literal(filled(Some(names), &at, findings))
        }
        settings::ClaimNameSetting::Dotted(path) => {
            if path.split('.').any(str::is_empty) {
                let expected = "names of claims, separated by single dots";
                findings.add(&at, format!("{path:?}"), expected);
            }
            ClaimPath::dotted(path)
        }
    }
}

fn form(raw: &settings::DecisionsSettings, findings: &mut Findings<'_>) -> ClaimForm {
    let at = ["log", "decisions", "hash_key_file"];
    match (raw.hash_claims.unwrap_or(true), &raw.hash_key_file) {
        (true, file) => {
            let file = file.as_deref();
            ClaimForm::Hashed(file.and_then(|file| hash_key(file, &at, findings)))
        }
        (false, None) => ClaimForm::Plain,
        (false, Some(_)) => {
            findings.add(&at, "a key, and nothing to hash", "hash_claims: true");
            ClaimForm::Plain
        }
    }
}

fn hash_key(file: &str, at: &[&str], findings: &mut Findings<'_>) -> Option<HashKey> {
    let path = findings.resolve(file);
    warn_of_open_secret(&path, at, findings);
    let content = read_bounded(&path, KEY_SIZES.1).map(|content| content.map(Zeroizing::new));
    let key = content
        .map(|content| content.map(|content| HashKey::new(without_line_end(&content).to_vec())));
    match key {
        Ok(Some(key)) if key.as_bytes().len() >= KEY_SIZES.0 => return Some(key),
        Ok(Some(_)) => findings.add(at, "a shorter key", "a key of at least 32 bytes"),
        Ok(None) => findings.add(at, "a longer file", "a key of at most 1024 bytes"),
        Err(error) => findings.add_cause(at, error.to_string(), READABLE),
    }
    None
}

fn share(value: Option<f64>, default: f64, at: &[&str], findings: &mut Findings<'_>) -> f64 {
    let share = value.unwrap_or(default);
    if !(0.0..=1.0).contains(&share) {
        findings.add(at, share.to_string(), "a share from 0 to 1");
    }
    share
}

/// `None` where the endpoint was noted as a problem.
pub(super) fn traces(
    raw: &settings::TracesSettings,
    findings: &mut Findings<'_>,
) -> Option<TracesConfig> {
    let otlp = &raw.otlp;
    let timeout = settings::EXPORT_TIMEOUT.read(
        otlp.timeout.as_deref(),
        &["traces", "otlp", "timeout"],
        settings::EXPORT_TIMEOUT.default(),
        findings,
    );
    let at = ["traces", "sample_ratio"];
    let sample_ratio = share(raw.sample_ratio, 0.0, &at, findings);
    let service_name = raw.service_name.as_deref().unwrap_or("watchword");
    if service_name.is_empty() {
        findings.add(&["traces", "service_name"], "an empty string", "a name");
    }
    let ca = otlp.ca.as_deref().map(|file| ca(file, findings));
    let headers = headers(otlp, findings);
    Some(TracesConfig {
        endpoint: endpoint(otlp, findings)?,
        ca,
        headers,
        timeout,
        sample_ratio,
        service_name: service_name.to_owned(),
    })
}

fn endpoint(otlp: &settings::OtlpSettings, findings: &mut Findings<'_>) -> Option<Url> {
    let judged = Url::parse(&otlp.endpoint).map_err(|error| error.to_string());
    let judged = judged.and_then(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        match url.scheme() {
            "http" if otlp.ca.is_some() => Err("http, with certificate authorities".to_owned()),
            "http" if !otlp.headers.is_empty() => Err("http, with headers to send".to_owned()),
            "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
                Err("a URL with user or password".to_owned())
            }
            "http" | "https" if bare => Ok(url),
            "http" | "https" => Err("a URL with path, query or fragment".to_owned()),
            _ => Err("another scheme".to_owned()),
        }
    });
    match judged {
        Ok(url) => Some(url),
        Err(found) => {
            let expected = "an http or https URL of host and port only, https with ca or headers";
            findings.add(&["traces", "otlp", "endpoint"], found, expected);
            None
        }
    }
}

fn ca(file: &str, findings: &mut Findings<'_>) -> PathBuf {
    let at = ["traces", "otlp", "ca"];
    let path = values::path(file, &at, findings);
    if findings.look_into_files() && !file.is_empty() {
        match read_bounded(&path, MAX_SIZE) {
            Ok(Some(_)) => {}
            Ok(None) => findings.add(&at, "a longer file", "at most 1 MiB"),
            Err(error) => findings.add_cause(&at, error.to_string(), READABLE),
        }
    }
    path
}

fn headers(
    otlp: &settings::OtlpSettings,
    findings: &mut Findings<'_>,
) -> Vec<(AsciiMetadataKey, AsciiMetadataValue)> {
    let mut headers = Vec::new();
    for (name, text) in &otlp.headers {
        let at = ["traces", "otlp", "headers", name.as_str()];
        let reserved = |name: &str| name.starts_with("grpc-") || RESERVED.contains(&name);
        match AsciiMetadataKey::from_bytes(name.as_bytes()) {
            Ok(key) if !reserved(key.as_str()) => match AsciiMetadataValue::try_from(text.as_str())
            {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.push((key, value));
                }
                Err(_) => findings.add(&at, "another value, which is not shown", "visible ASCII"),
            },
            Ok(_) => findings.add(&at, "a header that gRPC sets", "another header"),
            Err(_) => {
                let found = "a name that gRPC does not allow";
                findings.add(&at, found, "a header's name, not one that ends in \"-bin\"");
            }
        }
    }
    headers
}

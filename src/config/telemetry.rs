//! The sections `log` and `traces`.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use zeroize::Zeroizing;

use crate::files::without_line_end;
use crate::token::ClaimPath;

use super::issuers::{parse_url, server_url_fault};
use super::setting::Setting;
use super::settings::{DecisionsSettings, FilePath, LogSettings, OtlpSettings, TracesSettings};
use super::{DecisionPolicy, LogFormat, LogLevel};

/// Shortest and longest key of hashes, in bytes.
const KEY_SIZES: (usize, usize) = (32, 1024);
/// Headers that gRPC itself sets.
const RESERVED: [&str; 4] = ["content-type", "te", "host", "user-agent"];

/// Logging.
#[derive(Clone, Debug)]
pub struct LogConfig {
    pub(crate) format: LogFormat,
    /// The least severe level that is written.
    pub(crate) level: LogLevel,
    /// The log of decisions.
    pub decisions: DecisionsConfig,
}

/// The log of decisions.
#[derive(Clone, Debug)]
pub struct DecisionsConfig {
    /// The decisions that are written.
    pub policy: DecisionPolicy,
    /// With [`DecisionPolicy::Sampled`], the share of allows that is written, from 0 to 1.
    pub sample: f64,
    /// The claims that are written.
    pub claims: Vec<ClaimPath>,
    /// The form of their values.
    pub form: ClaimForm,
}

/// The form of claims in the decision log.
#[derive(Clone, Debug)]
pub enum ClaimForm {
    /// As they are, cut where they are long.
    Plain,
    /// Hashed with this key; `None`: with a random one.
    Hashed(Option<HashKey>),
}

/// A key of hashes. It is never shown, and used from the next start on when its file changes.
#[derive(Clone)]
pub struct HashKey(Zeroizing<Vec<u8>>);

impl HashKey {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

crate::escape::redact! { "HashKey" for HashKey; }

/// The collector of spans, and their share.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// The collector: scheme, host and port.
    pub endpoint: Url,
    /// The certificate authorities that are trusted; `None`: the system's.
    pub(crate) ca: Option<PathBuf>,
    /// Headers to send. Their values are marked as sensitive, so that they are not shown.
    pub headers: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
    /// The longest time for sending a batch.
    pub timeout: Duration,
    /// The share of traced decisions among those without a caller's context, from 0 to 1.
    pub sample_ratio: f64,
    pub(crate) service_name: String,
}

pub(super) fn log(mut section: Setting<'_, '_, LogSettings>) -> LogConfig {
    let settings = section.value;
    LogConfig {
        format: settings.format,
        level: settings.level,
        decisions: section.member("decisions", &settings.decisions).build(),
    }
}

impl Setting<'_, '_, DecisionsSettings> {
    fn build(&mut self) -> DecisionsConfig {
        let settings = self.value;
        if let (Some(sample), false) =
            (&settings.sample, settings.policy == DecisionPolicy::Sampled)
        {
            self.member("sample", sample)
                .contradiction("`sample` requires `policy: sampled`: set it, or remove `sample`");
        }
        let mut claims = Vec::new();
        self.member("claims", &*settings.claims)
            .for_each(|mut claim| claims.push(claim.claim_path()));
        DecisionsConfig {
            policy: settings.policy,
            sample: settings.sample.unwrap_or(0.01),
            claims,
            form: self.form(),
        }
    }

    fn form(&mut self) -> ClaimForm {
        let file = self.value.hash_key_file.as_ref();
        if self.value.hash_claims.unwrap_or(true) {
            let key = file.and_then(|file| self.member("hash_key_file", file).hash_key());
            return ClaimForm::Hashed(key);
        }
        if let Some(file) = file {
            self.member("hash_key_file", file).contradiction(
                "`hash_key_file` requires `hash_claims: true`: set it, or remove `hash_key_file`",
            );
        }
        ClaimForm::Plain
    }
}

impl Setting<'_, '_, FilePath> {
    fn hash_key(&mut self) -> Option<HashKey> {
        self.warn_of_open_secret();
        let content = self.read(KEY_SIZES.1).map(Zeroizing::new)?;
        let key = HashKey::new(without_line_end(&content).to_vec());
        if key.as_bytes().len() < KEY_SIZES.0 {
            self.unusable("a shorter key", "a key of at least 32 bytes");
            return None;
        }
        Some(key)
    }
}

/// `None`: the endpoint has a problem, which is noted.
pub(super) fn traces(mut section: Setting<'_, '_, TracesSettings>) -> Option<TracesConfig> {
    let settings = section.value;
    let mut otlp = section.member("otlp", &settings.otlp);
    let ca = settings.otlp.ca.as_ref();
    let ca = ca.map(|file| otlp.member("ca", file).readable());
    let headers = otlp.headers();
    let service_name = settings.service_name.as_deref();
    Some(TracesConfig {
        endpoint: otlp.endpoint()?,
        ca,
        headers,
        timeout: settings.otlp.timeout.into(),
        sample_ratio: settings.sample_ratio.unwrap_or(0.0),
        service_name: service_name.unwrap_or("watchword").to_owned(),
    })
}

impl Setting<'_, '_, OtlpSettings> {
    fn endpoint(&mut self) -> Option<Url> {
        let settings = self.value;
        let judged = parse_url(&settings.endpoint);
        let judged = judged.and_then(|url| {
            let fault = match url.scheme() {
                "http" if settings.ca.is_some() => Some("http, with certificate authorities"),
                "http" if !settings.headers.is_empty() => Some("http, with headers to send"),
                _ => server_url_fault(&url),
            };
            fault.map_or(Ok(url), |fault| Err(fault.to_owned()))
        });
        let expected = "an http or https URL of host and port only, https with ca or headers";
        let url = judged.map_err(|found| self.member("endpoint", &()).found(found, expected));
        url.ok()
    }

    fn headers(&mut self) -> Vec<(AsciiMetadataKey, AsciiMetadataValue)> {
        let mut headers = Vec::new();
        let settings = self.value;
        let mut section = self.member("headers", &settings.headers);
        for (name, text) in &settings.headers {
            let mut setting = section.member(name, text);
            let Ok(key) = AsciiMetadataKey::from_bytes(name.as_bytes()) else {
                let expected = "a header's name, not one that ends in \"-bin\"";
                setting.bad_name("a name that gRPC does not allow", expected);
                continue;
            };
            if key.as_str().starts_with("grpc-") || RESERVED.contains(&key.as_str()) {
                setting.bad_name("a header that gRPC sets", "another header");
                continue;
            }
            match AsciiMetadataValue::try_from(text.as_str()) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.push((key, value));
                }
                Err(_) => setting.found("another value, which is not shown", "visible ASCII"),
            }
        }
        headers
    }
}

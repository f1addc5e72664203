//! The client of the OpenTelemetry collector: OTLP over gRPC.

use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::config::TracesConfig;
use crate::files::read_bounded;
use crate::wire::opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;
use crate::wire::opentelemetry::proto::collector::trace::v1::trace_service_client::TraceServiceClient;
use crate::wire::opentelemetry::proto::common::v1::InstrumentationScope;
use crate::wire::opentelemetry::proto::resource::v1::Resource;
use crate::wire::opentelemetry::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::span::attribute;

/// Largest PEM file, in bytes.
const MAX_PEM: usize = 1024 * 1024;
/// Largest answer of a collector, in bytes. A good one is empty.
const MAX_ANSWER: usize = 64 * 1024;

/// A collector, and the connection to it until it fails.
pub(super) struct OtlpCollector {
    config: TracesConfig,
    client: Option<TraceServiceClient<Channel>>,
}

/// Spans could not be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error("traces.otlp.ca cannot be read")]
    Authorities,
    #[error("traces.otlp: {0}")]
    Endpoint(tonic::transport::Error),
    /// The collector cannot be reached, or refuses. Its own text is not repeated.
    #[error("{}", .0.description())]
    Call(tonic::Code),
    #[error("no answer within {0:?}")]
    Late(Duration),
}

impl OtlpCollector {
    pub(super) fn new(config: TracesConfig) -> Self {
        Self {
            config,
            client: None,
        }
    }

    /// Sends spans, and returns the number that the collector refused. After a failure, the next
    /// call reads the certificate authorities again and connects anew.
    pub(super) async fn send(&mut self, spans: Vec<Span>) -> Result<u64, ExportError> {
        let timeout = self.config.timeout;
        let sent = tokio::time::timeout(timeout, self.exchange(spans)).await;
        let sent = sent.unwrap_or(Err(ExportError::Late(timeout)));
        if sent.is_err() {
            self.client = None;
        }
        sent
    }

    async fn exchange(&mut self, spans: Vec<Span>) -> Result<u64, ExportError> {
        let mut request = tonic::Request::new(self.request(spans));
        for (key, value) in &self.config.headers {
            request.metadata_mut().insert(key.clone(), value.clone());
        }
        let client = match &mut self.client {
            Some(client) => client,
            None => self.client.insert(connect(&self.config).await?),
        };
        let answer = client.export(request).await;
        let answer = answer.map_err(|status| ExportError::Call(status.code()))?;
        let refused = answer.into_inner().partial_success;
        let refused = refused.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(refused).unwrap_or_default())
    }

    fn request(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let version = env!("CARGO_PKG_VERSION");
        let resource = Resource {
            attributes: vec![
                attribute("service.name", &self.config.service_name),
                attribute("service.version", version),
            ],
        };
        let scope = InstrumentationScope {
            name: "watchword".to_owned(),
            version: version.to_owned(),
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans,
                }],
            }],
        }
    }
}

async fn connect(config: &TracesConfig) -> Result<TraceServiceClient<Channel>, ExportError> {
    let reading = config.clone();
    // Reads files, among them those of the system's authorities.
    let endpoint = tokio::task::spawn_blocking(move || endpoint(&reading)).await;
    let endpoint = endpoint.unwrap_or(Err(ExportError::Call(tonic::Code::Cancelled)))?;
    let client = TraceServiceClient::new(endpoint.connect_lazy());
    Ok(client.max_decoding_message_size(MAX_ANSWER))
}

fn endpoint(config: &TracesConfig) -> Result<Endpoint, ExportError> {
    let endpoint = Endpoint::from_shared(config.endpoint.to_string());
    let endpoint = endpoint.map_err(ExportError::Endpoint)?;
    if config.endpoint.scheme() != "https" {
        return Ok(endpoint);
    }
    let trust = match &config.ca {
        None => ClientTlsConfig::new().with_native_roots(),
        Some(file) => {
            let pem = read_bounded(file, MAX_PEM).ok().flatten();
            let pem = pem.ok_or(ExportError::Authorities)?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
    };
    endpoint.tls_config(trust).map_err(ExportError::Endpoint)
}

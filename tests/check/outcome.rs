//! The outcome of a call, in the terms of the tests.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use prost_types::value::Kind;
use tonic::{Code, Status};
use watchword::wire::envoy::config::core::v3::HeaderValueOption;
use watchword::wire::envoy::service::auth::v3::CheckResponse;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The gRPC status of the call itself; anything but `Ok` opens the door under
    /// `failure_mode_allow`.
    pub(crate) grpc: Code,
    /// HTTP status of a denial.
    pub(crate) http: Option<i32>,
    /// `CheckResponse.status.code`; `None` where the status is not set.
    pub(crate) code: Option<i32>,
    /// The reason in `dynamic_metadata`.
    pub(crate) reason: String,
    pub(crate) metadata: BTreeMap<String, String>,
    /// Headers that are set: on the upstream request for an allow, on the reply for a denial.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) removed: Vec<String>,
    pub(crate) body: String,
    /// The answer as it was decoded, and its bytes.
    pub(crate) response: CheckResponse,
    pub(crate) wire: Bytes,
}

impl Outcome {
    /// Decodes an answer. A gRPC error, or bytes that do not decode, give an outcome that no case
    /// expects.
    pub(crate) fn of(result: Result<Bytes, Status>) -> Self {
        let (grpc, wire) = match result {
            Ok(wire) => (Code::Ok, wire),
            Err(status) => (status.code(), Bytes::new()),
        };
        let (grpc, response) = match CheckResponse::decode(wire.clone()) {
            Ok(response) => (grpc, response),
            Err(_) => (Code::DataLoss, CheckResponse::default()),
        };
        let metadata = metadata(&response.dynamic_metadata);
        let (http, headers, removed, body) = match &response.http_response {
            Some(HttpResponse::DeniedResponse(denied)) => {
                let http = denied.status.as_ref().map_or(0, |status| status.code);
                (
                    Some(http),
                    pairs(&denied.headers),
                    Vec::new(),
                    text(&denied.body),
                )
            }
            Some(HttpResponse::OkResponse(ok)) => {
                let removed = ok.headers_to_remove.iter().map(|name| text(name)).collect();
                (None, pairs(&ok.headers), removed, String::new())
            }
            None => (None, Vec::new(), Vec::new(), String::new()),
        };
        Self {
            grpc,
            http,
            code: response.status.as_ref().map(|status| status.code),
            reason: metadata.get("reason").cloned().unwrap_or_default(),
            metadata,
            headers,
            removed,
            body,
            response,
            wire,
        }
    }

    /// Envoy lets the request pass: gRPC OK, and the code is 0 or absent, whatever else is set.
    pub(crate) fn is_allow(&self) -> bool {
        self.grpc == Code::Ok && self.code.unwrap_or(0) == 0
    }

    /// The value of a header that is set.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(set, _)| set == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn removes(&self, name: &str) -> bool {
        self.removed.iter().any(|removed| removed == name)
    }

    /// Query parameters that Envoy is told to remove.
    pub(crate) fn query_removed(&self) -> Vec<String> {
        match &self.response.http_response {
            Some(HttpResponse::OkResponse(ok)) => ok
                .query_parameters_to_remove
                .iter()
                .map(|name| text(name))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The rule that was applied, by its name.
    pub(crate) fn rule(&self) -> &str {
        self.metadata.get("rule").map_or("", String::as_str)
    }

    /// One line for a failure message.
    pub(crate) fn summary(&self) -> String {
        if self.grpc != Code::Ok {
            return format!("gRPC error {:?}", self.grpc);
        }
        match self.http {
            _ if self.is_allow() => format!("ALLOW {}, headers {:?}", self.reason, self.headers),
            Some(http) => format!("DENY {http} {}", self.reason),
            None => format!("code {:?} without a denied response", self.code),
        }
    }
}

/// A `google.protobuf.Struct` of strings; a value of another kind is shown by its debug form.
fn metadata(encoded: &[u8]) -> BTreeMap<String, String> {
    let decoded = prost_types::Struct::decode(encoded).unwrap_or_default();
    let text = |kind: Option<Kind>| match kind {
        Some(Kind::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    decoded
        .fields
        .into_iter()
        .map(|(name, value)| (name, text(value.kind)))
        .collect()
}

fn pairs(options: &[HeaderValueOption]) -> Vec<(String, String)> {
    let header = |option: &HeaderValueOption| option.header.clone().unwrap_or_default();
    options
        .iter()
        .map(header)
        .map(|header| (text(&header.key), text(&header.value)))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

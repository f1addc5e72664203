//! The messages of Envoy's external authorization API, of our own API and of OTLP, generated from
//! `proto/` at build time.
//!
//! In messages that callers send, texts are bytes and maps are lists of entries: see `build.rs`.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; the fields are documented in proto/"
)]

include!(concat!(env!("OUT_DIR"), "/wire.rs"));

/// The unchanged schema of `proto/`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

use envoy::service::auth::v3::attribute_context;

// Requests contain credentials, and allows contain claims.
crate::escape::redact! {
    "CheckRequest" for envoy::service::auth::v3::CheckRequest;
    "AttributeContext" for envoy::service::auth::v3::AttributeContext;
    "Request" for attribute_context::Request;
    "HttpRequest" for attribute_context::HttpRequest;
    "HeadersEntry" for attribute_context::http_request::HeadersEntry;
    "ContextExtensionsEntry" for attribute_context::ContextExtensionsEntry;
    "HeaderMap" for envoy::config::core::v3::HeaderMap;
    "HeaderValue" for envoy::config::core::v3::HeaderValue;
    "ValidateRequest" for watchword::v1::ValidateRequest;
    "Request" for watchword::v1::Request;
    "ContextEntry" for watchword::v1::request::ContextEntry;
    "Header" for watchword::v1::Header;
    "ValidateResponse" for watchword::v1::ValidateResponse;
    "Verdict" for watchword::v1::validate_response::Verdict;
    "Allow" for watchword::v1::Allow;
    "ValidateBatchRequest" for watchword::v1::ValidateBatchRequest;
    "ValidateBatchResponse" for watchword::v1::ValidateBatchResponse;
}

//! The messages of Envoy's external authorization API, generated from `proto/` at build time.
//!
//! Texts are bytes here and maps are lists of entries: see `build.rs`.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; the fields are documented in proto/"
)]

include!(concat!(env!("OUT_DIR"), "/wire.rs"));

/// Requests carry credentials, so they are never printed.
macro_rules! redact {
    ($($name:literal for $message:path;)*) => {$(
        impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!($name, "(redacted)"))
            }
        }
    )*};
}

redact! {
    "CheckRequest" for envoy::service::auth::v3::CheckRequest;
    "AttributeContext" for envoy::service::auth::v3::AttributeContext;
    "Request" for envoy::service::auth::v3::attribute_context::Request;
    "HttpRequest" for envoy::service::auth::v3::attribute_context::HttpRequest;
    "HeadersEntry" for envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
    "ContextExtensionsEntry" for envoy::service::auth::v3::attribute_context::ContextExtensionsEntry;
    "HeaderMap" for envoy::config::core::v3::HeaderMap;
    "HeaderValue" for envoy::config::core::v3::HeaderValue;
}

//! The one place where a `CheckResponse` is built.
//!
//! Envoy takes a response without a status for an allow, so a response that is half filled is an
//! open door. A [`CheckAnswer`] has two constructors, which force an allow or a denial.

use bytes::Bytes;

use crate::token::DenialClass;
use crate::wire::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
};
use crate::wire::envoy::service::auth::v3::check_response::HttpResponse;
use crate::wire::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use crate::wire::envoy::r#type::v3::HttpStatus;
use crate::wire::google::rpc::Status;

/// A response that says allow or deny, explicitly.
#[derive(Debug)]
pub struct CheckAnswer(CheckResponse);

impl CheckAnswer {
    /// The message to send.
    #[must_use]
    pub fn message(&self) -> &CheckResponse {
        &self.0
    }

    pub(super) fn allow(changes: OkHttpResponse, dynamic_metadata: Bytes) -> Self {
        Self(CheckResponse {
            status: Some(Status {
                code: 0,
                message: Bytes::new(),
            }),
            http_response: Some(HttpResponse::OkResponse(changes)),
            dynamic_metadata,
        })
    }

    pub(super) fn deny(
        class: DenialClass,
        headers: Vec<HeaderValueOption>,
        body: Bytes,
        dynamic_metadata: Bytes,
    ) -> Self {
        let status = Some(HttpStatus {
            code: class.http_status(),
        });
        let denied = DeniedHttpResponse {
            status,
            headers,
            body,
        };
        Self(CheckResponse {
            status: Some(Status {
                code: class.grpc_code(),
                message: Bytes::new(),
            }),
            http_response: Some(HttpResponse::DeniedResponse(denied)),
            dynamic_metadata,
        })
    }
}

/// Sets a header so that every Envoy replaces the client's: versions differ in the field that they
/// read, and in what they do without either.
pub(super) fn overwrite(key: Bytes, value: Bytes) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key,
            value,
            raw_value: Bytes::new(),
        }),
        append: Some(false),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

//! Requests: from a gRPC body to the reason of the answer, without a socket.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use prost_types::value::Kind;
use tonic::body::Body;
use watchword::grpc::InProcessClient;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};

/// Calls with a token, and returns the reason of the answer. Dropping the future ends the call.
pub async fn check(service: InProcessClient, token: &str) -> String {
    let request = Request::post("/envoy.service.auth.v3.Authorization/Check")
        .body(Body::new(Full::new(framed(&question(token)))))
        .unwrap();
    let answer = service.call(request).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let answer = CheckResponse::decode(&body[5..]).unwrap();
    let allowed = answer.status.expect("an explicit status").code == 0;
    let metadata = prost_types::Struct::decode(answer.dynamic_metadata).unwrap();
    let Some(Kind::StringValue(reason)) = &metadata.fields["reason"].kind else {
        panic!("no reason");
    };
    assert_eq!(allowed, reason == "allowed", "{reason}");
    reason.clone()
}

/// A question about `/orders` with this token.
pub fn question(token: &str) -> CheckRequest {
    let headers = vec![HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    }];
    let http = HttpRequest {
        path: "/orders".into(),
        headers,
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(attribute_context::Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    }
}

/// A message in gRPC framing.
pub fn framed(message: &impl Message) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut framed).unwrap();
    framed.freeze()
}

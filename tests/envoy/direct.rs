//! Calls that no HTTP request causes, sent to Watchword without the proxy. They too get a denial,
//! not an error. They do not depend on the version of Envoy.

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost_types::Any;
use tonic::Request;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, attribute_context,
};

use crate::world::{Place, World, on};

const INVALID_ARGUMENT: i32 = 3;

#[test]
fn a_call_without_attributes_request_or_http_is_denied() {
    on(Place::Newest, &calls_with_something_missing);
}

#[test]
fn a_message_that_cannot_be_decoded_is_denied() {
    on(Place::Newest, &undecodable_messages);
}

#[test]
fn a_well_formed_direct_call_is_allowed() {
    on(Place::Newest, &a_good_call);
}

async fn calls_with_something_missing(world: &World) {
    let no_request = AttributeContext::default();
    let no_http = AttributeContext {
        request: Some(attribute_context::Request::default()),
        ..no_request.clone()
    };
    for attributes in [None, Some(no_request), Some(no_http)] {
        let answer = AuthorizationClient::new(channel(world).await)
            .check(CheckRequest { attributes })
            .await;
        is_malformed_request(&answer.expect("gRPC OK").into_inner());
    }
}

async fn undecodable_messages(world: &World) {
    // Field 1 holds attributes; these bytes are no message. 0x07 is a tag with a wire type that
    // does not exist, 0x0a 0x7f a field that claims more bytes than there are.
    for bytes in ["\u{7}\u{7}", "\n\u{7f}"] {
        let message = Any {
            type_url: bytes.to_owned(),
            value: Vec::new(),
        };
        let mut client = Grpc::new(channel(world).await);
        client.ready().await.expect("a connection");
        let path = PathAndQuery::from_static("/envoy.service.auth.v3.Authorization/Check");
        let codec = ProstCodec::<Any, CheckResponse>::default();
        let answer = client.unary(Request::new(message), path, codec).await;
        is_malformed_request(&answer.expect("gRPC OK").into_inner());
    }
}

async fn a_good_call(world: &World) {
    let entry = |key: &'static str, value: String| attribute_context::http_request::HeadersEntry {
        key: Bytes::from_static(key.as_bytes()),
        value: Bytes::from(value),
    };
    let http = attribute_context::HttpRequest {
        method: Bytes::from_static(b"GET"),
        path: Bytes::from_static(b"/orders"),
        host: Bytes::from_static(b"shop.example"),
        headers: vec![entry(
            "authorization",
            format!("Bearer {}", world.issuers.example.token()),
        )],
        ..Default::default()
    };
    let request = Some(attribute_context::Request { http: Some(http) });
    let attributes = Some(AttributeContext {
        request,
        ..Default::default()
    });
    let answer = AuthorizationClient::new(channel(world).await)
        .check(CheckRequest { attributes })
        .await;
    let answer = answer.expect("gRPC OK").into_inner();
    assert_eq!(
        answer.status.as_ref().map(|status| status.code),
        Some(0),
        "{answer:?}"
    );
    assert!(
        matches!(answer.http_response, Some(HttpResponse::OkResponse(_))),
        "{answer:?}"
    );
}

fn is_malformed_request(answer: &CheckResponse) {
    assert_eq!(
        answer.status.as_ref().map(|status| status.code),
        Some(INVALID_ARGUMENT),
        "{answer:?}"
    );
    let Some(HttpResponse::DeniedResponse(denied)) = &answer.http_response else {
        panic!("not a denial: {answer:?}");
    };
    assert_eq!(
        denied.status.as_ref().map(|status| status.code),
        Some(400),
        "{answer:?}"
    );
    let body = String::from_utf8_lossy(&denied.body);
    assert!(body.contains("request_malformed"), "{body}");
}

async fn channel(world: &World) -> Channel {
    let address = format!("http://{}", world.watchword);
    Endpoint::from_shared(address)
        .expect("an address")
        .connect()
        .await
        .expect("Watchword")
}

//! A gRPC client of the proxy: Envoy turns a denial into a gRPC status, with the body as its
//! message.
//!
//! The called service is `ext_authz` itself, since the build has no other schema; it plays an
//! ordinary API.

use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Response, Status};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::{CheckRequest, CheckResponse};

use crate::bootstrap::Listener;
use crate::client::fresh_number;
use crate::upstream::{REQUEST_ID, Seen};
use crate::world::World;

on_each_envoy!(
    a_grpc_call_with_a_valid_token_reaches_the_upstream,
    a_grpc_client_without_a_token_is_unauthenticated,
    a_grpc_client_that_lacks_a_scope_is_refused_permission,
    a_grpc_client_is_told_of_an_outage,
);

async fn a_grpc_call_with_a_valid_token_reaches_the_upstream(world: &World) {
    let (answer, seen) = call(world, "shop.example", Some(&world.issuers.example.token())).await;
    answer.expect("an answer of the upstream");
    assert_eq!(seen[0].values("x-auth-subject"), ["alice"]);
}

async fn a_grpc_client_without_a_token_is_unauthenticated(world: &World) {
    let (answer, seen) = call(world, "shop.example", None).await;
    is_short_and_plain(&answer.expect_err("a denial"), Code::Unauthenticated);
    assert!(seen.is_empty());
}

async fn a_grpc_client_that_lacks_a_scope_is_refused_permission(world: &World) {
    let (answer, seen) = call(world, "admin.example", Some(&world.issuers.example.token())).await;
    is_short_and_plain(&answer.expect_err("a denial"), Code::PermissionDenied);
    assert!(seen.is_empty());
}

async fn a_grpc_client_is_told_of_an_outage(world: &World) {
    let (answer, seen) = call(world, "outage.example", Some(&world.issuers.outage.token())).await;
    is_short_and_plain(&answer.expect_err("a denial"), Code::Unavailable);
    assert!(seen.is_empty());
}

fn is_short_and_plain(status: &Status, code: Code) {
    assert_eq!(status.code(), code, "{status:?}");
    let message = status.message();
    assert!((1..=100).contains(&message.len()), "{message:?}");
    assert!(!message.contains(['{', '\n', '"']), "{message:?}");
}

async fn call(
    world: &World,
    host: &str,
    token: Option<&str>,
) -> (Result<Response<CheckResponse>, Status>, Vec<Seen>) {
    let number = fresh_number();
    let mut request = Request::new(CheckRequest::default());
    let metadata = request.metadata_mut();
    metadata.insert(REQUEST_ID, number.parse().expect("a number"));
    if let Some(token) = token {
        let credentials: MetadataValue<_> =
            format!("Bearer {token}").parse().expect("a header value");
        metadata.insert("authorization", credentials);
    }
    let answer = AuthorizationClient::new(channel(world, host).await)
        .check(request)
        .await;
    (answer, world.upstream.seen(&number))
}

/// A connection to the proxy that asks for `host`.
async fn channel(world: &World, host: &str) -> Channel {
    let proxy = format!("http://{}", world.proxy.port(Listener::Grpc.name()));
    let origin: Uri = format!("http://{host}").parse().expect("an origin");
    Endpoint::from_shared(proxy)
        .expect("an address")
        .origin(origin)
        .connect()
        .await
        .expect("the proxy")
}

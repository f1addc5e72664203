//! A Check service from tonic that answers every call with the same allow.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Request as HttpRequest;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{CheckRequest, CheckResponse, OkHttpResponse};

#[derive(Clone)]
pub(crate) struct Noop;

impl NamedService for Noop {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

struct Allow;

impl UnaryService<CheckRequest> for Allow {
    type Response = CheckResponse;
    type Future = Ready<Result<Response<CheckResponse>, Status>>;

    fn call(&mut self, _: Request<CheckRequest>) -> Self::Future {
        ready(Ok(Response::new(CheckResponse {
            status: Some(watchword::wire::google::rpc::Status::default()),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            dynamic_metadata: bytes::Bytes::new(),
        })))
    }
}

impl Service<HttpRequest<Body>> for Noop {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: HttpRequest<Body>) -> Self::Future {
        Box::pin(async move {
            let codec: ProstCodec<CheckResponse, CheckRequest> = ProstCodec::default();
            Ok(Grpc::new(codec).unary(Allow, call).await)
        })
    }
}

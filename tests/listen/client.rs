//! A gRPC client over any stream, in parts: what was asked, whether the connection goes on, and
//! when it ended.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use watchword::wire::envoy::service::auth::v3::CheckResponse;
use watchword_test_support::in_process::{framed, question};

/// Longest time for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

pub(crate) struct Client {
    calls: SendRequest<Body>,
    connection: JoinHandle<hyper::Result<()>>,
}

/// A call of which the server has seen the beginning only.
pub(crate) struct Half {
    rest: mpsc::Sender<Result<Frame<Bytes>, tonic::Status>>,
    answer: JoinHandle<hyper::Result<Bytes>>,
}

impl Client {
    /// Fails where the server closes the connection instead.
    pub(crate) async fn over<S>(stream: S) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut calls, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        calls.ready().await?;
        Ok(Self { calls, connection })
    }

    /// The code of the answer to a request with this token; 0 is an allow.
    pub(crate) async fn check(&mut self, token: &str) -> hyper::Result<i32> {
        let answer = self.call(CHECK, framed(&question(token)), &[]).await?;
        Ok(code(&answer))
    }

    /// The health of the server: 1 is `SERVING`, 2 is `NOT_SERVING`.
    pub(crate) async fn health(&mut self) -> hyper::Result<i32> {
        let request = framed(&HealthCheckRequest::default());
        let answer = self.call(HEALTH, request, &[]).await?;
        Ok(HealthCheckResponse::decode(&answer[5..]).unwrap().status)
    }

    /// The HTTP status of the answer, where there is one.
    pub(crate) async fn status(&mut self, path: &str, metadata: &[(&str, &str)]) -> Option<u16> {
        let request = request(path, Body::empty(), metadata);
        let answer = self.calls.send_request(request).await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// The body of the answer.
    pub(crate) async fn call(
        &mut self,
        path: &str,
        message: Bytes,
        metadata: &[(&str, &str)],
    ) -> hyper::Result<Bytes> {
        let request = request(path, Body::new(Full::new(message)), metadata);
        self.send(request).await.unwrap()
    }

    /// Begins a check. The server has seen it when this returns.
    pub(crate) async fn begin(&mut self) -> Half {
        let (rest, frames) = mpsc::channel(1);
        let body = Body::new(StreamBody::new(ReceiverStream::new(frames)));
        let answer = self.send(request(CHECK, body, &[]));
        // Its headers went out before this call's, whose answer is here.
        self.health().await.unwrap();
        Half { rest, answer }
    }

    fn send(&mut self, request: Request<Body>) -> JoinHandle<hyper::Result<Bytes>> {
        let sent = self.calls.send_request(request);
        tokio::spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, sent).await;
            let answer = answer.expect("an answer in time")?;
            Ok(answer.into_body().collect().await?.to_bytes())
        })
    }

    /// Waits until the server says that it takes no more calls here.
    pub(crate) async fn told_to_go(&mut self) {
        let told = async { while self.status("/no.Such/Method", &[]).await.is_some() {} };
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.expect("the server's word in time");
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(self) {
        let ended = tokio::time::timeout(PATIENCE, self.connection).await;
        let _ = ended.expect("the end of the connection in time").unwrap();
    }
}

impl Half {
    /// Sends the rest; the code of the answer.
    pub(crate) async fn finish(self, token: &str) -> hyper::Result<i32> {
        let rest = Ok(Frame::data(framed(&question(token))));
        // The other half is gone where the server cut the call.
        let _ = self.rest.send(rest).await;
        drop(self.rest);
        Ok(code(&self.answer.await.unwrap()?))
    }

    /// Waits for an answer, or an error, without sending the rest.
    pub(crate) async fn cut(self) -> hyper::Result<Bytes> {
        self.answer.await.unwrap()
    }
}

fn request(path: &str, body: Body, metadata: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(format!("http://watchword{path}"));
    for (name, value) in metadata {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

fn code(answer: &[u8]) -> i32 {
    let answer = CheckResponse::decode(&answer[5..]).unwrap();
    answer.status.expect("an explicit status").code
}

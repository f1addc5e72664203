//! A fake OpenTelemetry collector. It keeps the spans that it gets.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tower_service::Service;
use watchword::wire::opentelemetry::proto::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use watchword::wire::opentelemetry::proto::trace::v1::Span;

const TIMEOUT: Duration = Duration::from_secs(20);

/// The answer to each request.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It takes all spans but this many.
    But(i64),
    /// A gRPC error.
    Unavailable,
    /// None.
    Silence,
}

/// A collector, until it is dropped.
#[derive(Debug)]
pub struct Collector {
    pub port: u16,
    received: mpsc::UnboundedReceiver<(HeaderMap, ExportTraceServiceRequest)>,
    server: JoinHandle<()>,
}

impl Collector {
    /// Starts on the present runtime.
    pub fn start(answer: Answer, tls: Option<Identity>) -> Self {
        Self::start_watched(answer, tls, |_| {})
    }

    /// Starts with a function that sees each message before it is answered.
    pub fn start_watched(answer: Answer, tls: Option<Identity>, watch: fn(&[u8])) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, received) = mpsc::unbounded_channel();
        let mut server = Server::builder();
        if let Some(identity) = tls {
            let tls = ServerTlsConfig::new().identity(identity);
            server = server.tls_config(tls).unwrap();
        }
        let serving = server.add_service(TraceService {
            answer,
            watch,
            sender,
        });
        let serving = serving.serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(async { serving.await.unwrap() });
        Self {
            port,
            received,
            server,
        }
    }

    /// Waits for the next batch.
    pub async fn next(&mut self) -> (HeaderMap, ExportTraceServiceRequest) {
        let next = tokio::time::timeout(TIMEOUT, self.received.recv()).await;
        next.expect("a batch in time").expect("a collector")
    }

    /// The spans of all batches so far.
    pub fn spans(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Ok((_, request)) = self.received.try_recv() {
            let resources = request.resource_spans.into_iter();
            let scopes = resources.flat_map(|spans| spans.scope_spans);
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        spans
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct TraceService {
    answer: Answer,
    watch: fn(&[u8]),
    sender: mpsc::UnboundedSender<(HeaderMap, ExportTraceServiceRequest)>,
}

impl NamedService for TraceService {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl Service<Request<Body>> for TraceService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self {
            answer,
            watch,
            sender,
        } = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), format!("/{}/Export", Self::NAME));
            let (head, body) = request.into_parts();
            // Without the head of its frame.
            let message: Bytes = body.collect().await.unwrap().to_bytes().slice(5..);
            watch(&message);
            let message = ExportTraceServiceRequest::decode(message).unwrap();
            // Fails after the end of the test.
            let _ = sender.send((head.headers, message));
            let (status, refused) = match answer {
                Answer::But(refused) => ("0", refused),
                Answer::Unavailable => ("14", 0),
                Answer::Silence => std::future::pending().await,
            };
            Ok(response(status, refused))
        })
    }
}

fn response(status: &'static str, refused: i64) -> Response<Body> {
    let answer = ExportTraceServiceResponse {
        partial_success: (refused > 0).then_some(ExportTracePartialSuccess {
            rejected_spans: refused,
        }),
    };
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(answer.encoded_len()).unwrap());
    answer.encode(&mut framed).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    let body = Full::new(framed.freeze()).with_trailers(async { Some(Ok(trailers)) });
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(Body::new(body)).unwrap()
}

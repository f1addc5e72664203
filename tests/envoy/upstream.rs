//! The service behind the proxy. It records the headers, the handler and the credentials of every
//! request. It reads requests as liberally as common frameworks do by default.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

/// Requests are told apart by this header.
pub(crate) const REQUEST_ID: &str = "x-request-number";

/// A request as it reached the upstream.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    headers: HeaderMap,
    handler: String,
    credentials: Vec<String>,
}

impl Seen {
    /// The handler that ran: method, host and path.
    pub(crate) fn handler(&self) -> &str {
        &self.handler
    }

    /// Every value that it takes for the cookie `session` or the query parameter `access_token`.
    pub(crate) fn credentials(&self) -> &[String] {
        &self.credentials
    }

    /// The values under exactly this name.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(text).collect()
    }

    /// The values under every name that some framework takes for `name`.
    pub(crate) fn values_like(&self, name: &str) -> Vec<String> {
        let alike = |other: &str| other.replace(['_', '.', ' '], "-") == name;
        let headers = self
            .headers
            .iter()
            .filter(|(other, _)| alike(other.as_str()));
        headers.map(|(_, value)| text(value)).collect()
    }

    /// True if `part` is anywhere in the headers.
    pub(crate) fn mentions(&self, part: &str) -> bool {
        self.headers
            .values()
            .any(|value| text(value).contains(part))
    }
}

/// Methods in upper case (Werkzeug), hosts without port and final dot (Express), paths decoded,
/// without regard to case and a final slash (Express).
fn handler(request: &Request<Incoming>) -> String {
    let host = request.headers().get("host").map(text);
    let host = host.or_else(|| request.uri().authority().map(ToString::to_string));
    let host = host.unwrap_or_default().to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    let path = decoded(request.uri().path()).to_ascii_lowercase();
    let method = request.method().as_str().to_ascii_uppercase();
    let (host, path) = (host.trim_end_matches('.'), path.trim_end_matches('/'));
    format!("{method} {host}{path}")
}

/// Names without regard to case (ASP.NET), white space around them (Node), and brackets behind them
/// (PHP, `qs`); pairs apart by `;` in a query too (Go before 1.17), and by white space in cookies
/// (Python).
fn credentials(request: &Request<Incoming>) -> Vec<String> {
    let cookies = request.headers().get_all("cookie").iter().map(text);
    let cookies: Vec<String> = cookies.map(|value| value.replace(" =", "=")).collect();
    let cookies = cookies.iter().flat_map(|value| value.split([';', ' ']));
    let query = request.uri().query().unwrap_or_default().split(['&', ';']);
    let named = |pair: &str, wanted: &str| {
        let (name, value) = pair.split_once('=')?;
        let name = decoded(name).to_ascii_lowercase();
        let name = name.split(['[', '\0']).next().unwrap_or_default().trim();
        (name == wanted && !value.is_empty()).then(|| value.to_owned())
    };
    let cookies = cookies.filter_map(|pair| named(pair, "session"));
    cookies
        .chain(query.filter_map(|pair| named(pair, "access_token")))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&part[2..]);
            }
            None => decoded.push_str(part),
        }
    }
    decoded
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<HashMap<String, Vec<Seen>>>>);

/// An HTTP/1 and an HTTP/2 server, each on a port of its own.
pub(crate) struct Upstream {
    memory: Memory,
    pub(crate) http1: SocketAddr,
    pub(crate) http2: SocketAddr,
}

impl Upstream {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let memory = Memory::default();
        let first = TcpListener::bind("127.0.0.1:0").await?;
        let second = TcpListener::bind("127.0.0.1:0").await?;
        let (http1, http2) = (first.local_addr()?, second.local_addr()?);
        tokio::spawn(accept(first, memory.clone(), serve_http1));
        tokio::spawn(accept(second, memory.clone(), serve_http2));
        Ok(Self {
            memory,
            http1,
            http2,
        })
    }

    /// Every request with this number that arrived so far.
    pub(crate) fn seen(&self, number: &str) -> Vec<Seen> {
        let memory = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.get(number).cloned().unwrap_or_default()
    }
}

async fn accept<Served>(
    listener: TcpListener,
    memory: Memory,
    serve: fn(TokioIo<TcpStream>, Memory) -> Served,
) where
    Served: Future<Output = ()> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        // Otherwise an answer in two writes waits for the peer's delayed acknowledgement of the
        // first.
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(TokioIo::new(stream), memory.clone()));
    }
}

async fn serve_http1(stream: TokioIo<TcpStream>, memory: Memory) {
    let service = service_fn(|request| ready(Ok::<_, Infallible>(answer(&request, &memory))));
    // A connection that Envoy drops is not the upstream's affair.
    let _ = http1::Builder::new()
        .serve_connection(stream, service)
        .await;
}

async fn serve_http2(stream: TokioIo<TcpStream>, memory: Memory) {
    let service = service_fn(|request| ready(Ok::<_, Infallible>(answer(&request, &memory))));
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(stream, service)
        .await;
}

fn answer(request: &Request<Incoming>, memory: &Memory) -> Response<BoxBody<Bytes, Infallible>> {
    let headers = request.headers().clone();
    let is_grpc = headers
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    let number = headers.get(REQUEST_ID).map(text).unwrap_or_default();
    let mut memory = memory.0.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = Seen {
        handler: handler(request),
        credentials: credentials(request),
        headers,
    };
    memory.entry(number).or_default().push(seen);
    if is_grpc { empty_message() } else { reached() }
}

fn reached() -> Response<BoxBody<Bytes, Infallible>> {
    Response::new(Full::from("upstream").boxed())
}

/// gRPC's form of an answer with no field set: a frame of five bytes, and status 0 in the trailers.
fn empty_message() -> Response<BoxBody<Bytes, Infallible>> {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::from(&[0_u8; 5][..]).with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed());
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

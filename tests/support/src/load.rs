//! Load through the proxy: a few clients that send one request after the other, and a count of the
//! answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::settings::{Version, expired_token, good_token};

const CLIENTS: usize = 4;
/// The pause between an answer and the next request, so that a server in a debug build keeps up.
const PAUSE: Duration = Duration::from_millis(8);
const TIMEOUT: Duration = Duration::from_secs(30);

/// The service behind the proxy. It answers with the claim headers that it got.
pub async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service_fn(async |request: Request<Incoming>| {
                Ok::<_, Infallible>(echo(request.headers()))
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

fn echo(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let values = |name| headers.get_all(name).iter();
    let values = values("x-first").chain(values("x-second"));
    let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
    Response::new(Full::from(values.join(&b' ')))
}

/// Counts of the answers that clients got.
#[derive(Debug, Default)]
pub struct Tally {
    right: AtomicUsize,
    wrong: AtomicUsize,
    failed: AtomicUsize,
    examples: Mutex<Vec<String>>,
}

impl Tally {
    pub fn right(&self) -> usize {
        self.right.load(Ordering::Relaxed)
    }

    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        (count(&self.right), count(&self.wrong), count(&self.failed))
    }

    /// The first answers that were not right.
    pub fn examples(&self) -> Vec<String> {
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        examples.clone()
    }

    fn note(&self, counter: &AtomicUsize, what: impl FnOnce() -> String) {
        counter.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < 20 {
            examples.push(what());
        }
    }
}

/// The tokens that clients show from now on.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub good: String,
    pub expired: String,
}

/// Clients that send requests until they are stopped.
pub struct Load {
    pub tally: Arc<Tally>,
    pub stop: Arc<AtomicBool>,
    pub clients: JoinSet<()>,
}

impl Load {
    pub fn start(proxy: SocketAddr) -> Self {
        let (_, tokens) = watch::channel(Tokens {
            good: good_token(),
            expired: expired_token(),
        });
        Self::with_tokens(proxy, &tokens)
    }

    /// Starts with tokens that are replaced meanwhile, like those of an issuer whose keys rotate.
    pub fn with_tokens(proxy: SocketAddr, tokens: &watch::Receiver<Tokens>) -> Self {
        let (tally, stop) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let (tokens, tally) = (tokens.clone(), tally.clone());
            clients.spawn(ask_on(proxy, number, tokens, tally, stop.clone()));
        }
        Self {
            tally,
            stop,
            clients,
        }
    }

    /// Waits for the answers that are on their way.
    pub async fn stop(self) -> Arc<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        self.tally
    }
}

/// A kind of request, each with its right answer.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Good,
    Expired,
    Missing,
    Scope,
}

async fn ask_on(
    proxy: SocketAddr,
    first: usize,
    tokens: watch::Receiver<Tokens>,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
) {
    let kinds = [
        Kind::Good,
        Kind::Expired,
        Kind::Good,
        Kind::Missing,
        Kind::Scope,
    ];
    let mut connection = None;
    for number in first.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let kind = kinds[number % kinds.len()];
        let tokens = tokens.borrow().clone();
        ask_and_count(kind, &tokens, &mut connection, proxy, &tally).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends a request on this connection, and replaces the connection if it failed.
pub async fn ask_and_count(
    kind: Kind,
    tokens: &Tokens,
    connection: &mut Option<Connection>,
    proxy: SocketAddr,
    tally: &Tally,
) {
    let request = question(kind, tokens);
    let answer = tokio::time::timeout(TIMEOUT, ask(connection, proxy, request)).await;
    match answer {
        Ok(Ok((status, challenge, body))) if is_right(kind, status, &challenge, &body) => {
            tally.right.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Ok((status, challenge, body))) => {
            // The proxy answers with 503 if it got no answer.
            let counter = if status == 503 {
                &tally.failed
            } else {
                &tally.wrong
            };
            tally.note(counter, || {
                format!("{kind:?}: {status} {challenge:?} {body:?}")
            });
        }
        Ok(Err(error)) => {
            *connection = None;
            tally.note(&tally.failed, || format!("{kind:?}: {error}"));
        }
        Err(_) => {
            *connection = None;
            tally.note(&tally.failed, || format!("{kind:?}: no answer"));
        }
    }
}

fn question(kind: Kind, tokens: &Tokens) -> Request<Empty<Bytes>> {
    let (good, expired) = (&tokens.good, &tokens.expired);
    let path = match kind {
        Kind::Scope => "/admin/users",
        Kind::Good | Kind::Expired | Kind::Missing => "/orders/1",
    };
    let request = Request::get(path)
        .header("host", "shop.example")
        .header("x-first", "forged");
    let request = match kind {
        Kind::Missing => request,
        Kind::Expired => request.header("authorization", format!("Bearer {expired}")),
        Kind::Good | Kind::Scope => request.header("authorization", format!("Bearer {good}")),
    };
    request.body(Empty::new()).expect("a request")
}

fn is_right(kind: Kind, status: u16, challenge: &str, body: &str) -> bool {
    let of = |is: &dyn Fn(Version) -> bool| [Version::One, Version::Two].into_iter().any(is);
    match kind {
        // Both headers of one configuration: never of two, and never the client's own.
        Kind::Good => {
            status == 200
                && of(&|version| {
                    let name = version.name();
                    body == format!("{name}-first {name}-second")
                })
        }
        Kind::Expired => status == 401 && body.contains("\"token_expired\""),
        Kind::Missing => status == 401 && body.contains("\"token_missing\""),
        Kind::Scope => {
            status == 403
                && body.contains("\"insufficient_scope\"")
                && of(&|version| challenge.contains(&format!("scope=\"{}_scope\"", version.name())))
        }
    }
}

pub type Connection = SendRequest<Empty<Bytes>>;
type Problem = Box<dyn std::error::Error + Send + Sync>;

async fn ask(
    connection: &mut Option<Connection>,
    proxy: SocketAddr,
    request: Request<Empty<Bytes>>,
) -> Result<(u16, String, String), Problem> {
    if connection.as_ref().is_none_or(SendRequest::is_closed) {
        *connection = Some(connect(proxy).await?);
    }
    let connection = connection.as_mut().ok_or("no connection")?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map_or(&b""[..], |value| value.as_bytes());
    let challenge = String::from_utf8_lossy(challenge).into_owned();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((
        status,
        challenge,
        String::from_utf8_lossy(&body).into_owned(),
    ))
}

async fn connect(proxy: SocketAddr) -> Result<Connection, Problem> {
    let stream = TcpStream::connect(proxy).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

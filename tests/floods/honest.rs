//! Honest callers beside a flood: what they ask, how long answers take, and which never came.
//!
//! They have a thread of their own, so that what they measure is the server and not the flood's
//! client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use watchword::wire::envoy::service::auth::v3::CheckResponse;
use watchword_test_support::settings::good_token;

use crate::frames::framed;
use crate::messages::{CHECK, check_of};
use crate::target::{Addresses, Port, tcp};

const HEALTH: &str = "/grpc.health.v1.Health/Check";
/// `SERVING`, as a message in gRPC framing.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
/// Later than this, an answer is lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between an answer and the next question.
const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(50);

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// A caller that asks one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Check with a good token, on one connection.
    Check,
    /// Health on one connection to the gRPC listener.
    Health,
    /// Health on one connection to the health listener.
    Probe,
    /// Health of the gRPC listener on a new connection for each question.
    NewHealth,
    /// The same of the health listener.
    NewProbe,
    /// `/readyz`
    Ready,
}

pub(crate) const CALLERS: [Caller; 6] = [
    Caller::Check,
    Caller::Health,
    Caller::Probe,
    Caller::NewHealth,
    Caller::NewProbe,
    Caller::Ready,
];

/// The answers that a caller was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) calls: u64,
    pub(crate) denied: u64,
    pub(crate) lost: u64,
    pub(crate) worst: Duration,
    /// The first that went wrong.
    pub(crate) example: Option<String>,
}

/// All callers, at work until they are stopped.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Told>>,
    runtime: Runtime,
}

impl Honest {
    /// Starts them, and waits until each has had an answer, or has given up.
    pub(crate) async fn start(addresses: &Addresses) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, mut first) = tokio::sync::mpsc::channel(CALLERS.len());
        let callers = CALLERS.map(|caller| {
            let (addresses, stop, begun) = (addresses.clone(), stop.clone(), begun.clone());
            runtime.spawn(ask_on(caller, addresses, stop, begun))
        });
        for _ in CALLERS {
            first.recv().await;
        }
        Self {
            stop,
            callers: callers.into(),
            runtime,
        }
    }

    /// Waits for the answers that are on their way.
    pub(crate) async fn stop(self) -> Vec<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for caller in self.callers {
            all.push(caller.await.expect("a caller ends"));
        }
        self.runtime.shutdown_background();
        all
    }
}

async fn ask_on(
    caller: Caller,
    addresses: Addresses,
    stop: Arc<AtomicBool>,
    begun: tokio::sync::mpsc::Sender<()>,
) -> Told {
    let message = match caller {
        Caller::Check => check_of(&good_token()),
        _ => Vec::new(),
    };
    let message = Bytes::from(framed(&message));
    let (mut told, mut client) = (Told::default(), None);
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let asked = ask_patiently(caller, &addresses, &mut client, &message);
        let answer = timeout(PATIENCE, asked).await;
        told.calls += 1;
        told.worst = told.worst.max(start.elapsed());
        let problem = match answer {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => {
                told.denied += 1;
                Some("denied".to_owned())
            }
            Ok(Err(error)) => {
                told.lost += 1;
                Some(error.to_string())
            }
            Err(_) => {
                told.lost += 1;
                Some("no answer in time".to_owned())
            }
        };
        if problem.is_some() {
            client = None;
            told.example = told.example.or(problem);
        }
        let _ = begun.try_send(());
        sleep(if caller == Caller::Check { SHORT } else { LONG }).await;
    }
    told
}

type Client = SendRequest<Full<Bytes>>;

/// A newcomer tries up to three times, as the kubelet does: in a storm of 15,000 connections a
/// second, one that says nothing in its first moments makes room.
async fn ask_patiently(
    caller: Caller,
    addresses: &Addresses,
    client: &mut Option<Client>,
    message: &Bytes,
) -> Result<bool, Problem> {
    let is_new = matches!(caller, Caller::NewHealth | Caller::NewProbe);
    let tries = if is_new { 3 } else { 1 };
    for _ in 1..tries {
        let answer = ask(caller, addresses, client, message).await;
        if answer.is_ok() {
            return answer;
        }
    }
    ask(caller, addresses, client, message).await
}

/// Returns true if the answer is the good one.
async fn ask(
    caller: Caller,
    addresses: &Addresses,
    client: &mut Option<Client>,
    message: &Bytes,
) -> Result<bool, Problem> {
    let port = match caller {
        Caller::Ready => return ready(addresses).await,
        Caller::Probe | Caller::NewProbe => Port::Health,
        Caller::Check | Caller::Health | Caller::NewHealth => addresses.main,
    };
    if matches!(caller, Caller::NewHealth | Caller::NewProbe)
        || client.as_ref().is_none_or(SendRequest::is_closed)
    {
        let wire = addresses.dial(port).await?;
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(wire)).await?;
        tokio::spawn(connection);
        *client = Some(sender);
    }
    let client = client.as_mut().ok_or("no connection")?;
    client.ready().await?;
    let path = if caller == Caller::Check {
        CHECK
    } else {
        HEALTH
    };
    let request = Request::post(format!("http://watchword{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::from(message.clone()))?;
    let response = client.send_request(request).await?;
    let status = response.status();
    let collected = response.into_body().collect().await?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let body = collected.to_bytes();
    if body.is_empty() {
        return Err(format!("{status} and no message: {trailers:?}").into());
    }
    if caller != Caller::Check {
        return Ok(body == SERVING);
    }
    let message = body.get(5..).ok_or("a short answer")?;
    let answer = CheckResponse::decode(message)?;
    Ok(answer.status.is_some_and(|status| status.code == 0))
}

async fn ready(addresses: &Addresses) -> Result<bool, Problem> {
    let mut stream = tcp(addresses.admin).await?;
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err("closed without an answer".into());
    }
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

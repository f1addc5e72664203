//! A Watchword in this process, asked over a real gRPC channel.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use watchword::app::{App, ServerEnvironment};
use watchword::clock::Clock;
use watchword::jwks::SourceStatus;

use super::call::Call;
use super::emitted::{self, Pages};
use super::outcome::Outcome;
use super::settings::Settings;

/// The time on every clock of these tests, in Unix seconds.
pub(crate) const NOW: i64 = 1_700_000_000;
/// The path of `Check`.
pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
/// Longer than any answer takes; a call that has none by then has failed.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs every server and every client of this binary.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("a runtime starts"));

/// A running server with its configuration, its clock and a channel to it.
pub(crate) struct Site {
    pages: Pages,
    app: App,
    clock: Clock,
    channel: Channel,
    managed: Vec<String>,
    usual_places: bool,
}

impl Site {
    /// Starts a server on a free port, whose calendar stands still; panics where the configuration
    /// is refused.
    pub(crate) fn start(settings: &Settings) -> Self {
        Self::start_at(settings, Clock::fixed(NOW))
    }

    /// As [`Site::start`], on a clock of the test's, with a fixed seed: a manual clock stands
    /// while a call waits for a key, and a retry that is due within that wait would never come.
    pub(crate) fn start_at(settings: &Settings, clock: Clock) -> Self {
        let environment = ServerEnvironment {
            seed: 7,
            ..ServerEnvironment::from(clock)
        };
        Self::start_in(settings, environment)
    }

    /// As [`Site::start`], with the chance and the clock of an environment.
    pub(crate) fn start_in(settings: &Settings, environment: ServerEnvironment) -> Self {
        let config = settings.clone().operators().config();
        let clock = environment.clock.clone();
        let environment = ServerEnvironment {
            telemetry: Some(emitted::telemetry()),
            ..environment
        };
        let app = RUNTIME
            .block_on(App::start(config, environment))
            .unwrap_or_else(|error| panic!("{error}"));
        let channel = connect(app.address());
        Self {
            pages: Pages::of(app.admin_address().expect("an address for operators")),
            app,
            clock,
            channel,
            managed: settings.managed(),
            usual_places: !settings.text().contains("token_from")
                && !settings.text().contains("forward_token"),
        }
    }

    /// Tokens are looked for in `authorization` only, and stay there.
    pub(crate) fn has_usual_places(&self) -> bool {
        self.usual_places
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.app.address()
    }

    /// The pages of the admin port.
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Waits until all decisions so far are in the log and the traces.
    pub(crate) fn flush_decisions(&self) {
        RUNTIME.block_on(self.app.state().telemetry.flush());
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The status of the source at this place among those that are fetched.
    pub(crate) fn status(&self, source: usize) -> SourceStatus {
        self.app
            .state()
            .generation()
            .sources()
            .status()
            .remove(source)
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The header names that this server manages.
    pub(crate) fn managed(&self) -> &[String] {
        &self.managed
    }

    /// Sends one call and waits for its answer.
    pub(crate) fn ask(&self, call: &Call) -> Outcome {
        RUNTIME.block_on(self.answer(call))
    }

    /// Sends one call; its answer comes from a task of its own.
    pub(crate) fn begin(&self, call: &Call) -> JoinHandle<Outcome> {
        let (channel, message) = (self.channel(), call.encoded());
        RUNTIME.spawn(async { Outcome::of(send(channel, CHECK, message).await) })
    }

    pub(crate) async fn answer(&self, call: &Call) -> Outcome {
        Outcome::of(send(self.channel(), CHECK, call.encoded()).await)
    }

    /// Sends any bytes as the message of `Check`.
    pub(crate) fn ask_bytes(&self, message: Vec<u8>) -> Outcome {
        RUNTIME.block_on(async { Outcome::of(send(self.channel(), CHECK, message).await) })
    }

    /// Sends any bytes as the message of another method; the bytes of the answer.
    pub(crate) fn ask_other(&self, path: &'static str, message: Vec<u8>) -> Bytes {
        let answer = RUNTIME.block_on(send(self.channel(), path, message));
        answer.unwrap_or_else(|status| panic!("{path}: {status}"))
    }

    /// Waits until the server has the keys it needs.
    pub(crate) fn wait_until_ready(&self) {
        let ready = async { tokio::time::timeout(TIMEOUT, self.app.ready()).await };
        RUNTIME.block_on(ready).expect("the server becomes ready");
    }

    pub(crate) fn is_ready(&self) -> bool {
        RUNTIME.block_on(async {
            tokio::select! { biased;
                () = self.app.ready() => true,
                () = std::future::ready(()) => false,
            }
        })
    }

    /// Shuts the server down and waits until it is gone; whether every call was answered in time.
    pub(crate) async fn stop(self) -> bool {
        drop(self.pages);
        self.app.stop().await
    }
}

/// A channel that connects when it is first used.
pub(crate) fn connect(address: SocketAddr) -> Channel {
    let _runtime = RUNTIME.enter();
    Endpoint::from_shared(format!("http://{address}"))
        .expect("a URI")
        .connect_lazy()
}

/// One unary call with these bytes as the message; the bytes of the answer.
pub(crate) async fn send(
    channel: Channel,
    path: &'static str,
    message: Vec<u8>,
) -> Result<Bytes, Status> {
    call(channel, path, Request::new(Bytes::from(message))).await
}

/// As [`send`], with metadata.
pub(crate) async fn call(
    channel: Channel,
    path: &'static str,
    request: Request<Bytes>,
) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel);
    let answer = async {
        client
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        client
            .unary(request, PathAndQuery::from_static(path), BytesCodec)
            .await
    };
    let answer = tokio::time::timeout(TIMEOUT, answer).await;
    answer
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))
        .map(Response::into_inner)
}

/// Messages go out and come in as they are.
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

//! A Watchword without sockets: calls go straight to the service, and tests can read its state. For
//! rows with more calls than a connection carries in a test's time, and for rows about the number
//! of calls in flight.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use tokio::task::JoinHandle;
use tonic::body::Body;
use watchword::app::{Engine, ReloadError, ServerEnvironment};
use watchword::clock::Clock;
use watchword::grpc::InProcessClient;
use watchword::jwks::{Fetch, SourceStatus};

use super::call::Call;
use super::catalogue::Case;
use super::emitted;
use super::expect::Expect;
use super::outcome::Outcome;
use super::settings::Settings;
use super::site::{CHECK, NOW, RUNTIME};

/// Longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Length of the prefix of a gRPC message.
const PREFIX: usize = 5;

/// A server's works on a manual clock.
pub(crate) struct Inside {
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    service: InProcessClient,
    managed: Vec<String>,
}

impl Inside {
    pub(crate) fn start(settings: &Settings, fetch: Arc<dyn Fetch>) -> Self {
        let _runtime = RUNTIME.enter();
        let clock = Clock::manual(NOW);
        let telemetry = emitted::telemetry();
        let environment = ServerEnvironment {
            clock: clock.clone(),
            fetch,
            telemetry: Some(telemetry),
            seed: 7,
        };
        let engine = Engine::start(&settings.config(), environment).expect("it starts");
        Self {
            service: InProcessClient::new(engine.state.clone()),
            engine,
            clock,
            managed: settings.managed(),
        }
    }

    /// Reloads with other settings.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.try_reload(settings).expect("a good configuration");
        self.managed = settings.managed();
    }

    pub(crate) fn try_reload(&mut self, settings: &Settings) -> Result<(), ReloadError> {
        let config = settings.config();
        RUNTIME.block_on(self.engine.reload(&config))
    }

    /// Sends one call and waits for its answer.
    pub(crate) fn ask(&self, call: &Call) -> Outcome {
        RUNTIME.block_on(self.answer(call))
    }

    /// Sends one call from a task of its own.
    pub(crate) fn begin(&self, call: &Call) -> JoinHandle<Outcome> {
        RUNTIME.spawn(self.answer(call))
    }

    /// The answer to a call, which is over when this is dropped.
    pub(crate) fn answer(&self, call: &Call) -> impl Future<Output = Outcome> + Send + use<> {
        let service = self.service.clone();
        let message = call.encoded();
        async move {
            // A judgement never waits, so a task with many of them would keep its thread from all
            // others.
            tokio::task::yield_now().await;
            let request = Request::post(CHECK).body(Body::new(Full::new(framed(&message))));
            let call = service.call(request.expect("a request"));
            let answer = tokio::time::timeout(TIMEOUT, call).await;
            let answer = answer.expect("an answer in time");
            let body = answer.into_body().collect().await;
            let message = body.expect("a whole body").to_bytes().slice(PREFIX..);
            Outcome::of(Ok(message))
        }
    }

    /// Calls without an answer so far.
    pub(crate) fn in_flight(&self) -> usize {
        self.engine.state.in_flight()
    }

    pub(crate) fn status(&self, source: usize) -> SourceStatus {
        self.engine
            .state
            .generation()
            .sources()
            .status()
            .remove(source)
    }

    /// As [`Case::judge`].
    pub(crate) fn judge(
        &self,
        case: &mut Case,
        what: &str,
        call: &Call,
        outcome: &Outcome,
        expect: Expect,
    ) {
        case.judge_for(what, &self.managed, call, outcome, expect);
    }

    /// As [`Case::check`].
    pub(crate) fn check(&self, case: &mut Case, what: &str, call: &Call, expect: Expect) {
        let outcome = self.ask(call);
        self.judge(case, what, call, &outcome, expect);
    }
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("a small message"));
    framed.put(message);
    framed.freeze()
}

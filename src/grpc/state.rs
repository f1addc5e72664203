//! What all calls share, and how one call is judged by it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::Semaphore;
use tracing::error;

use crate::authenticator::{IssuerKeys, Snapshot, Sought, authenticate};
use crate::clock::{Clock, Stopwatch};
use crate::jwks::{KeySources, Seeking};
use crate::policy::{IssuerId, Policy};
use crate::request::Request;
use crate::telemetry::Metrics;
use crate::token::Denial;
use crate::wire::envoy::service::auth::v3::CheckRequest;

use super::ext_authz::facts;
use super::log_line::LogLine;
use super::unary::Unreadable;
use super::{Answer, Answers, TokenCache};

/// What one request is judged and answered by.
#[derive(Clone, Debug)]
pub struct Live {
    snapshot: Snapshot,
    answers: Arc<Answers>,
}

impl Live {
    /// A policy without keys, and its answers; the realm is quoted in challenges.
    #[must_use]
    pub fn new(policy: Arc<Policy>, realm: &str) -> Self {
        let answers = Arc::new(Answers::new(&policy, realm));
        Self {
            snapshot: Snapshot::new(policy),
            answers,
        }
    }

    /// The same with other keys for these issuers.
    #[must_use]
    pub fn with_keys(&self, issuers: &[IssuerId], keys: Option<&IssuerKeys>) -> Self {
        let snapshot = self.snapshot.clone().with_keys(issuers, keys);
        Self {
            snapshot,
            answers: self.answers.clone(),
        }
    }

    /// Whether every issuer has keys that is required to.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.snapshot.is_ready()
    }
}

/// What all calls share.
#[derive(Debug)]
pub struct State {
    /// Replaced as a whole when keys or policy change.
    pub live: Arc<ArcSwap<Live>>,
    /// Where keys come from that are not there yet.
    pub keys: Arc<KeySources>,
    /// Tokens whose signatures were checked.
    tokens: TokenCache,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Room for messages that wait, in KiB.
    waiting: Semaphore,
    /// Held by each call until it is answered.
    pub(super) calls: Arc<()>,
}

/// KiB of messages that may wait for keys at a time, of all connections together.
const WAITING_KIB: usize = 64 * 1024;

impl State {
    /// The state of a server that has not been called yet.
    #[must_use]
    pub fn new(
        live: Arc<ArcSwap<Live>>,
        keys: Arc<KeySources>,
        tokens: TokenCache,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            live,
            keys,
            tokens,
            clock,
            metrics,
            waiting: Semaphore::new(WAITING_KIB),
            calls: Arc::new(()),
        }
    }

    /// How many calls are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        Arc::strong_count(&self.calls).saturating_sub(1)
    }

    /// Answers one call. Everything ends in an allow or a denial: undecodable messages, and panics too.
    ///
    /// A request whose key is not there waits for one fetch, a bounded time, and is then judged once more. `patience` is
    /// how long the caller lets it wait.
    pub(super) async fn check(
        &self,
        message: Result<Bytes, Unreadable>,
        patience: Option<Duration>,
    ) -> Answer {
        let stopwatch = tracing::enabled!(tracing::Level::DEBUG).then(Stopwatch::start);
        let mut judgement = self.judge(&message, stopwatch);
        if let Some(sought) = judgement.sought.take()
            && self.renewed(&sought, &message, patience).await
        {
            judgement = self.judge(&message, stopwatch);
        }
        if let Some(line) = &judgement.line {
            line.write();
        }
        judgement.answer
    }

    async fn renewed(
        &self,
        sought: &Sought,
        message: &Result<Bytes, Unreadable>,
        patience: Option<Duration>,
    ) -> bool {
        match self.keys.seek(sought) {
            Seeking::Renewed => true,
            Seeking::Refused => false,
            Seeking::Wait(waiting) => match self.waiting.try_acquire_many(kib(message)) {
                Ok(_turn) => waiting.renewed(patience).await,
                Err(_) => false,
            },
        }
    }

    /// The stopwatch runs where lines about decisions are written.
    fn judge(
        &self,
        message: &Result<Bytes, Unreadable>,
        stopwatch: Option<Stopwatch>,
    ) -> Judgement {
        let live = self.live.load();
        let refusal = |denial: Denial| Judgement::refusal(&live.answers, &denial, stopwatch);
        guarded(&live.answers, || match message {
            Ok(message) => {
                let check = CheckRequest::decode(message.clone()).ok();
                let request = check.as_ref().and_then(facts);
                match &request {
                    Some(request) => self.decide(&live, request, stopwatch),
                    None => refusal(Denial::RequestMalformed),
                }
            }
            Err(Unreadable::Malformed) => refusal(Denial::RequestMalformed),
            Err(Unreadable::Overloaded) => refusal(Denial::Overloaded),
        })
    }

    fn decide(
        &self,
        live: &Live,
        request: &Request<'_>,
        stopwatch: Option<Stopwatch>,
    ) -> Judgement {
        let decision = authenticate(&live.snapshot, request, self.clock.read(), &self.tokens);
        if decision.stale {
            self.metrics.count_stale();
        }
        Judgement {
            answer: live.answers.answer(&decision, request),
            line: LogLine::of(&decision, request, stopwatch),
            sought: decision.sought,
        }
    }
}

/// What one look at a call gave.
struct Judgement {
    answer: Answer,
    line: Option<LogLine>,
    sought: Option<Sought>,
}

impl Judgement {
    /// Without a look at the request.
    fn refusal(answers: &Answers, denial: &Denial, stopwatch: Option<Stopwatch>) -> Self {
        Self {
            answer: answers.refuse(denial),
            line: LogLine::of_refusal(denial, stopwatch),
            sought: None,
        }
    }
}

/// What a waiting call costs: its message, and something for the call itself.
fn kib(message: &Result<Bytes, Unreadable>) -> u32 {
    let length = message.as_ref().map_or(0, Bytes::len);
    u32::try_from(length / 1024)
        .unwrap_or(u32::MAX)
        .saturating_add(4)
}

/// Runs a judgement; a panic in it is a denial too.
fn guarded(answers: &Answers, judge: impl FnOnce() -> Judgement) -> Judgement {
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
        error!("a check panicked; the request was denied");
        Judgement::refusal(answers, &Denial::Internal, None)
    })
}

#[cfg(test)]
mod tests;

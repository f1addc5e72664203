//! `envoy.service.auth.v3.Authorization/Check`: one call in, one decision, one answer out.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request as HttpRequest, Response};
use prost::Message as _;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;
use tracing::{debug, error};

use crate::authenticator::{Decision, Snapshot, Verdict, authenticate};
use crate::clock::{Clock, Stopwatch};
use crate::jose::KeySet;
use crate::policy::{IssuerId, Policy};
use crate::request::{Header, Request};
use crate::token::Denial;
use crate::wire::envoy::service::auth::v3::attribute_context;
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::unary::{self, Unreadable};
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
    pub fn with_keys(&self, issuers: &[IssuerId], keys: &Arc<KeySet>) -> Self {
        let snapshot = self.snapshot.clone().with_keys(issuers, keys);
        Self {
            snapshot,
            answers: self.answers.clone(),
        }
    }

    /// Whether every issuer has keys.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.snapshot.is_complete()
    }
}

/// What all calls share.
#[derive(Debug)]
pub struct State {
    /// Replaced as a whole when keys or policy change.
    pub live: ArcSwap<Live>,
    /// Tokens whose signatures were checked.
    pub tokens: TokenCache,
    /// The time.
    pub clock: Clock,
    /// Held by each call until it is answered.
    calls: Arc<()>,
}

impl State {
    /// The state of a server that has not been called yet.
    #[must_use]
    pub fn new(live: Live, tokens: TokenCache, clock: Clock) -> Self {
        Self {
            live: ArcSwap::from_pointee(live),
            tokens,
            clock,
            calls: Arc::new(()),
        }
    }

    /// How many calls are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        Arc::strong_count(&self.calls).saturating_sub(1)
    }

    /// Answers one call. Everything ends in an allow or a denial: undecodable messages, and panics too.
    fn check(&self, message: Result<Bytes, Unreadable>) -> Answer {
        let live = self.live.load();
        guarded(&live.answers, || match message {
            Ok(message) => self.judge(&live, CheckRequest::decode(message).ok().as_ref()),
            Err(Unreadable::Malformed) => self.judge(&live, None),
            Err(Unreadable::Overloaded) => {
                debug!(
                    verdict = "deny",
                    reason = Denial::Overloaded.code(),
                    "check"
                );
                live.answers.refuse(&Denial::Overloaded)
            }
        })
    }

    fn judge(&self, live: &Live, check: Option<&CheckRequest>) -> Answer {
        let stopwatch = tracing::enabled!(tracing::Level::DEBUG).then(Stopwatch::start);
        let Some(request) = check.and_then(facts) else {
            debug!(
                verdict = "deny",
                reason = Denial::RequestMalformed.code(),
                "check"
            );
            return live.answers.refuse(&Denial::RequestMalformed);
        };
        let decision = authenticate(&live.snapshot, &request, self.clock.now(), &self.tokens);
        if let Some(stopwatch) = stopwatch {
            log(&decision, &request, &stopwatch);
        }
        live.answers.answer(&decision, &request)
    }
}

/// The one method.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The service.
#[derive(Clone, Debug)]
pub struct ExtAuthz {
    state: Arc<State>,
}

impl ExtAuthz {
    /// A service on shared state.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl NamedService for ExtAuthz {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl Service<HttpRequest<Body>> for ExtAuthz {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: HttpRequest<Body>) -> Self::Future {
        let state = self.state.clone();
        let in_flight = state.calls.clone();
        Box::pin(async move {
            if call.uri().path() != CHECK {
                return Ok(unary::unimplemented());
            }
            let message = unary::read_message(call.into_body()).await;
            let response = unary::respond(&state.check(message));
            drop(in_flight);
            Ok(response)
        })
    }
}

/// Runs a judgement; a panic in it is a denial too.
fn guarded(answers: &Answers, judge: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
        error!("a check panicked; the request was denied");
        answers.refuse(&Denial::Internal)
    })
}

/// The facts of the request; `None` where the message lacks them, as one from a TCP filter does.
fn facts(check: &CheckRequest) -> Option<Request<'_>> {
    let attributes: &AttributeContext = check.attributes.as_ref()?;
    let http: &attribute_context::HttpRequest = attributes.request.as_ref()?.http.as_ref()?;
    let raw = http.header_map.as_ref().map_or(&[][..], |map| &map.headers);
    let listed = http.headers.iter().map(|field| Header {
        name: &field.key,
        value: &field.value,
    });
    let raw = raw.iter().map(|field| Header {
        name: &field.key,
        value: if field.raw_value.is_empty() {
            &field.value
        } else {
            &field.raw_value
        },
    });
    // Envoy writes `!` into `path` for each byte that is not UTF-8; the raw field has what the service gets.
    let path = pseudo(raw.clone(), b":path").ok()?.unwrap_or(&http.path);
    // gRPC's own callers leave `host` empty and send the pseudo-header.
    let host = match &*http.host {
        b"" => pseudo(raw.clone(), b":authority").ok()?.unwrap_or_default(),
        host => host,
    };
    let context = attributes
        .context_extensions
        .iter()
        .map(|entry| (&*entry.key, &*entry.value));
    Some(Request {
        method: &http.method,
        path,
        host,
        headers: listed.chain(raw).collect(),
        context: context.collect(),
    })
}

/// The value of a pseudo-header, which no client sends by itself.
///
/// # Errors
/// [`Denial::RequestMalformed`] where there are two of them.
fn pseudo<'a>(
    fields: impl Iterator<Item = Header<'a>>,
    name: &[u8],
) -> Result<Option<&'a [u8]>, Denial> {
    let mut found = fields
        .filter(|field| field.name == name)
        .map(|field| field.value);
    let first = found.next();
    if found.next().is_some() {
        Err(Denial::RequestMalformed)
    } else {
        Ok(first)
    }
}

/// One line a decision. Nothing in it comes from a token; of the request, only its id.
fn log(decision: &Decision<'_>, request: &Request<'_>, stopwatch: &Stopwatch) {
    let rule = decision.rule.map(|rule| &*rule.name);
    let issuer = decision.issuer.map(|issuer| &*issuer.name);
    let micros = u64::try_from(stopwatch.elapsed().as_micros()).unwrap_or(u64::MAX);
    let id = request
        .values("x-request-id")
        .next()
        .and_then(|id| std::str::from_utf8(id).ok());
    let request_id: String = id
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(64)
        .collect();
    let reason = decision.verdict.reason();
    match &decision.verdict {
        Verdict::Allow(_) => debug!(
            verdict = "allow",
            reason, issuer, rule, micros, request_id, "check"
        ),
        Verdict::Deny(detail) => {
            debug!(
                verdict = "deny",
                reason,
                ?detail,
                issuer,
                rule,
                micros,
                request_id,
                "check"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;
    use crate::grpc::Answers;

    use crate::clock::Clock;
    use crate::grpc::TokenCache;

    use super::{Live, State, Unreadable, guarded};

    #[test]
    fn too_many_large_messages_are_an_overload_and_not_the_callers_fault() {
        let text = "issuers: {a: {issuer: a, audiences: [a], jwks: {file: a.json}}}";
        let config = Config::parse(text, Path::new("a.yaml")).unwrap();
        let live = Live::new(config.policy, "realm");
        let state = State::new(live, TokenCache::new(0).unwrap(), Clock::system());
        let code = |message| state.check(message).message().status.as_ref().unwrap().code;
        assert_eq!(code(Err(Unreadable::Overloaded)), 14);
        assert_eq!(code(Err(Unreadable::Malformed)), 3);
    }

    #[test]
    fn a_panic_in_a_check_is_a_denial() {
        let text = "issuers: {a: {issuer: a, audiences: [a], jwks: {file: a.json}}}";
        let config = Config::parse(text, Path::new("a.yaml")).unwrap();
        let answers = Answers::new(&config.policy, "realm");
        let answer = guarded(&answers, || panic!("injected"));
        assert_eq!(answer.message().status.as_ref().unwrap().code, 13);
        assert_eq!(
            answer.message(),
            answers.refuse(&crate::token::Denial::Internal).message()
        );
    }
}

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
use crate::request::{Header, Request};
use crate::token::Denial;
use crate::wire::envoy::service::auth::v3::attribute_context;
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::unary::{self, Unreadable};
use super::{Answer, Answers, TokenCache};

/// What one request is judged by, from start to end.
#[derive(Clone, Debug)]
pub struct Live {
    /// Policy and keys.
    pub snapshot: Snapshot,
    /// The fixed parts of answers under that policy.
    pub answers: Arc<Answers>,
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
}

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
        Box::pin(async move {
            if call.uri().path() != "/envoy.service.auth.v3.Authorization/Check" {
                return Ok(unary::unimplemented());
            }
            let message = unary::read_message(call.into_body()).await;
            Ok(unary::respond(state.check(message).message()))
        })
    }
}

impl State {
    /// Answers one call. Everything ends in an allow or a denial: undecodable messages, and panics too.
    fn check(&self, message: Result<Bytes, Unreadable>) -> Answer {
        let live = self.live.load();
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let check = message
                .ok()
                .and_then(|message| CheckRequest::decode(message).ok());
            self.judge(&live, check.as_ref())
        }));
        judged.unwrap_or_else(|_| {
            error!("a check panicked; the request was denied");
            live.answers.refuse(&Denial::Internal)
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

/// The facts of the request; `None` where the message lacks them, as one from a TCP filter does.
fn facts(check: &CheckRequest) -> Option<Request<'_>> {
    let attributes: &AttributeContext = check.attributes.as_ref()?;
    let http: &attribute_context::HttpRequest = attributes.request.as_ref()?.http.as_ref()?;
    let listed = http.headers.iter().map(|field| Header {
        name: &field.key,
        value: &field.value,
    });
    let raw = http
        .header_map
        .iter()
        .flat_map(|map| &map.headers)
        .map(|field| Header {
            name: &field.key,
            value: if field.raw_value.is_empty() {
                &field.value
            } else {
                &field.raw_value
            },
        });
    // Envoy writes `!` into `path` for each byte that is not UTF-8; the raw field has what the service gets.
    let mut raw_paths = raw.clone().filter(|field| field.name == b":path");
    let path = match (raw_paths.next(), raw_paths.next()) {
        (None, _) => &http.path,
        (Some(only), None) => only.value,
        (Some(_), Some(_)) => return None,
    };
    let context = attributes
        .context_extensions
        .iter()
        .map(|entry| (&*entry.key, &*entry.value));
    Some(Request {
        method: &http.method,
        path,
        host: &http.host,
        headers: listed.chain(raw).collect(),
        context: context.collect(),
    })
}

/// One line a decision. Nothing in it comes from a token; of the request, only its id.
fn log(decision: &Decision<'_>, request: &Request<'_>, stopwatch: &Stopwatch) {
    let rule = decision.rule.map(|(_, rule)| &*rule.name);
    let issuer = decision.issuer.map(|(_, issuer)| &*issuer.name);
    let micros = stopwatch.elapsed().as_micros();
    let id = request
        .values("x-request-id")
        .next()
        .and_then(|id| std::str::from_utf8(id).ok());
    let id: String = id
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(64)
        .collect();
    match &decision.verdict {
        Verdict::Allow(allow) => {
            let reason = if allow.token().is_some() {
                "allowed"
            } else {
                "anonymous"
            };
            debug!(
                verdict = "allow",
                reason,
                issuer,
                rule,
                micros,
                request_id = id,
                "check"
            );
        }
        Verdict::Deny(denial) => {
            let reason = denial.code();
            debug!(verdict = "deny", reason, detail = ?denial, issuer, rule, micros, request_id = id, "check");
        }
    }
}

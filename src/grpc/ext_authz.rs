//! `envoy.service.auth.v3.Authorization/Check`: one call in, one decision, one answer out.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request as HttpRequest, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::authenticator::{Decision, Question};
use crate::request::{Header, Request};
use crate::telemetry::Door;
use crate::token::Denial;
use crate::wire::envoy::service::auth::v3::attribute_context;
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::call::Unreadable;
use super::fields::Shape;
use super::front_door::FrontDoor;
use super::unary;
use super::{Answer, Generation, State};

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

    fn call(&mut self, mut call: HttpRequest<Body>) -> Self::Future {
        if call.uri().path() != CHECK {
            return Box::pin(std::future::ready(Ok(unary::unimplemented())));
        }
        let callers = &self.state.generation().check_callers;
        let mut arrival = self.state.arrival_of(&mut call, callers);
        Box::pin(async move {
            let answer = match arrival.admitted() {
                Ok(()) => {
                    let (call, place) = arrival.receive(call).await;
                    arrival.state().decide::<Check>(&call, place.as_ref()).await
                }
                // Not a gRPC error, which Envoy may take for an allow.
                Err(refused) => {
                    let call = arrival.discard(call, Unreadable::Malformed).await;
                    arrival.state().turn_away::<Check>(refused, &call)
                }
            };
            Ok(unary::respond(arrival.share(), answer.message()))
        })
    }
}

/// Envoy's front door.
pub(super) struct Check;

impl FrontDoor for Check {
    type Message = CheckRequest;
    type Answer = Answer;
    const DOOR: Door = Door::Check;
    /// `attributes.request.http.header_map`
    const SHAPE: Shape = Shape(&[(1, Shape(&[(4, Shape(&[(2, Shape(&[(13, Shape(&[]))]))]))]))]);

    fn question(message: &CheckRequest) -> Option<Question<'_>> {
        facts(message).map(Question::from)
    }

    fn answer(generation: &Generation, decision: &Decision<'_>, question: &Question<'_>) -> Answer {
        let grpc = question.request.as_ref().is_some_and(Request::is_grpc);
        generation.answers.answer(decision, grpc)
    }

    fn refuse(generation: &Generation, denial: &Denial) -> Answer {
        generation.answers.refuse(denial)
    }
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

//! `watchword.v1.TokenValidation`: for services that have a token in hand.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request as HttpRequest, Response};
use prost::Message as _;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::authenticator::{Decision, InHand, Question};
use crate::memory::Reservation;
use crate::policy::Demand;
use crate::request::{Header, Request};
use crate::telemetry::Door;
use crate::token::{Audiences, Denial};
use crate::wire::watchword::v1 as wire;

use super::batch::{BatchAnswer, NoRoom};
use super::call::{Call, Unreadable};
use super::fields::{self, Shape};
use super::front_door::FrontDoor;
use super::unary;
use super::{Generation, Reply, State};

const VALIDATE: &str = "/watchword.v1.TokenValidation/Validate";
const VALIDATE_BATCH: &str = "/watchword.v1.TokenValidation/ValidateBatch";
/// Most questions of a batch.
const MAX_BATCH: usize = 100;
/// Most audiences, and most scopes, that a caller may demand.
const MAX_DEMANDED: usize = 100;

/// The service.
#[derive(Clone, Debug)]
pub struct TokenValidation {
    state: Arc<State>,
}

impl TokenValidation {
    /// A service on shared state.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl NamedService for TokenValidation {
    const NAME: &'static str = "watchword.v1.TokenValidation";
}

impl Service<HttpRequest<Body>> for TokenValidation {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: HttpRequest<Body>) -> Self::Future {
        let batch = match call.uri().path() {
            VALIDATE => false,
            VALIDATE_BATCH => true,
            _ => return Box::pin(std::future::ready(Ok(unary::unimplemented()))),
        };
        let callers = &self.state.generation().validate_callers;
        let mut arrival = self.state.arrival_of(&mut call, callers);
        Box::pin(async move {
            if let Err(refused) = arrival.admitted() {
                // It is told and counted like a verdict, but nothing is said of the token.
                let call = arrival.discard(call, Unreadable::Malformed).await;
                arrival.state().turn_away::<Validate>(refused, &call);
                return Ok(unary::fail("16", "the caller may not ask this service"));
            }
            let (call, place) = arrival.receive(call).await;
            let state = arrival.state();
            Ok(if batch {
                validate_all(state, &call, place.as_ref(), arrival.share()).await
            } else {
                let reply = state.decide::<Validate>(&call, place.as_ref()).await;
                unary::respond_within(arrival.share(), reply.message())
            })
        })
    }
}

/// Judges one question after the other, so that a batch takes no more of the machine than its questions would alone.
async fn validate_all(
    state: &State,
    call: &Call,
    place: Option<&Reservation>,
    share: Option<&Reservation>,
) -> Response<Body> {
    let requests = match &call.message {
        Ok(message) if !fields::are_few(message, &Shape(&[])) => None,
        Ok(message) => wire::ValidateBatchRequest::decode(message.clone()).ok(),
        Err(Unreadable::Malformed) => None,
        Err(Unreadable::Overloaded) => {
            state.refuse::<Validate>(&Denial::Overloaded, call);
            return unary::fail("14", "too many large messages");
        }
    };
    let Some(requests) = requests.map(|batch| batch.requests) else {
        state.refuse::<Validate>(&Denial::RequestMalformed, call);
        return unary::fail("3", "the message cannot be read");
    };
    if requests.is_empty() || requests.len() > MAX_BATCH {
        return unary::fail("3", "a batch has from 1 to 100 requests");
    }
    let mut answer = BatchAnswer::new();
    for message in requests {
        let place = place.filter(|place| place.bytes() > 0 || place.try_grow(1));
        let call = Call {
            message: Ok(message),
            ..call.clone()
        };
        let reply = state.decide::<Validate>(&call, place).await;
        let draw = |bytes| share.is_none_or(|share| share.try_grow(bytes));
        match answer.push(&reply, draw) {
            Ok(()) => {}
            Err(NoRoom::TooLarge) => {
                return unary::fail(
                    "8",
                    "the answers have more than 4 MiB: ask for fewer at a time",
                );
            }
            Err(NoRoom::Memory) => return unary::fail("14", "too many answers are not read"),
        }
        drop(reply);
        // Others get their turn in between.
        if let Some(place) = place {
            place.release();
        }
        tokio::task::yield_now().await;
    }
    unary::respond_framed(answer.framed(), share)
}

/// The front door of services.
pub(super) struct Validate;

impl FrontDoor for Validate {
    type Message = wire::ValidateRequest;
    type Answer = Reply;
    const DOOR: Door = Door::Validate;
    /// `request` and `demand`
    const SHAPE: Shape = Shape(&[(2, Shape(&[])), (3, Shape(&[]))]);

    fn question(message: &wire::ValidateRequest) -> Option<Question<'_>> {
        let token = Some(&message.token).filter(|token| !token.is_empty());
        let demand = match &message.demand {
            Some(wanted) => Some(demand(wanted)?),
            None => None,
        };
        Some(Question {
            request: message.request.as_ref().map(facts),
            token: token.map(|token| InHand(token)),
            demand,
        })
    }

    fn answer(generation: &Generation, decision: &Decision<'_>, _: &Question<'_>) -> Reply {
        generation.replies.reply(decision)
    }

    fn refuse(generation: &Generation, denial: &Denial) -> Reply {
        generation.replies.refuse(denial)
    }
}

fn facts(request: &wire::Request) -> Request<'_> {
    let headers = request.headers.iter().map(|field| Header {
        name: &field.name,
        value: &field.value,
    });
    let context = request.context.iter();
    Request {
        method: &request.method,
        path: &request.path,
        host: &request.host,
        headers: headers.collect(),
        context: context.map(|entry| (&*entry.key, &*entry.value)).collect(),
    }
}

/// `None` where it is none: too long, or with a word that no token could have.
fn demand(demand: &wire::Demand) -> Option<Demand> {
    let audiences = words(&demand.audiences, |_| true)?;
    // RFC 6749 §3.3; scopes are also quoted in challenges.
    let scopes = words(
        &demand.scopes,
        |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e),
    )?;
    Some(Demand {
        audiences: if audiences.is_empty() {
            Audiences::Any
        } else {
            Audiences::OneOf(audiences)
        },
        scope_text: Arc::from(scopes.join(" ")),
        scopes,
        ..Demand::default()
    })
}

/// Words of UTF-8 that are not empty, and whose bytes are all allowed.
fn words(list: &[Bytes], allowed: impl Fn(u8) -> bool) -> Option<Vec<Box<str>>> {
    let word = |bytes: &Bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let is_word = !text.is_empty() && text.bytes().all(&allowed);
        is_word.then(|| text.into())
    };
    if list.len() > MAX_DEMANDED {
        return None;
    }
    list.iter().map(word).collect()
}

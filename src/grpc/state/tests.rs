//! Calls that are refused without a judgement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::app::Engine;
use crate::authenticator::{Decision, Question};
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::grpc::ext_authz::Check;
use crate::grpc::front_door::FrontDoor;
use crate::grpc::validation::Validate;
use crate::grpc::{Generation, State};
use crate::jwks::Network;
use crate::telemetry::Door;
use crate::token::Denial;
use crate::wire::watchword::v1::validate_response::Verdict;

use super::{Call, Unreadable};
use crate::grpc::call::Trace;
use crate::grpc::fields::Shape;

fn engine(more: &str) -> Engine {
    let text = format!(
        "issuers: {{a: {{issuer: a, audiences: [a], jwks: {{file: a.json}}, \
         headers: {{x-auth-subject: sub}}}}}}\n{more}"
    );
    let config = Config::parse(&text, Path::new("a.yaml")).unwrap();
    Engine::start(&config, Clock::system(), Arc::new(Network), 0).unwrap()
}

fn call(message: Result<Bytes, Unreadable>, patience: Option<Duration>) -> Call {
    Call {
        message,
        arrived: Stopwatch::start(),
        patience,
        trace: Trace::Unwanted,
    }
}

/// The codes of both front doors; 0 is an allow.
async fn codes(state: &State, call: &Call) -> (i32, i32) {
    let answer = state
        .decide::<Check>(call, state.local.try_reserve(1).as_ref())
        .await;
    let reply = state
        .decide::<Validate>(call, state.local.try_reserve(1).as_ref())
        .await;
    let reply = match reply.into_message().verdict.unwrap() {
        Verdict::Allow(_) => 0,
        Verdict::Deny(denied) => denied.http_status,
    };
    (answer.message().status.as_ref().unwrap().code, reply)
}

#[tokio::test]
async fn too_many_large_messages_are_an_overload_and_not_the_callers_fault() {
    let engine = engine("");
    let state = &engine.state;
    let overloaded = call(Err(Unreadable::Overloaded), None);
    assert_eq!(codes(state, &overloaded).await, (14, 503));
    let malformed = call(Err(Unreadable::Malformed), None);
    assert_eq!(codes(state, &malformed).await, (3, 400));
}

#[tokio::test]
async fn a_call_without_a_place_is_an_overload() {
    let engine = engine("server: {max_in_flight: 16}");
    let state = &engine.state;
    let good = call(Ok(Bytes::new()), None);
    let places: Vec<_> = std::iter::from_fn(|| state.places().account(0).try_reserve(1)).collect();
    assert_eq!(codes(state, &good).await, (14, 503));
    drop(places);
    assert_ne!(codes(state, &good).await, (14, 503));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_not_judged() {
    let engine = engine("");
    let late = call(Ok(Bytes::new()), Some(Duration::ZERO));
    assert_eq!(codes(&engine.state, &late).await, (14, 503));
}

#[tokio::test]
async fn in_shadow_mode_nothing_is_denied() {
    let engine = engine("mode: shadow");
    let state = &engine.state;
    let malformed = call(Err(Unreadable::Malformed), None);
    assert_eq!(codes(state, &malformed).await, (0, 0));
    let place = state.local.try_reserve(1);
    let reply = state.decide::<Validate>(&malformed, place.as_ref());
    let Some(Verdict::Allow(allow)) = reply.await.into_message().verdict else {
        panic!("an allow");
    };
    let removed = &allow.headers_to_remove;
    for name in [
        "x-auth-subject",
        "x_auth_subject",
        "x-original-url",
        "x_original_url",
    ] {
        assert!(removed.contains(&name.into()), "{name} of {removed:?}");
    }
    let no_token = call(Ok(Bytes::new()), None);
    assert_eq!(codes(state, &no_token).await, (0, 0));
}

/// A front door whose judgements panic.
struct Broken;

impl FrontDoor for Broken {
    type Message = ();
    type Answer = &'static str;
    const DOOR: Door = Door::Check;
    const SHAPE: Shape = Shape(&[]);

    fn question((): &()) -> Option<Question<'_>> {
        panic!("injected")
    }

    fn answer(_: &Generation, _: &Decision<'_>, _: &Question<'_>) -> &'static str {
        "an answer"
    }

    fn refuse(_: &Generation, denial: &Denial) -> &'static str {
        denial.code()
    }
}

#[tokio::test]
async fn a_panic_in_a_check_is_a_denial() {
    let engine = engine("");
    let state = &engine.state;
    let good = call(Ok(Bytes::new()), None);
    let answer = state
        .decide::<Broken>(&good, state.local.try_reserve(1).as_ref())
        .await;
    assert_eq!(answer, "internal");
    assert_eq!(state.metrics().panics.get(), 1);
    assert_ne!(
        codes(state, &good).await,
        (13, 500),
        "the next one is judged"
    );
}

//! Calls that are denied without a judgement.

use std::path::Path;

use http::HeaderMap;
use http_body_util::Full;
use tonic::body::Body;

use crate::app::Engine;
use crate::clock::Clock;
use crate::config::Config;
use crate::grpc::CheckAnswers;
use crate::grpc::admission::{AdmittedCall, ReceivedCall};
use crate::grpc::call::TraceSource;
use crate::grpc::deadline::Deadline;
use crate::grpc::ext_authz::Check;
use crate::grpc::fields::CountedFields;
use crate::grpc::framing::frame_encoded;
use crate::grpc::validate::Validate;
use crate::listen::Connection;
use crate::telemetry::Door;
use crate::wire::envoy::service::auth::v3::CheckResponse;
use crate::wire::watchword::v1::ValidateResponse;
use crate::wire::watchword::v1::validate_response::Verdict;

use super::*;

fn engine(more: &str) -> Engine {
    let text = format!(
        "issuers: {{a: {{issuer: a, audiences: [a], jwks: {{file: a.json}}, \
         headers: {{x-auth-subject: sub}}}}}}\n{more}"
    );
    let config = Config::parse(&text, Path::new("a.yaml")).unwrap();
    Engine::start(&config, Clock::system().into()).unwrap()
}

fn call(timeout: Option<&'static str>) -> Call {
    let mut metadata = HeaderMap::new();
    if let Some(timeout) = timeout {
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
    }
    Call {
        deadline: Deadline::of(&metadata),
        trace: TraceSource::Unwanted,
    }
}

/// The verdicts of both front doors: the code of `Check`, 0 for an allow, and the HTTP status of
/// `Validate`.
type Codes = (i32, i32);

fn code(answer: &FramedMessage) -> i32 {
    let answer = CheckResponse::decode(answer.message()).unwrap();
    answer.status.unwrap().code
}

fn verdict(answer: &FramedMessage) -> Verdict {
    let answer = ValidateResponse::decode(answer.message()).unwrap();
    answer.verdict.unwrap()
}

fn http_status(answer: &FramedMessage) -> i32 {
    match verdict(answer) {
        Verdict::Allow(_) => 0,
        Verdict::Deny(denied) => denied.http_status,
    }
}

/// The codes for an empty message.
async fn judged(state: &State, call: &Call) -> Codes {
    let permit = Connection::in_process(&state.in_flight_limit).permit();
    let check = Judge::<Check>::new(state, call);
    let check = check.decide(Bytes::new(), permit.as_ref()).await;
    let validate = Judge::<Validate>::new(state, call);
    let validate = validate.decide(Bytes::new(), permit.as_ref()).await;
    (code(&check), http_status(&validate))
}

fn refused(state: &State, denial: &Denial) -> Codes {
    let call = call(None);
    let check = Judge::<Check>::new(state, &call).refuse(denial);
    let validate = Judge::<Validate>::new(state, &call).refuse(denial);
    (code(&check), http_status(&validate))
}

#[tokio::test]
async fn too_many_large_messages_are_an_overload_and_not_the_callers_fault() {
    let engine = engine("");
    let refused = |unreadable| refused(&engine.state, &Denial::from(unreadable));
    assert_eq!(refused(message::Unreadable::Overloaded), (14, 503));
    assert_eq!(refused(message::Unreadable::Malformed), (3, 400));
}

#[tokio::test]
async fn a_call_without_a_permit_is_an_overload() {
    let engine = engine("server: {max_in_flight: 16}");
    let state = &engine.state;
    let connection = Connection::in_process(&state.in_flight_limit);
    let answered = async || {
        let call = AdmittedCall::new(state, Door::Check, &HeaderMap::new(), &connection);
        let body = Body::new(Full::new(frame_encoded(&[])));
        let ReceivedCall {
            call,
            message,
            permit,
            ..
        } = call.receive(body).await;
        let judge = Judge::<Check>::new(state, &call);
        let answer = judge.decide(message.unwrap(), permit.as_ref());
        code(&answer.await)
    };
    let permits: Vec<_> = std::iter::from_fn(|| connection.permit()).collect();
    assert_eq!(answered().await, 14);
    drop(permits);
    assert_ne!(answered().await, 14);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_not_judged() {
    let engine = engine("");
    assert_eq!(judged(&engine.state, &call(Some("0n"))).await, (14, 503));
}

#[tokio::test]
async fn in_shadow_mode_nothing_is_denied() {
    let engine = engine("mode: shadow");
    let state = &engine.state;
    assert_eq!(refused(state, &Denial::RequestMalformed), (0, 0));
    let call = call(None);
    let refused = Judge::<Validate>::new(state, &call).refuse(&Denial::RequestMalformed);
    let Verdict::Allow(allow) = verdict(&refused) else {
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
    assert_eq!(judged(state, &call).await, (0, 0), "no token");
}

/// A front door whose judgements panic.
struct Broken;

impl FrontDoor for Broken {
    type Message = ();
    type Answers = CheckAnswers;
    const DOOR: Door = Door::Check;
    const COUNTED_FIELDS: CountedFields = CountedFields(&[]);
    const HAS_GRPC_ERRORS: bool = false;

    fn question((): &()) -> Option<Question<'_>> {
        panic!("injected")
    }
}

#[tokio::test]
async fn a_panic_in_a_check_is_a_denial() {
    let engine = engine("");
    let state = &engine.state;
    let call = call(None);
    let permit = Connection::in_process(&state.in_flight_limit).permit();
    let judge = Judge::<Broken>::new(state, &call);
    let answer = judge.decide(Bytes::new(), permit.as_ref()).await;
    assert_eq!(code(&answer), 13);
    assert_eq!(state.telemetry.metrics.panics.get(), 1);
    let next = judged(state, &call).await;
    assert_ne!(next, (13, 500), "the next one is judged");
}

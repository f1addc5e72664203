//! Calls that are refused without a judgement.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::config::Config;
use crate::grpc::{Answers, TokenCache};
use crate::jwks::{KeySources, Network, Setup};
use crate::telemetry::Metrics;
use crate::token::Denial;

use super::{Live, State, Unreadable, guarded};

fn config() -> Config {
    let text = "issuers: {a: {issuer: a, audiences: [a], jwks: {file: a.json}}}";
    Config::parse(text, Path::new("a.yaml")).unwrap()
}

#[tokio::test]
async fn too_many_large_messages_are_an_overload_and_not_the_callers_fault() {
    let setup = Setup {
        policy: config().policy,
        state_dir: None,
        clock: Clock::system(),
        fetch: Arc::new(Network),
        publish: Arc::new(|_, _| {}),
        seed: 0,
    };
    let (keys, _tasks) = KeySources::start(&[], &setup);
    let live = Live::new(config().policy, "realm");
    let state = State::new(
        Arc::new(ArcSwap::from_pointee(live)),
        keys,
        TokenCache::new(0).unwrap(),
        Clock::system(),
        Arc::new(Metrics::default()),
    );
    let code = async |message| {
        let answer = state.check(message, None).await;
        answer.message().status.as_ref().unwrap().code
    };
    assert_eq!(code(Err(Unreadable::Overloaded)).await, 14);
    assert_eq!(code(Err(Unreadable::Malformed)).await, 3);
}

#[test]
fn a_panic_in_a_check_is_a_denial() {
    let answers = Answers::new(&config().policy, "realm");
    let judgement = guarded(&answers, || panic!("injected"));
    assert_eq!(judgement.answer.message().status.as_ref().unwrap().code, 13);
    assert_eq!(
        judgement.answer.message(),
        answers.refuse(&Denial::Internal).message()
    );
}

//! Callers who do not wait for their answer. The fetch that they waited for is not theirs to end.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::task::JoinSet;
use watchword::app::Engine;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::grpc::InProcessClient;
use watchword_test_support::in_process::check;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::call;
use crate::say;
use crate::settings::{NOW, configuration, issuer, key_set, keys_of, token};
use crate::site::{Site, eventually};

const CALLS: usize = 10_000;
/// So many of them wait together.
const TOGETHER: usize = 2_000;
const REMOTE_CALLS: usize = 500;

#[tokio::test]
async fn ten_thousand_dropped_calls_leave_the_fetch_alone_and_its_keys_are_used() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]).held());
    let text = configuration("", &[issuer("corp", &keys_of(&server, ""))]);
    let config = Config::parse(&text, Path::new("jwks.yaml")).unwrap_or_else(|p| panic!("{p}"));
    let engine = Engine::start(&config, Clock::manual(NOW).into()).unwrap();
    let service = InProcessClient::new(engine.state.clone());
    server.requests_reach(1).await;

    let token = token(&signer);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..CALLS / TOGETHER {
        let calls = (0..TOGETHER).map(|_| Box::pin(check(service.clone(), &token)));
        let mut calls: Vec<_> = calls.collect();
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(engine.state.in_flight(), TOGETHER);
        drop(calls);
        assert_eq!(engine.state.in_flight(), 0);
    }
    let mut waiting = pin!(check(service.clone(), &token));
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    server.release();
    assert_eq!(waiting.await, "allowed");
    let source = engine.state.generation().sources().status().remove(0);
    assert_eq!((source.fetches["changed"], source.fetches.len()), (1, 1));
    assert_eq!((server.requests(), server.abandoned()), (1, 0));
    say(&format!(
        "{CALLS} calls dropped during a fetch: 1 fetch, {} abandoned, its keys are used",
        server.abandoned()
    ));
}

#[tokio::test]
async fn calls_past_their_grpc_deadline_leave_the_fetch_alone_and_its_keys_are_used() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    server.reply(key_set(&[&old, &new]).held());
    site.clock.advance(Duration::from_secs(30));

    let token = token(&new);
    let mut calls = JoinSet::new();
    for number in 0..REMOTE_CALLS {
        let (client, token) = (site.client(), token.clone());
        // Before they are judged, mostly, and while they wait.
        let patience = Duration::from_millis([1, 50][number % 2]);
        calls.spawn(async move { call::ask_within(client, patience, &token).await });
    }
    let answers = calls.join_all().await;
    let cancelled = answers.iter().filter(|answer| answer.is_err()).count();
    // On a slow machine, a call whose deadline has almost passed is denied in time.
    let denied = |reason: &str| reason != "allowed";
    assert!(
        cancelled > 0
            && answers
                .iter()
                .flatten()
                .all(|answer| denied(&answer.reason))
    );
    // Whether one of those calls came to the point of asking for a fetch is the machine's business.
    let waiting = tokio::spawn(call::ask(site.client(), "/", token.leak()));
    server.requests_reach(2).await;
    eventually("the cancelled calls to end", || site.app.in_flight() == 1).await;
    server.release();
    assert_eq!(waiting.await.unwrap().reason, "allowed");
    site.fetched(2).await;
    assert_eq!((server.requests(), server.abandoned()), (2, 0));
    say(&format!(
        "{cancelled} calls past a deadline of 1 or 50 ms during a fetch: 1 fetch, \
         0 abandoned, its keys are used"
    ));
}

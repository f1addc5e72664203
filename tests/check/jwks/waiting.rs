//! Area `jwks`: many calls and one fetch.

use std::sync::Arc;
use std::time::Duration;

use watchword::jwks::Network;
use watchword_test_support::mint::Signer;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::settings::Settings;
use super::super::site::RUNTIME;
use super::super::tokens::ED;
use super::{corp_from, ended, served, set, token, until};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-33", a_thousand_calls_at_expiry_make_one_fetch),
    row!("JWK-34", fetch_outlives_the_call_that_caused_it),
];

const SECOND: Duration = Duration::from_secs(1);

fn a_thousand_calls_at_expiry_make_one_fetch(case: &mut Case) {
    let server = served(set(&[&ED]));
    let more = "cache_duration: 10s, max_stale: 1h, timeout: 1m, cooldown: 1s";
    let inside = Inside::start(
        &Settings::of(corp_from(&server.uri(), more)),
        Arc::new(Network),
    );
    until("keys", || *inside.engine.ready().borrow());
    let new = Signer::generate("EdDSA", "new");
    server.reply(set(&[&ED, &new]).held());
    inside.clock.advance(inside.status(0).next_fetch);
    RUNTIME.block_on(server.requests_reach(2));
    for (what, span, state) in [("before", 0, "fresh"), ("after", 10, "stale")] {
        inside.clock.advance(SECOND * span);
        case.equal(what, inside.status(0).state, state);
        let call = Call::bearing(token(&ED));
        let answers: Vec<_> = (0..1000).map(|_| inside.begin(&call)).collect();
        for answer in answers {
            let outcome = RUNTIME.block_on(answer).expect("an answer");
            inside.judge(
                case,
                &format!("from the old set, {what} its end"),
                &call,
                &outcome,
                Expect::Allow,
            );
        }
    }
    let call = Call::bearing(token(&new));
    let answers: Vec<_> = (0..1000).map(|_| inside.begin(&call)).collect();
    until("all are in flight", || inside.in_flight() == 1000);
    server.release();
    for answer in answers {
        let outcome = RUNTIME.block_on(answer).expect("an answer");
        inside.judge(
            case,
            "waited for the new set",
            &call,
            &outcome,
            Expect::Allow,
        );
    }
    case.equal(
        "fetches",
        (server.requests(), ended(&inside.status(0))),
        (2, 2),
    );
    case.equal("at the end", inside.status(0).state, "fresh");
}

fn fetch_outlives_the_call_that_caused_it(case: &mut Case) {
    let new = Signer::generate("EdDSA", "new");
    let call = Call::bearing(token(&new));
    for followers in [0, 100] {
        let server = served(set(&[&ED]));
        let inside = Inside::start(
            &Settings::of(corp_from(&server.uri(), "")),
            Arc::new(Network),
        );
        until("keys", || *inside.engine.ready().borrow());
        inside.clock.advance(30 * SECOND);
        server.reply(set(&[&ED, &new]).held());
        let leader = inside.begin(&call);
        RUNTIME.block_on(server.requests_reach(2));
        let waiting: Vec<_> = (0..followers).map(|_| inside.begin(&call)).collect();
        until("all are in flight", || inside.in_flight() == followers + 1);
        leader.abort();
        let ended_early = RUNTIME.block_on(leader);
        case.holds("the leader is gone", ended_early.is_err());
        until("it is", || inside.in_flight() == followers);
        case.equal(
            "the server has not noticed",
            (server.requests(), server.abandoned()),
            (2, 0),
        );
        server.release();
        for answer in waiting {
            let outcome = RUNTIME.block_on(answer).expect("an answer");
            inside.judge(case, "another that waited", &call, &outcome, Expect::Allow);
        }
        until("the fetch has ended", || ended(&inside.status(0)) == 2);
        until("its keys are in use", || inside.ask(&call).is_allow());
        server.reply(set(&[&ED, &new]));
        inside.check(case, "one that comes later", &call, Expect::Allow);
        let stranger = Call::bearing(token(&Signer::generate("EdDSA", "new")));
        inside.check(
            case,
            "a stranger's",
            &stranger,
            Expect::Deny(401, "signature_invalid"),
        );
        // A stranger may have one fetch more, as the last one brought other keys.
        case.equal("fetches", (server.requests(), server.abandoned()), (3, 0));
    }
}

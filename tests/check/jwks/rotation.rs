//! Area `jwks`: keys that leave a set and keys that join it, while tokens of both are in use.

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
use super::{Fetched, corp_from, ended, served, set, token, until};

pub(crate) const ROWS: &[Row] = &[
    row!(
        "JWK-25",
        token_of_a_removed_key_is_denied_though_it_was_cached,
    ),
    row!("JWK-26", rotation_with_overlap_denies_nobody),
    row!("JWK-27", each_call_is_judged_by_one_whole_set),
    row!(
        "JWK-31",
        key_that_is_published_later_is_found_within_a_cooldown,
    ),
];

const COOLDOWN: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
const NOT_FOUND: Expect = Expect::Deny(401, "key_not_found");

fn key(kid: &str) -> Signer {
    Signer::generate("EdDSA", kid)
}

fn token_of_a_removed_key_is_denied_though_it_was_cached(case: &mut Case) {
    let (leaves, stays) = (key("leaves"), key("stays"));
    let lifetimes = [
        (None, 600),
        (Some("max-age=1000000000000"), 3600),
        (Some("no-store"), 60),
    ];
    for (lifetime, longest) in lifetimes {
        let both = set(&[&leaves, &stays]);
        let both = match lifetime {
            Some(value) => both.with("cache-control", value),
            None => both,
        };
        let fetched = Fetched::start(both);
        let what = format!("{lifetime:?}");
        let [gone, good] = [&leaves, &stays].map(|signer| Call::bearing(token(signer)));
        for _ in 0..3 {
            case.becomes(&what, &fetched.site, &gone, Expect::Allow);
            case.becomes(&what, &fetched.site, &good, Expect::Allow);
        }
        fetched.server.reply(set(&[&stays]));
        let next = fetched.status().next_fetch;
        case.holds(
            &format!("{what}: fetched in {next:?}"),
            next <= SECOND * longest,
        );
        case.equal(&what, fetched.next_fetch(), "changed");
        case.becomes(&what, &fetched.site, &gone, NOT_FOUND);
        case.allows(&fetched.site, &what, &good);
        // The set comes back: a token is good again because its key is, not because it once was.
        let forged = token(&key("leaves"));
        fetched.publish(set(&[&leaves, &stays]));
        case.becomes(&what, &fetched.site, &gone, Expect::Allow);
        case.refuses(&fetched.site, &what, forged, "signature_invalid");
    }
}

fn rotation_with_overlap_denies_nobody(case: &mut Case) {
    let (old, new) = (key("old"), key("new"));
    // Outside a cool-down, the first token of a new key causes a fetch at once.
    let fetched = Fetched::start(set(&[&old]));
    let calls = [&old, &new].map(|signer| Call::bearing(token(signer)));
    case.becomes("before", &fetched.site, &calls[0], Expect::Allow);
    fetched.pass(COOLDOWN);
    fetched.server.reply(set(&[&old, &new]));
    for _ in 0..3 {
        let asked = (0..200).map(|number| &calls[number % 2]);
        let asked: Vec<_> = asked.map(|call| (call, fetched.site.begin(call))).collect();
        for (call, answer) in asked {
            let outcome = RUNTIME.block_on(answer).expect("an answer");
            case.judge(
                "200 at a time",
                &fetched.site,
                call,
                &outcome,
                Expect::Allow,
            );
        }
    }
    case.equal("fetches", fetched.server.requests(), 2);
    // During a cool-down, a scheduled fetch brings a key that is published before it is used.
    let fetched = Fetched::start(set(&[&old]));
    case.equal(
        "in its time",
        fetched.publish(set(&[&old, &new])),
        "changed",
    );
    case.becomes("in its time", &fetched.site, &calls[1], Expect::Allow);
    for number in 0..100 {
        case.allows(&fetched.site, "in its time", &calls[number % 2]);
    }
    case.equal("fetches", fetched.server.requests(), 2);
    case.refuses(
        &fetched.site,
        "neither",
        token(&key("other")),
        "key_not_found",
    );
}

/// The sets have a kid in common, under which each has a key of its own: a call that took the name
/// from one and the key from the other would say so. Half of the calls wait for the fetch, the
/// others arrive around its end.
fn each_call_is_judged_by_one_whole_set(case: &mut Case) {
    let old = [key("common"), key("old")];
    let new = [key("common"), key("new")];
    let server = served(set(&[&old[0], &old[1]]));
    let settings =
        Settings::of(corp_from(&server.uri(), "")).top("token_cache: {max_entries: 100}");
    let inside = Inside::start(&settings, Arc::new(Network));
    until("keys", || *inside.engine.ready().borrow());
    inside.clock.advance(COOLDOWN);
    server.reply(set(&[&new[0], &new[1]]).held());

    let calls = |signer: &Signer| Call::bearing(token(signer));
    let waiting = calls(&new[1]);
    let waiters: Vec<_> = (0..500).map(|_| inside.begin(&waiting)).collect();
    RUNTIME.block_on(server.requests_reach(2));
    until("all of them are in flight", || inside.in_flight() == 500);
    let around = [calls(&old[0]), calls(&old[1]), calls(&new[0])];
    let before = inside.ask(&around[0]);
    inside.judge(
        case,
        "the old set, before",
        &around[0],
        &before,
        Expect::Allow,
    );

    let begin = |number: usize| (&around[number % 3], inside.begin(&around[number % 3]));
    let mut others: Vec<_> = (0..250).map(begin).collect();
    // A set that changed permits one more fetch, which those of the old set ask for.
    server.reply(set(&[&new[0], &new[1]]));
    server.release();
    others.extend((0..250).map(begin));
    for (call, answer) in others {
        let outcome = RUNTIME.block_on(answer).expect("an answer");
        let expect = if outcome.is_allow() {
            Expect::Allow
        } else {
            Expect::DenyOneOf(401, &["signature_invalid", "key_not_found"])
        };
        // A key that both sets name is never missing.
        let common = outcome.reason != "key_not_found" || std::ptr::eq(call, &raw const around[1]);
        case.holds(&format!("no mixed view: {}", outcome.summary()), common);
        inside.judge(case, "around the change", call, &outcome, expect);
    }
    for answer in waiters {
        let outcome = RUNTIME.block_on(answer).expect("an answer");
        inside.judge(
            case,
            "waited for the new set",
            &waiting,
            &outcome,
            Expect::Allow,
        );
    }
    inside.check(
        case,
        "the old set, after",
        &around[0],
        Expect::Deny(401, "signature_invalid"),
    );
    inside.check(case, "the old set, after", &around[1], NOT_FOUND);
    inside.check(case, "the new one, after", &around[2], Expect::Allow);
    case.equal(
        "fetches",
        (server.requests(), ended(&inside.status(0))),
        (3, 3),
    );
}

fn key_that_is_published_later_is_found_within_a_cooldown(case: &mut Case) {
    let late = key("late");
    let call = Call::bearing(token(&late));
    // A scheduled fetch lacked it just before: the first token fetches it at once.
    let fetched = Fetched::start(set(&[&ED]));
    fetched.server.reply(set(&[&ED, &late]));
    case.check("right after a fetch", &fetched.site, &call, Expect::Allow);
    case.equal("fetches", fetched.server.requests(), 2);

    // Looked for in vain at 10 s, published at 15 s, fetched when the cool-down ends at 40 s,
    // whoever asks then.
    let fetched = Fetched::start(set(&[&ED]));
    fetched.pass(10 * SECOND);
    case.check("not there", &fetched.site, &call, NOT_FOUND);
    fetched.ended_reach(2);
    fetched.pass(5 * SECOND);
    fetched.server.reply(set(&[&ED, &late]));
    for _ in 0..24 {
        case.check("the cool-down runs", &fetched.site, &call, NOT_FOUND);
        fetched.pass(SECOND);
    }
    case.check("39 s", &fetched.site, &call, NOT_FOUND);
    case.equal("fetches until then", fetched.server.requests(), 2);
    fetched.pass(SECOND);
    fetched.ended_reach(3);
    case.becomes("40 s", &fetched.site, &call, Expect::Allow);
    case.equal(
        "fetches that tokens caused",
        fetched.status().unknown_key_fetches,
        2,
    );
    case.refuses(
        &fetched.site,
        "still unknown",
        token(&key("later")),
        "key_not_found",
    );
}

//! Area `cache`: clocks that are wrong, and clocks that are set.

use std::time::Duration;

use serde_json::json;
use watchword_test_support::key_server::Reply;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::jwks::{Fetched, set};
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{self, ED, RSA, claims, claims_with, claims_without, without};

pub(crate) const ROWS: &[Row] = &[
    row!("CCH-03", cached_token_expires),
    row!("CCH-14", clock_that_is_set_back_makes_nothing_older_good),
    row!("CCH-15", clock_that_is_set_forward_and_back_recovers),
    row!("CCH-16", clock_that_is_out_of_all_bounds_denies),
];

/// `exp` of the mint's claims, and the default leeway.
const END: i64 = NOW + 300 + 30;
const HOUR: i64 = 3600;
const EXPIRED: &str = "token_expired";

fn cached_token_expires(case: &mut Case) {
    for leeway in [0, 30, 300] {
        let issuer = tokens::corp().line(&format!("leeway: {leeway}s"));
        let site = Site::start(&Settings::of(issuer));
        let token = RSA.sign(&claims());
        let end = NOW + 300 + leeway;
        for now in [NOW, NOW + 299, end - 1] {
            site.clock().set(now);
            case.accepts(&site, "before its end", &token);
        }
        for now in [end, end + 1, end + HOUR] {
            site.clock().set(now);
            case.refuses(&site, "after its end", &token, EXPIRED);
        }
        let other = RSA.sign(&claims_with("exp", json!(end + 2 * HOUR)));
        case.accepts(&site, "one that goes on", other);
    }
}

fn clock_that_is_set_back_makes_nothing_older_good(case: &mut Case) {
    let more = "cache_duration: 10m, max_stale: 2h";
    let fetched = Fetched::start_with(set(&[&ED]), more);
    let Fetched { server, site } = &fetched;
    let call = Call::bearing(ED.sign(&claims()));
    case.becomes("now", site, &call, Expect::Allow);
    site.clock().set(END);
    case.check("expired", site, &call, Expect::Deny(401, EXPIRED));
    // `exp` is in the future again, so the token is good. One that never was good stays bad.
    site.clock().set(END - HOUR);
    let early = ED.sign(&without(claims(), "iat"));
    case.accepts(site, "set back by an hour", early);
    case.check(
        "before it was issued",
        site,
        &call,
        Expect::Deny(401, "claim_invalid"),
    );
    site.clock().set(NOW);
    case.check("ahead again", site, &call, Expect::Allow);
    site.clock().set(END + 1);
    case.check("expired again", site, &call, Expect::Deny(401, EXPIRED));
    // Keys age by the other clock, which nobody sets: two hours without a good fetch end them and
    // what they verified.
    server.reply(Reply::status(500));
    let mut passed = fetched.status().age.unwrap_or_default();
    while passed < Duration::from_secs(2 * 3600) {
        site.clock().set(NOW);
        case.check("while keys are old", site, &call, Expect::Allow);
        let next = fetched.status().next_fetch;
        fetched.next_fetch();
        passed += next;
    }
    site.clock().set(NOW);
    let gone = Expect::Deny(503, "jwks_unavailable");
    case.becomes("when they are too old", site, &call, gone);
    case.equal("keys", fetched.status().keys().len(), 0);
    case.equal("published again", fetched.publish(set(&[&ED])), "unchanged");
    site.clock().set(NOW);
    case.becomes("published again", site, &call, Expect::Allow);
}

fn clock_that_is_set_forward_and_back_recovers(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let site = &fetched.site;
    let call = Call::bearing(ED.sign(&claims()));
    case.becomes("now", site, &call, Expect::Allow);
    for round in 1..=3 {
        site.clock().set(NOW + HOUR);
        case.check("an hour ahead", site, &call, Expect::Deny(401, EXPIRED));
        case.equal(
            "its keys are as old as before",
            fetched.status().state,
            "fresh",
        );
        site.clock().set(NOW);
        case.check("and back", site, &call, Expect::Allow);
        case.equal("fetches so far", fetched.ended(), round);
        site.clock().set(NOW + HOUR);
        case.equal(
            "the next comes in its time",
            fetched.next_fetch(),
            "unchanged",
        );
        site.clock().set(NOW);
        case.check("after it", site, &call, Expect::Allow);
    }
    case.equal("requests", fetched.server.requests(), 4);
}

fn clock_that_is_out_of_all_bounds_denies(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let site = &fetched.site;
    let call = Call::bearing(ED.sign(&claims()));
    let unissued = Call::bearing(ED.sign(&claims_without("iat")));
    case.becomes("now", site, &call, Expect::Allow);
    for now in [
        0,
        -1,
        -HOUR,
        -NOW,
        i64::from(i32::MIN),
        i64::MIN + 1,
        i64::MIN,
    ] {
        site.clock().set(now);
        let what = format!("at {now}");
        // Before 1970, nothing is valid yet; at its start, the token is issued in the future.
        let reason = if now < 0 {
            "token_not_yet_valid"
        } else {
            "claim_invalid"
        };
        case.check(&what, site, &call, Expect::Deny(401, reason));
        if now < 0 {
            case.check(&what, site, &unissued, Expect::Deny(401, reason));
        }
    }
    for now in [
        i64::from(i32::MAX) + 1,
        4_294_967_296,
        253_402_300_800,
        i64::MAX - 1,
        i64::MAX,
    ] {
        site.clock().set(now);
        let what = format!("at {now}");
        case.check(&what, site, &call, Expect::Deny(401, EXPIRED));
        case.check(&what, site, &unissued, Expect::Deny(401, EXPIRED));
    }
    for now in [i64::MIN, i64::MAX] {
        site.clock().set(now);
        case.equal("fetches go on", fetched.next_fetch(), "unchanged");
    }
    site.clock().set(NOW);
    case.check("and back", site, &call, Expect::Allow);
}

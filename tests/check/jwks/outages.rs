//! Area `jwks`: retries of fetches, and the answers to calls before the first keys.

use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus;
use watchword_test_support::key_server::Reply;
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::grpc::protocol::{SERVICE, health, health_when_ready};
use super::super::site::RUNTIME;
use super::super::tokens::ED;
use super::faults::{ONE_FOR_ALL, changes_nothing, stranger};
use super::{Fetched, set, token};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-11", answer_that_is_not_200_is_tried_again_later),
    row!("JWK-14", without_keys_there_is_a_503_until_there_are_some),
    row!("JWK-16", lifetime_that_a_server_gives_is_bounded),
];

const SECOND: Duration = Duration::from_secs(1);

fn answer_that_is_not_200_is_tried_again_later(case: &mut Case) {
    let fetched = Fetched::start_with(set(&[&ED]), ONE_FOR_ALL);
    let attackers = mint::key_set(&[&stranger()]);
    let statuses = [
        201, 203, 206, 226, 300, 304, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504,
    ];
    for status in statuses {
        fetched.server.reply(Reply::status(status).body(&attackers));
        changes_nothing(case, &fetched, &status.to_string(), "status");
    }
    fetched.server.reply(Reply::status(204));
    changes_nothing(case, &fetched, "204", "status");
    let waits: [(&str, u64, u64); 6] = [
        ("60", 60, 60),
        ("0", 0, 30),
        ("1000000000000", 300, 300),
        ("-5", 0, 30),
        ("soon", 0, 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0, 300),
    ];
    for (text, at_least, at_most) in waits {
        fetched.server.reply(Reply::too_many_requests(text));
        changes_nothing(
            case,
            &fetched,
            &format!("429, retry-after {text}"),
            "status",
        );
        let next = fetched.status().next_fetch;
        let bounds =
            SECOND * u32::try_from(at_least).expect("small")..=Duration::from_secs(at_most);
        case.holds(
            &format!("retry-after {text}: again in {next:?}"),
            bounds.contains(&next),
        );
    }
    waits_grow_and_differ(case);
    case.equal("and then", fetched.publish(set(&[&ED])), "unchanged");
}

/// 1 s, doubled up to 30 s; each time a random part of the second half is taken off.
fn waits_grow_and_differ(case: &mut Case) {
    let mut parts = Vec::new();
    for _ in 0..2 {
        let fetched = Fetched::start_at_random(set(&[&ED]));
        fetched.server.reply(Reply::status(503));
        for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
            fetched.next_fetch();
            let next = fetched.status().next_fetch;
            let part = next.as_secs_f64() / f64::from(whole);
            let fits = (0.5..=1.0).contains(&part);
            case.holds(
                &format!("again in {next:?}, within the last half of {whole} s"),
                fits,
            );
            parts.push(part);
        }
    }
    parts.sort_by(f64::total_cmp);
    parts.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    case.holds(&format!("random: {parts:?}"), parts.len() > 8);
}

fn without_keys_there_is_a_503_until_there_are_some(case: &mut Case) {
    let fetched = Fetched::start(Reply::status(500));
    let Fetched { server, site } = &fetched;
    let call = Call::bearing(token(&ED));
    let unavailable = Expect::Deny(503, "jwks_unavailable");
    let bad = [
        Reply::status(404),
        Reply::ok("{}"),
        Reply::html(),
        Reply::hang_up(),
    ];
    for reply in bad {
        let what = reply.to_string();
        case.holds(&format!("{what}: not ready"), !site.is_ready());
        for service in ["", SERVICE] {
            let status = RUNTIME.block_on(health(site, service));
            case.equal(&what, status, Ok(ServingStatus::NotServing));
        }
        case.check(&what, site, &call, unavailable);
        case.denies(site, &what, &Call::get("/orders"), 401, "token_missing");
        case.refuses(site, &what, "no token", "token_malformed");
        fetched.publish(reply);
    }
    RUNTIME.block_on(server.down());
    fetched.next_fetch();
    case.check("nobody there", site, &call, unavailable);
    let _runtime = RUNTIME.enter();
    server.up();
    let outcome = fetched.publish(set(&[&ED]));
    case.equal("keys at last", outcome, "changed");
    case.becomes("keys at last", site, &call, Expect::Allow);
    // Readiness follows the keys a moment later.
    site.wait_until_ready();
    for service in ["", SERVICE] {
        let status = health_when_ready(site, service);
        case.equal("keys at last", status, Ok(ServingStatus::Serving));
    }
}

fn lifetime_that_a_server_gives_is_bounded(case: &mut Case) {
    let fetched = Fetched::start(set(&[&ED]));
    let noon = ("date", "Sun, 06 Nov 1994 12:00:00 GMT");
    let past = ("expires", "Sun, 06 Nov 1994 11:00:00 GMT");
    let later = ("expires", "Sun, 06 Nov 1994 12:05:00 GMT");
    let far = ("expires", "Fri, 31 Dec 9999 23:59:59 GMT");
    let age = |value| ("cache-control", value);
    let (shortest, longest, default) = (60.0, 3600.0, 600.0);
    let table: [(&[(&str, &str)], f64); 18] = [
        (&[age("max-age=0")], shortest),
        (&[age("max-age=-1")], shortest),
        (&[age("max-age=59")], shortest),
        (&[age("max-age=many")], shortest),
        (&[age("no-store")], shortest),
        (&[age("no-cache, max-age=3600")], shortest),
        (&[age("max-age=300"), ("age", "299")], shortest),
        (&[noon, past], shortest),
        (&[past], shortest),
        (&[("expires", "0")], shortest),
        (&[age("max-age=300")], 300.0),
        (&[noon, later], 300.0),
        (&[age("max-age=3601")], longest),
        (&[age("max-age=1000000000000")], longest),
        (&[age("max-age=99999999999999999999999999")], longest),
        (&[noon, far], longest),
        (&[age("public")], default),
        (&[], default),
    ];
    for (headers, seconds) in table {
        let reply = headers
            .iter()
            .fold(set(&[&ED]), |reply, (name, value)| reply.with(name, value));
        fetched.publish(reply);
        let next = fetched.status().next_fetch.as_secs_f64() / seconds;
        let what = format!("{headers:?}: again after {next} of {seconds} s");
        case.holds(&what, (0.8..=0.95).contains(&next));
        case.accepts(&fetched.site, &what, token(&ED));
    }
}

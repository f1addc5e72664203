//! Answers that take their time. A fetch has so much of it as a whole, however busy the server
//! looks.

use std::time::Duration;

use watchword_test_support::key_server::{KeyServer, Reply, Transport};
use watchword_test_support::pki::Identity;

use super::Ward;
use crate::settings::{issuer, keys_of};
use crate::site::Site;

/// Together the default of `timeout`.
const ALMOST_ALL: Duration = Duration::from_millis(4999);
const THE_REST: Duration = Duration::from_millis(1);

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none_and_one_in_time_is() {
    let ward = Ward::start().await;
    let held = ward.good.clone().held();
    let withheld = ward.good.clone().withheld();
    for (fault, reply) in [("no answer", held), ("no body", withheld)] {
        ward.server.reply(reply);
        let at_request = ward.server.requests() + 1;
        ward.site.pass_to_next_fetch();
        ward.server.requests_reach(at_request).await;
        times_out(&ward, fault).await;
        ward.server.abandoned_reach(1).await;

        let good = ward.count("unchanged");
        ward.site.pass_to_next_fetch();
        ward.server.requests_reach(at_request + 1).await;
        ward.site.clock.advance(ALMOST_ALL);
        ward.server.release();
        let ended = ward.site.fetches() + 1;
        ward.site.fetched(ended).await;
        assert_eq!(ward.count("unchanged"), good + 1, "in time");
        ward.server.reply(ward.good.clone());
    }
    ward.recovers().await;
}

#[tokio::test]
async fn an_answer_byte_by_byte_gets_no_more_time_than_any_other() {
    let ward = Ward::start().await;
    ward.server.reply(ward.good.clone().dripped());
    let at_request = ward.server.requests() + 1;
    ward.site.pass_to_next_fetch();
    ward.server.requests_reach(at_request).await;
    for _ in 0..4 {
        ward.server.tick();
        ward.site.clock.advance(Duration::from_secs(1));
        assert_eq!(ward.site.check(&ward.token).await, "allowed");
    }
    ward.server.tick();
    assert_eq!(ward.count("timeout"), 0, "after 4 of 5 s");
    ward.site.clock.advance(Duration::from_secs(1));
    let ended = ward.site.fetches().max(3);
    ward.site.fetched(ended).await;
    let words = ["no whole answer within 5s"];
    ward.failed("a byte a second", "timeout", 1, &words).await;
    ward.server.reply(ward.good.clone());
    ward.recovers().await;
}

#[tokio::test]
async fn a_connection_taken_in_silence_is_given_up() {
    let ward = Ward::start().await;
    ward.server.use_transport(Transport::Silent);
    let connections = ward.server.connections() + 1;
    ward.site.pass_to_next_fetch();
    ward.server.connections_reach(connections).await;
    times_out(&ward, "silence").await;
    ward.server.use_certificate(&Identity::server());
    ward.recovers().await;
}

#[tokio::test]
async fn connecting_has_a_shorter_time_of_its_own() {
    let server = KeyServer::start(Reply::html());
    server.use_transport(Transport::Silent);
    let jwks = keys_of(&server, "connect_timeout: 10ms");
    let site = Site::start(&[issuer("corp", &jwks)]).await;
    // The client's own timer, which the clock of the test does not move.
    site.fetched(1).await;
    assert_eq!(site.source().fetches["request"], 1);
    let (_, error) = site.source().failure.unwrap();
    assert!(error.contains(&server.uri()), "{error}");
    assert!(error.contains("timed out"), "{error}");
}

/// The fetch under way gets no answer before its time is up.
async fn times_out(ward: &Ward, fault: &str) {
    let (before, ended) = (ward.count("timeout"), ward.site.fetches() + 1);
    ward.site.clock.advance(ALMOST_ALL);
    assert_eq!(ward.site.check(&ward.token).await, "allowed");
    assert_eq!(ward.count("timeout"), before, "{fault}");
    ward.site.clock.advance(THE_REST);
    ward.site.fetched(ended).await;
    let words = ["no whole answer within 5s"];
    ward.failed(fault, "timeout", before + 1, &words).await;
}

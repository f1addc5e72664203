//! The age of keys according to their server, within the bounds of the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;

use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::Site;

#[tokio::test]
async fn an_answer_that_nothing_changed_keeps_the_keys_and_makes_them_fresh() {
    let signer = Signer::generate("ES256", "k1");
    let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
    let good = key_set(&[&signer]).with("etag", "\"v1\"");
    let server = KeyServer::start(good.with("last-modified", modified));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let first = server.last_request();
    assert_eq!(first.header("if-none-match"), None);
    let token = token(&signer);
    assert_eq!(site.check(&token).await, "allowed");

    server.reply(Reply::status(304).with("cache-control", "max-age=1800"));
    for _ in 0..3 {
        site.next_fetch().await;
        let request = server.last_request();
        assert_eq!(request.header("if-none-match"), Some("\"v1\""));
        assert_eq!(request.header("if-modified-since"), Some(modified));
        assert_eq!(site.check(&token).await, "allowed");
    }
    let source = site.source();
    assert_eq!((source.state, source.age), ("fresh", Some(Duration::ZERO)));
    assert_eq!(source.fetches["unchanged"], 3);
    assert_is_within(&site, 1800);

    let new = Signer::generate("ES256", "k2");
    server.reply(key_set(&[&new]));
    site.next_fetch().await;
    assert_eq!(site.check(&token).await, "key_not_found");
    assert_eq!(site.check(&crate::settings::token(&new)).await, "allowed");
    site.next_fetch().await;
    let last = server.last_request();
    assert_eq!(last.header("if-none-match"), None, "that one had no tag");
    say("ETag: 3 answers \"not modified\" kept the keys, each for the time that it gave");
}

#[tokio::test]
async fn the_time_that_a_server_gives_is_kept_within_bounds() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    assert_is_within(&site, 600);
    let cases = [
        ("max-age=120", 120),
        ("max-age=5", 60),
        ("no-store", 60),
        ("no-cache", 60),
        ("max-age=0, must-revalidate", 60),
        ("max-age=2678400", 3600),
        ("public, max-age=\"900\"", 900),
        ("public", 600),
        ("max-age=soon", 60),
    ];
    for (directives, seconds) in cases {
        server.reply(key_set(&[&signer]).with("cache-control", directives));
        site.next_fetch().await;
        assert_is_within(&site, seconds);
        let next = site.source().next_fetch.as_secs();
        say(&format!(
            "cache-control: {directives}: fresh for {seconds} s, next fetch in {next} s"
        ));
    }
    assert_eq!(site.check(&token(&signer)).await, "allowed");
}

/// The next fetch comes after 80 % to 95 % of the time for which keys are fresh.
fn assert_is_within(site: &Site, fresh_for: u64) {
    let share = |percent| Duration::from_millis(fresh_for * percent * 10);
    let range: RangeInclusive<Duration> = share(80)..=share(95);
    let next = site.source().next_fetch;
    assert!(range.contains(&next), "{next:?}, not within {range:?}");
}

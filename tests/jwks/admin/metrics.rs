//! `GET /metrics`: what is counted, under which names, and that it moves with what happens.

use std::collections::BTreeMap;
use std::time::Duration;

use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::page::get;
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::Site;

/// Values by name and labels.
type Metrics = BTreeMap<String, f64>;

const AGE: &str = r#"watchword_jwks_age_seconds{issuer="corp"}"#;
const KEYS: &str = r#"watchword_jwks_keys{issuer="corp"}"#;
const SKIPPED: &str = r#"watchword_jwks_keys_skipped{issuer="corp",reason="malformed"}"#;
const SOUGHT: &str = r#"watchword_jwks_unknown_key_fetches_total{issuer="corp"}"#;
const STALE_DECISIONS: &str = "watchword_jwks_stale_decisions_total";

fn fetches(outcome: &str) -> String {
    format!(r#"watchword_jwks_fetches_total{{issuer="corp",outcome="{outcome}"}}"#)
}

fn state(state: &str) -> String {
    format!(r#"watchword_jwks_state{{issuer="corp",state="{state}"}}"#)
}

async fn metrics(site: &Site) -> Metrics {
    let page = get(site, "/metrics").await;
    assert_eq!(page.status, 200);
    let content_type = page.header("content-type").unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
    assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
    let lines = page.body.lines().filter(|line| !line.starts_with('#'));
    let values = lines.map(|line| line.rsplit_once(' ').unwrap());
    values
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn assert_has(metrics: &Metrics, wanted: &[(&str, f64)]) {
    for (name, value) in wanted {
        let found = metrics.get(*name).copied();
        assert_eq!(found, Some(*value), "{name} in {metrics:#?}");
    }
}

#[tokio::test]
async fn without_keys_there_is_no_age_and_the_state_says_so() {
    let server = KeyServer::absent(Reply::html());
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let absent = metrics(&site).await;
    assert_has(
        &absent,
        &[
            (&fetches("request"), 1.0),
            (&state("absent"), 1.0),
            (&state("fresh"), 0.0),
            (KEYS, 0.0),
            (SOUGHT, 0.0),
            (STALE_DECISIONS, 0.0),
        ],
    );
    assert!(!absent.contains_key(AGE), "no keys, no age");
}

#[tokio::test]
async fn metrics_of_keys_follow_what_happens() {
    let signer = Signer::generate("ES256", "k1");
    let mut set = mint::key_set(&[&signer]);
    set["keys"].as_array_mut().unwrap().push("no key".into());
    let server = KeyServer::start(Reply::ok(&set));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    site.clock.advance(Duration::from_secs(30));
    let stranger = Signer::generate("ES256", "k2");
    assert_eq!(site.check(&token(&stranger)).await, "key_not_found");
    site.fetched(2).await;
    site.clock.advance(Duration::from_secs(7));
    let fresh = metrics(&site).await;
    assert_has(
        &fresh,
        &[
            (&fetches("changed"), 1.0),
            (&fetches("unchanged"), 1.0),
            (&state("fresh"), 1.0),
            (SOUGHT, 1.0),
            (KEYS, 1.0),
            (SKIPPED, 1.0),
            (AGE, 7.0),
        ],
    );

    server.down().await;
    site.pass(Duration::from_secs(600)).await;
    for _ in 0..3 {
        assert_eq!(site.check(&token(&signer)).await, "allowed");
    }
    assert_has(
        &metrics(&site).await,
        &[
            (&state("stale"), 1.0),
            (&state("fresh"), 0.0),
            (STALE_DECISIONS, 3.0),
            (AGE, 607.0),
        ],
    );
    say(&format!(
        "metrics: {} values, all follow what happens",
        fresh.len()
    ));
}

#[tokio::test]
async fn no_label_comes_from_a_token_or_a_key_set() {
    let signer = Signer::generate("ES256", "their-own-words");
    let server = KeyServer::start(key_set(&[&signer]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let strange = token(&signer.with_kid("more-of-their-words"));
    assert_eq!(site.check(&strange).await, "key_not_found");
    let names: Vec<String> = metrics(&site).await.into_keys().collect();
    assert!(
        !names.iter().any(|name| name.contains("words")),
        "{names:?}"
    );
    assert!(names.iter().any(|name| name.contains("corp")), "{names:?}");
}

//! Starts while the key server is down, with what an earlier process left in the state directory.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::log::Log;
use crate::say;
use crate::settings::{NOW, folder, issuer, key_set, keys_of, token};
use crate::site::Site;

const HOUR: i64 = 3600;

/// A key server that is down, and a state directory that knows its keys.
struct Outage {
    signer: Signer,
    server: KeyServer,
    state: PathBuf,
}

impl Outage {
    async fn after_an_earlier_run(name: &str, now: i64) -> Self {
        let signer = Signer::generate("ES256", "k1");
        let outage = Self {
            server: KeyServer::start(key_set(&[&signer])),
            signer,
            state: folder(name),
        };
        let site = outage.start(now).await;
        site.fetched(1).await;
        assert!(site.app.stop().await);
        outage.server.down().await;
        outage
    }

    async fn start(&self, now: i64) -> Site {
        let top = format!("state_dir: '{}'", self.state.display());
        let jwks = keys_of(&self.server, "max_stale: 24h");
        Site::start_at(now, &top, &[issuer("corp", &jwks)]).await
    }

    fn token(&self) -> String {
        token(&self.signer)
    }

    /// The one file of the state directory.
    fn file(&self) -> PathBuf {
        let files = fs::read_dir(&self.state).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        files.remove(0)
    }

    /// That a start an hour later has no keys, and a log line with this cause; then that it
    /// recovers.
    async fn is_without_keys(&self, now: i64, cause: &str) {
        let log = Log::start();
        let site = self.start(now).await;
        site.fetched(1).await;
        let answer = site.ask("/", &self.token()).await;
        assert_eq!((&*answer.reason, answer.status), ("jwks_unavailable", 503));
        assert_eq!(site.health().await, ServingStatus::NotServing);
        assert_eq!(site.source().state, "absent");
        let lines = log.lines_with("keys in the state directory");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(cause), "{lines:?}");
        assert!(lines[0].contains(&self.server.uri()), "{lines:?}");

        self.server.up();
        site.pass(Duration::from_secs(30)).await;
        assert_eq!(site.check(&self.token()).await, "allowed");
        assert!(site.app.stop().await);
        self.server.down().await;
    }
}

#[tokio::test]
async fn a_restart_during_an_outage_serves_from_the_state_directory_at_once() {
    let outage = Outage::after_an_earlier_run("restart", NOW).await;
    let site = outage.start(NOW + HOUR).await;
    site.app.ready().await;
    assert_eq!(site.check(&outage.token()).await, "allowed");
    let stranger = Signer::generate("ES256", "k2");
    assert_eq!(site.check(&token(&stranger)).await, "key_not_found");
    assert_eq!(site.health().await, ServingStatus::Serving);
    let source = site.source();
    let hour = Duration::from_secs(3600);
    assert_eq!((source.state, source.age), ("stale", Some(hour)));

    // Their age goes on from where it was.
    site.pass(22 * hour + Duration::from_secs(3599)).await;
    assert_eq!(site.check(&outage.token()).await, "allowed");
    site.pass(Duration::from_secs(1)).await;
    assert_eq!(site.check(&outage.token()).await, "jwks_unavailable");
    let failed = site.source().fetches["request"];
    outage.server.up();
    site.pass(Duration::from_secs(30)).await;
    assert_eq!(site.check(&outage.token()).await, "allowed");
    say(&format!(
        "restart in an outage: served at once from a set 1 h old, until it was 24 h old; \
         {failed} failed fetches"
    ));
}

#[tokio::test]
async fn a_saved_set_that_is_older_than_max_stale_is_refused() {
    let outage = Outage::after_an_earlier_run("too-old", NOW).await;
    outage.is_without_keys(NOW + 24 * HOUR, "are too old").await;
    let site = outage.start(NOW + 47 * HOUR).await;
    assert_eq!(
        site.check(&outage.token()).await,
        "allowed",
        "the good fetch made it new"
    );
}

#[tokio::test]
async fn a_saved_set_that_is_damaged_is_refused() {
    let outage = Outage::after_an_earlier_run("damaged", NOW).await;
    let file = outage.file();
    let good = fs::read(&file).unwrap();
    let damages: [(&str, Vec<u8>, &str); 4] = [
        ("cut", good[..good.len() / 2].to_vec(), "not whole"),
        ("empty", Vec::new(), "not whole"),
        (
            "another digit",
            with_another_time(&good),
            "its digest differs",
        ),
        ("not text", vec![0; 100], "not whole"),
    ];
    for (name, damaged, cause) in &damages {
        fs::write(&file, damaged).unwrap();
        outage.is_without_keys(NOW + HOUR, cause).await;
        say(&format!("state file, {name}: refused, {cause:?}"));
    }
}

#[tokio::test]
async fn a_saved_set_from_the_future_is_refused() {
    let outage = Outage::after_an_earlier_run("future", NOW + 2 * HOUR).await;
    outage
        .is_without_keys(NOW + HOUR, "ahead of the clock")
        .await;
}

#[tokio::test]
async fn a_state_directory_that_is_gone_costs_no_answer() {
    let outage = Outage::after_an_earlier_run("gone", NOW).await;
    fs::remove_dir_all(&outage.state).unwrap();
    outage.server.up();
    let site = outage.start(NOW + HOUR).await;
    site.fetched(1).await;
    assert_eq!(site.check(&outage.token()).await, "allowed");
    assert!(site.app.stop().await);
    assert!(!outage.state.exists());
}

/// The file with one digit of its time changed, as somebody would who wants old keys to be young.
fn with_another_time(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    let time = format!("\"confirmed\":{NOW}");
    assert!(text.contains(&time));
    let later = format!("\"confirmed\":{}", NOW + 1);
    text.replace(&time, &later).into_bytes()
}

//! Area `jwks`: key servers that misbehave, are down, or get too many requests, and the answers to
//! calls meanwhile.
//!
//! Clocks are manual. The tests wait for a fetch by the status of its source.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::json;
use watchword::clock::Clock;
use watchword::jwks::SourceStatus;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki;

use super::settings::{Issuer, Settings};
use super::site::{NOW, RUNTIME, Site};
use super::tokens;

pub(crate) mod away;
pub(crate) mod documents;
pub(crate) mod faults;
pub(crate) mod floods;
pub(crate) mod keys;
pub(crate) mod network;
pub(crate) mod outages;
pub(crate) mod rotation;
pub(crate) mod waiting;

/// Longer than anything takes that is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);
const MIB: u64 = 1024 * 1024;

/// A Watchword whose issuer `corp` has its keys from a key server. Its first fetch has ended.
pub(crate) struct Fetched {
    pub(crate) server: KeyServer,
    pub(crate) site: Site,
}

impl Fetched {
    pub(crate) fn start(reply: Reply) -> Self {
        Self::start_with(reply, "")
    }

    /// With further settings of `jwks`.
    pub(crate) fn start_with(reply: Reply, more: &str) -> Self {
        let server = served(reply);
        let settings = Settings::of(corp_from(&server.uri(), more));
        let site = Site::start_at(&settings, Clock::manual(NOW));
        Self { server, site }.with_first_fetch()
    }

    /// Its waiting times are as random as those of a real server.
    pub(crate) fn start_at_random(reply: Reply) -> Self {
        let server = served(reply);
        let settings = Settings::of(corp_from(&server.uri(), ""));
        let site = Site::start_in(&settings, Clock::manual(NOW).into());
        Self { server, site }.with_first_fetch()
    }

    fn with_first_fetch(self) -> Self {
        self.ended_reach(1);
        self
    }

    pub(crate) fn status(&self) -> SourceStatus {
        self.site.status(0)
    }

    /// Fetches that have ended.
    pub(crate) fn ended(&self) -> u64 {
        ended(&self.status())
    }

    pub(crate) fn ended_reach(&self, wanted: u64) {
        let what = format!("fetch {wanted} has ended");
        until(&what, || self.ended() >= wanted);
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.site.clock().advance(span);
    }

    /// Lets time pass until the next fetch, waits for its end, and returns its outcome.
    pub(crate) fn next_fetch(&self) -> &'static str {
        next_fetch(&self.site, 0)
    }

    /// Replaces the reply, and waits for a fetch that gets it.
    pub(crate) fn publish(&self, reply: Reply) -> &'static str {
        self.server.reply(reply);
        self.next_fetch()
    }
}

/// A key server on loopback, over TLS.
pub(crate) fn served(reply: Reply) -> KeyServer {
    let _runtime = RUNTIME.enter();
    KeyServer::start(reply)
}

/// The issuer `corp` with keys from a URI.
pub(crate) fn corp_from(uri: &str, more: &str) -> Issuer {
    let ca = pki::ca_file().display();
    // Connecting is timed by the real clock, and this machine may have other things to do.
    let keys = format!("jwks: {{uri: '{uri}', ca: '{ca}', connect_timeout: 5s, {more}}}");
    let issuer = Issuer::corp(&[]).keys(&keys);
    issuer.algorithms("RS256, PS256, ES256, EdDSA")
}

/// The set of these keys.
pub(crate) fn set(signers: &[&Signer]) -> Reply {
    Reply::ok(mint::key_set(signers))
}

/// A token that is good for years, so that fetches can be waited for.
pub(crate) fn token(signer: &Signer) -> String {
    signer.sign(&tokens::claims_with("exp", json!(NOW + 1_000_000_000)))
}

/// A token under a `kid` of its own. Its signature is wrong, which only shows with a key.
pub(crate) fn unknown(kid: &str) -> String {
    static REST: LazyLock<String> = LazyLock::new(|| {
        let claims = tokens::claims_with("exp", json!(NOW + 1_000_000_000));
        tokens::compact("", claims.to_string().as_bytes(), &[7; 64])
    });
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#);
    mint::b64(header.as_bytes()) + &REST
}

/// Fetches that have ended, in success or failure.
pub(crate) fn ended(status: &SourceStatus) -> u64 {
    status.fetches.values().sum()
}

fn next_fetch(site: &Site, source: usize) -> &'static str {
    let before = site.status(source);
    site.clock().advance(before.next_fetch);
    until("the next fetch has ended", || {
        ended(&site.status(source)) > ended(&before)
    });
    let count = |status: &SourceStatus, outcome: &str| status.fetches.get(outcome).copied();
    let after = site.status(source);
    let mut outcomes = after.fetches.keys();
    let grown = outcomes.find(|outcome| count(&after, outcome) > count(&before, outcome));
    grown.copied().expect("an outcome")
}

/// Waits for what other threads do.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "never true: {what}");
        std::thread::yield_now();
    }
}

/// Bytes of memory that this process has in use, other areas' included.
pub(crate) fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.map_or(0, |pages: u64| pages * 4096)
}

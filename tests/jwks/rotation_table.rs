//! The cost of a rotation, by its place among other fetches: a provider that publishes a key and
//! signs with it at once.
//!
//! The key server, TLS and gRPC are real. The clock is manual, so that a cool-down of 30 s takes no
//! time: it moves by a tenth of a second between two tokens, and by the provider's latency while an
//! answer is held. The table is printed.

use std::time::Duration;

use tokio::task::JoinHandle;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;

use crate::call::{self, Answer};
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::{Site, eventually};

const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);
/// The default cool-down.
const COOLDOWN: Duration = Duration::from_secs(30);

/// A site, its key server, and the signers whose keys it has published so far.
struct Table {
    site: Site,
    server: KeyServer,
    signers: Vec<Signer>,
    denied: usize,
    good: usize,
    gap: Duration,
    longest: Duration,
    before: usize,
}

impl Table {
    /// Just after a scheduled fetch.
    async fn start() -> Self {
        let signers = vec![Signer::generate("ES256", "k0")];
        let server = KeyServer::start(set(&signers));
        let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
        site.fetched(1).await;
        site.next_fetch().await;
        Self {
            site,
            before: server.requests(),
            server,
            signers,
            denied: 0,
            good: 0,
            gap: Duration::ZERO,
            longest: Duration::ZERO,
        }
    }

    /// The provider publishes one key more, and signs with it from now on.
    fn rotate(&mut self) -> String {
        let new = Signer::generate("ES256", &format!("k{}", self.signers.len()));
        let token = token(&new);
        self.signers.push(new);
        self.server.reply(set(&self.signers));
        token
    }

    /// A call that goes on while the test lets time pass.
    fn begin(&self, token: &str) -> JoinHandle<Answer> {
        let (client, token) = (self.site.client(), token.to_owned());
        tokio::spawn(async move { call::ask(client, "/", &token).await })
    }

    fn note(&mut self, reason: &str) {
        self.good += 1;
        if reason == "allowed" {
            self.gap = Duration::ZERO;
        } else {
            assert_eq!(reason, "key_not_found");
            self.denied += 1;
            self.gap += STEP;
            self.longest = self.longest.max(self.gap);
        }
    }

    /// A good token every step.
    async fn load(&mut self, token: &str, span: Duration) {
        for _ in 0..span.as_millis() / STEP.as_millis() {
            let call = self.begin(token);
            // A call may wait for the end of the cool-down, and the clock only moves here.
            eventually("an answer", || {
                let next = self.site.source().next_fetch;
                if !next.is_zero() && next < 2 * STEP && self.site.app.in_flight() > 0 {
                    self.site.clock.advance(next);
                }
                call.is_finished()
            })
            .await;
            let reason = call.await.unwrap().reason;
            self.note(&reason);
            self.site.pass(STEP).await;
        }
    }

    /// Prints a row. Returns how many good tokens were denied, and the longest time for which they
    /// were.
    fn row(self, what: &str) -> (usize, Duration) {
        let fetches = self.server.requests() - self.before;
        say(&format!(
            "rotation | {what:<58} | {} of {} good tokens denied | \
             longest gap {:>5?} | {fetches} fetches",
            self.denied, self.good, self.longest
        ));
        (self.denied, self.longest)
    }
}

fn set(signers: &[Signer]) -> Reply {
    key_set(&signers.iter().collect::<Vec<_>>())
}

const NOTHING: (usize, Duration) = (0, Duration::ZERO);

#[tokio::test]
async fn rotation_shortly_after_a_scheduled_fetch_denies_nothing() {
    for seconds in [1, 3, 10, 29] {
        let mut table = Table::start().await;
        table.site.pass(SECOND * seconds).await;
        let token = table.rotate();
        table.load(&token, COOLDOWN).await;
        let what = format!("scheduled fetch {seconds} s before, the provider signs at once");
        assert_eq!(table.row(&what), NOTHING);
    }
}

#[tokio::test]
async fn rotation_at_a_slow_provider_denies_nothing_within_the_wait() {
    let slow = [
        (120, None, "slow by 120 ms, calls without a deadline"),
        (2000, Some(60), "slow by 2 s, calls with a deadline of 60 s"),
    ];
    for (latency, deadline, what) in slow {
        let mut table = Table::start().await;
        table.site.pass(SECOND).await;
        let token = table.rotate();
        table.server.reply(set(&table.signers).held());
        let (client, held) = (table.site.client(), token.clone());
        let waiting = tokio::spawn(async move {
            match deadline {
                None => call::ask(client, "/", &held).await,
                Some(seconds) => {
                    let answer = call::ask_within(client, SECOND * seconds, &held).await;
                    answer.unwrap()
                }
            }
        });
        table.server.requests_more(1).await;
        table.site.clock.advance(Duration::from_millis(latency));
        assert!(!waiting.is_finished());
        table.server.release();
        let reason = waiting.await.unwrap().reason;
        table.note(&reason);
        table.server.reply(set(&table.signers));
        table.load(&token, COOLDOWN).await;
        assert_eq!(table.row(what), NOTHING);
    }
}

#[tokio::test]
async fn two_rotations_within_a_cool_down_deny_nothing() {
    let mut table = Table::start().await;
    for seconds in [5, 30] {
        let token = table.rotate();
        table.load(&token, SECOND * seconds).await;
    }
    assert_eq!(table.row("two rotations, 5 s apart"), NOTHING);
}

#[tokio::test]
async fn rotation_during_a_scheduled_fetch_denies_nothing() {
    let mut table = Table::start().await;
    table.server.reply(set(&table.signers).held());
    table.site.pass_to_next_fetch();
    table.server.requests_more(1).await;
    let token = table.rotate();
    let waiting = table.begin(&token);
    eventually("a call that waits", || table.site.app.in_flight() == 1).await;
    // The answer that was read before the rotation.
    table.server.release();
    let reason = waiting.await.unwrap().reason;
    table.note(&reason);
    table.load(&token, COOLDOWN).await;
    let what = "during a scheduled fetch, which read the old keys";
    assert_eq!(table.row(what), NOTHING);
}

#[tokio::test]
async fn rotation_after_a_flood_of_unknown_keys_denies_until_the_cool_down_ends() {
    let mut table = Table::start().await;
    for number in 0..500 {
        let stranger = Signer::generate("EdDSA", &format!("s{number}"));
        let reason = table.site.check(&token(&stranger)).await;
        assert_ne!(reason, "allowed");
    }
    assert_eq!(table.server.requests() - table.before, 1, "one for all");
    table.site.pass(SECOND * 5).await;
    let token = table.rotate();
    table.load(&token, COOLDOWN + SECOND).await;
    let (denied, longest) = table.row("500 unknown kids 5 s before: no promise");
    assert!(
        denied > 0 && longest + SECOND * 5 <= COOLDOWN,
        "{longest:?}"
    );
}

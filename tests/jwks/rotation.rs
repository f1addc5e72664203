//! Keys that come and go while requests keep coming.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::call::{self, Client};
use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::{Site, eventually};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: u32 = 30;
const ROTATIONS: usize = 8;
const HAMMERS: usize = 4;

/// The answer that each token must have at the moment, and how often it had it.
#[derive(Clone, Default)]
struct Load(Arc<Mutex<BTreeMap<String, Expected>>>);

#[derive(Clone, Copy)]
struct Expected {
    /// Empty where any answer is right.
    reason: &'static str,
    /// The number of its changes. An answer to a question from before says nothing.
    version: usize,
    answers: usize,
}

impl Load {
    /// Starts tasks that ask on and on. Each wrong answer ends its task with a panic.
    fn start(site: &Site) -> (Self, JoinSet<()>) {
        let load = Self::default();
        let mut hammers = JoinSet::new();
        for _ in 0..HAMMERS {
            hammers.spawn(load.clone().hammer(site.client()));
        }
        (load, hammers)
    }

    async fn hammer(self, client: Client) {
        loop {
            let asked = self.0.lock().unwrap().clone();
            for (token, before) in asked {
                let reason = call::ask(client.clone(), "/", &token).await.reason;
                let mut tokens = self.0.lock().unwrap();
                let now = tokens.get_mut(&token).unwrap();
                if now.version == before.version && !now.reason.is_empty() {
                    assert_eq!(reason, now.reason);
                    now.answers += 1;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// From now on, this is the only right answer to a token. Returns after some answers.
    async fn expect(&self, token: &str, reason: &'static str, hammers: &mut JoinSet<()>) {
        {
            let mut tokens = self.0.lock().unwrap();
            let known = tokens.get(token).copied();
            let expected = Expected {
                reason,
                version: known.map_or(0, |known| known.version + 1),
                answers: known.map_or(0, |known| known.answers),
            };
            tokens.insert(token.to_owned(), expected);
        }
        self.go_on(hammers).await;
    }

    /// For a moment, any answer to a token is right.
    fn suspend(&self, token: &str) {
        let mut tokens = self.0.lock().unwrap();
        tokens.get_mut(token).unwrap().reason = "";
    }

    /// Returns when every token was asked about a few times more.
    async fn go_on(&self, hammers: &mut JoinSet<()>) {
        let answers = || {
            let tokens = self.0.lock().unwrap();
            let answers = tokens.values().map(|expected| expected.answers);
            answers.collect::<Vec<_>>()
        };
        let before = answers();
        eventually("answers", || {
            // A hammer never ends but with a wrong answer.
            if let Some(ended) = hammers.try_join_next() {
                ended.unwrap();
            }
            let mut more = answers().into_iter().zip(&before);
            more.all(|(now, before)| now >= before + HAMMERS)
        })
        .await;
    }

    fn answers(&self) -> usize {
        let tokens = self.0.lock().unwrap();
        tokens.values().map(|expected| expected.answers).sum()
    }
}

#[tokio::test]
async fn rotation_under_load_denies_no_token_of_a_published_key_and_allows_none_of_a_removed_one() {
    let mut old = Signer::generate("ES256", "k0");
    let mut old_token = token(&old);
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "cooldown: 30s"))]).await;
    site.fetched(1).await;
    let (load, mut hammers) = Load::start(&site);
    load.expect(&old_token, "allowed", &mut hammers).await;
    let mut waits = Vec::new();
    for number in 1..=ROTATIONS {
        let new = Signer::generate("ES256", &format!("k{number}"));
        let new_token = token(&new);
        server.reply(key_set(&[&old, &new]));
        if number % 2 == 0 {
            // As it should be: nobody uses the key before the next refresh.
            site.next_fetch().await;
        } else {
            // Or at once, right after another fetch.
            waits.push(until_accepted(&site, &new_token).await);
        }
        load.expect(&new_token, "allowed", &mut hammers).await;

        server.reply(key_set(&[&new]));
        load.go_on(&mut hammers).await;
        load.suspend(&old_token);
        site.next_fetch().await;
        load.expect(&old_token, "key_not_found", &mut hammers).await;
        (old, old_token) = (new, new_token);
    }
    let longest = waits.iter().max().unwrap();
    assert!(*longest <= COOLDOWN, "{waits:?}");
    say(&format!(
        "{ROTATIONS} rotations under load: {} right answers, 0 wrong; \
         from publication to first accept {waits:?} s",
        load.answers()
    ));
}

#[tokio::test]
async fn a_key_that_is_used_at_once_is_accepted_at_once_unless_a_token_fetched_in_vain_before() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, "cooldown: 30s"))]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&new)).await, "key_not_found", "not yet");
    site.fetched(2).await;
    server.reply(key_set(&[&old, &new]));
    assert_eq!(
        site.check(&token(&new)).await,
        "key_not_found",
        "a token fetched in vain"
    );
    site.pass(COOLDOWN * SECOND).await;
    assert_eq!(site.check(&token(&new)).await, "allowed");
    assert_eq!((site.fetches(), site.source().unknown_key_fetches), (3, 2));
}

/// Some issuers give a new key an old name.
#[tokio::test]
async fn a_new_key_under_an_old_name_is_found_by_its_signature() {
    let (old, new) = (
        Signer::generate("ES256", "same"),
        Signer::generate("ES256", "same"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&old)).await, "allowed");
    server.reply(key_set(&[&new]));
    site.pass(COOLDOWN * SECOND).await;
    assert_eq!(site.check(&token(&new)).await, "allowed");
    assert_eq!(site.check(&token(&old)).await, "signature_invalid");
}

/// The seconds until a token is accepted.
async fn until_accepted(site: &Site, token: &str) -> u32 {
    for seconds in 0..=COOLDOWN {
        let reason = site.check(token).await;
        if reason == "allowed" {
            return seconds;
        }
        assert_eq!(reason, "key_not_found");
        site.pass(SECOND).await;
    }
    panic!("not accepted within a cool-down: {:?}", site.source());
}

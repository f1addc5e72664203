//! More tokens to decrypt than there are turns. The turns are held by the test, so that nothing
//! depends on the time that decrypting takes.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use http::HeaderMap;
use prost::Message as _;
use prost_types::value::Kind;
use tokio::task::{JoinHandle, yield_now};
use watchword_test_support::jwe::{ContentCipher, Recipient};
use watchword_test_support::mint::{self, Signer};

use crate::app::Engine;
use crate::config::Config;
use crate::grpc::State;
use crate::grpc::call::{Call, TraceSource};
use crate::grpc::deadline::Deadline;
use crate::grpc::ext_authz::Check;
use crate::grpc::judge::Judge;
use crate::listen::Connection;
use crate::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use crate::wire::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};

use super::*;

const NOW: i64 = 1_800_000_000;

/// A server whose clock stands still, with a private and a shared key to decrypt.
struct Site {
    engine: Engine,
    clock: Clock,
    signer: Signer,
    private: Recipient,
    shared: Recipient,
}

impl Site {
    fn start(name: &str) -> Self {
        let (private, shared) = (Recipient::rsa("rsa", 0), Recipient::direct("shared"));
        let signer = Signer::generate("ES256", "key");
        let clock = Clock::manual(NOW);
        let config = config(name, &signer, &[&private, &shared]);
        let engine = Engine::start(&config, clock.clone().into()).unwrap();
        Self {
            engine,
            clock,
            signer,
            private,
            shared,
        }
    }

    fn signed(&self) -> String {
        self.signer.sign(&mint::claims(NOW))
    }

    fn encrypted(&self, recipient: &Recipient) -> String {
        let envelope = recipient.envelope(ContentCipher::A256Gcm);
        envelope.seal(self.signed())
    }

    fn decrypter(&self) -> &Decrypter {
        &self.engine.state.decrypter
    }

    /// Keeps all turns until it is dropped.
    fn hold_turns(&self) -> impl Drop + use<> {
        let turns = self.decrypter().turns.clone();
        let all = u32::try_from(turns.available_permits()).unwrap();
        turns.try_acquire_many_owned(all).unwrap()
    }

    /// Asks about a token, from a task of its own. The answer is its reason.
    fn ask(&self, token: String, timeout: Option<&'static str>) -> JoinHandle<String> {
        let state = self.engine.state.clone();
        tokio::spawn(async move { answer(&state, &token, timeout).await })
    }

    /// Lets the tasks run until so many calls wait for their turn.
    async fn until_waiting(&self, calls: usize) {
        while self.decrypter().waiting.get() != calls {
            yield_now().await;
        }
    }
}

fn config(name: &str, signer: &Signer, recipients: &[&Recipient]) -> Config {
    let file = format!("watchword-{}-{name}.jwk", std::process::id());
    let file: PathBuf = std::env::temp_dir().join(file);
    let keys: Vec<_> = recipients.iter().map(|key| key.jwk()).collect();
    fs::write(&file, serde_json::json!({ "keys": keys }).to_string()).unwrap();
    let text = format!(
        "issuers: {{corp: {{issuer: 'https://idp.example.com', audiences: [orders-api], \
         jwks: {{inline: {}}}, decryption: {{keys: ['{}']}}}}}}",
        mint::key_set(&[signer]),
        file.display()
    );
    let config = Config::parse(&text, &file);
    fs::remove_file(&file).unwrap();
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

async fn answer(state: &State, token: &str, timeout: Option<&'static str>) -> String {
    let mut metadata = HeaderMap::new();
    if let Some(timeout) = timeout {
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
    }
    let call = Call {
        deadline: Deadline::of(&metadata),
        trace: TraceSource::Unwanted,
    };
    let permit = Connection::in_process(&state.in_flight_limit).permit();
    let judge = Judge::<Check>::new(state, &call);
    let answer = judge.decide(question(token), permit.as_ref()).await;
    let answer = CheckResponse::decode(answer.message()).unwrap();
    let metadata = prost_types::Struct::decode(answer.dynamic_metadata).unwrap();
    let Some(Kind::StringValue(reason)) = &metadata.fields["reason"].kind else {
        panic!("no reason");
    };
    let is_allow = answer.status.unwrap().code == 0;
    assert_eq!(is_allow, reason == "allowed");
    reason.clone()
}

fn question(token: &str) -> Bytes {
    let headers = vec![HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    }];
    let http = HttpRequest {
        path: "/orders".into(),
        headers,
        ..HttpRequest::default()
    };
    let question = CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(attribute_context::Request { http: Some(http) }),
            context_extensions: Vec::new(),
        }),
    };
    question.encode_to_vec().into()
}

/// JWE-35 of the catalogue of bad inputs.
#[tokio::test]
async fn excess_is_an_overload_and_other_tokens_are_answered() {
    let site = Site::start("excess");
    let turns = site.hold_turns();
    let ask = |recipient: &Recipient| site.ask(site.encrypted(recipient), None);
    let mut waiting = Vec::new();
    for calls in 1..=MAX_WAITING {
        waiting.push(ask(&site.private));
        site.until_waiting(calls).await;
    }
    for _ in 0..3 {
        assert_eq!(ask(&site.private).await.unwrap(), "overloaded");
        assert_eq!(site.ask(site.signed(), None).await.unwrap(), "allowed");
        // It takes no turn: a shared key is fast.
        assert_eq!(ask(&site.shared).await.unwrap(), "allowed");
        // No work is done for a token that no key decrypts.
        let stranger = ask(&site.private.with_kid("unknown"));
        assert_eq!(stranger.await.unwrap(), "key_not_found");
    }
    assert_eq!(
        site.decrypter().waiting.get(),
        MAX_WAITING,
        "none was removed"
    );
    drop(turns);
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), "allowed");
    }
    assert_eq!(site.decrypter().waiting.get(), 0);
    assert_eq!(ask(&site.private).await.unwrap(), "allowed");
}

#[tokio::test]
async fn call_waits_for_its_turn_until_its_deadline() {
    let site = Site::start("deadline");
    let turns = site.hold_turns();
    for (timeout, longest) in [
        (None, MAX_WAIT_WITHOUT_DEADLINE),
        (Some("5S"), Duration::from_secs(5)),
    ] {
        let answer = site.ask(site.encrypted(&site.private), timeout);
        site.until_waiting(1).await;
        site.clock.advance(longest / 2);
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!answer.is_finished(), "half of {longest:?}");
        site.clock.advance(longest / 2);
        assert_eq!(answer.await.unwrap(), "overloaded");
        assert_eq!(site.decrypter().waiting.get(), 0);
    }
    drop(turns);
    let answer = site.ask(site.encrypted(&site.private), None);
    assert_eq!(answer.await.unwrap(), "allowed");
}

#[tokio::test]
async fn caller_that_leaves_makes_room_for_another() {
    let site = Site::start("room");
    let turns = site.hold_turns();
    let ask = || site.ask(site.encrypted(&site.private), None);
    let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| ask()).collect();
    site.until_waiting(MAX_WAITING).await;
    assert_eq!(ask().await.unwrap(), "overloaded");
    let left = waiting.pop().unwrap();
    left.abort();
    assert!(left.await.is_err(), "it is gone");
    waiting.push(ask());
    site.until_waiting(MAX_WAITING).await;
    drop(turns);
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), "allowed");
    }
}

/// The keys of the moment count when the turn comes, not those of the beginning.
#[tokio::test]
async fn token_that_waits_is_decrypted_with_the_keys_of_a_reload() {
    let mut site = Site::start("reload");
    let other = Recipient::rsa("other", 1);
    let turns = site.hold_turns();
    let to_removed = site.ask(site.encrypted(&site.private), None);
    site.until_waiting(1).await;
    let next = config("reload", &site.signer, &[&other]);
    site.engine.reload(&next).await.unwrap();
    drop(turns);
    assert_eq!(to_removed.await.unwrap(), "key_not_found");
    let to_new = site.ask(site.encrypted(&other), None);
    assert_eq!(to_new.await.unwrap(), "allowed");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_have_a_lower_priority_than_those_that_judge() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let threads = DecryptionThreads::new(1).unwrap();
    let decrypting = threads.pool.spawn_blocking(priority).await.unwrap();
    let lowest = 19;
    assert_eq!(decrypting, (priority() + NICE_INCREMENT).min(lowest));
}

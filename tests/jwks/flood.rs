//! Tokens whose keys strangers invent: what they cost the issuers, and what memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::task::JoinSet;
use watchword::app::Engine;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::grpc::InProcessClient;
use watchword_test_support::in_process::check;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use crate::say;
use crate::settings::{NOW, claims, configuration, issuer, key_set, keys_of, token_of};
use crate::site::eventually;

const TOKENS: usize = 100_000;
/// Those of them that wait for the fetch together.
const WAITING: usize = 5_000;
/// Most memory, in KiB, that the process may gain after these.
const MAX_GROWTH: u64 = 64 * 1024;
/// Set for the process that has the flood, and its memory, for itself.
const ALONE: &str = "WATCHWORD_FLOOD_ALONE";
/// The first two share a source.
const ISSUERS: [&str; 3] = ["corp", "shop", "partner"];

#[test]
fn a_flood_of_unknown_keys_causes_one_fetch_a_source_and_fills_no_memory() {
    if std::env::var_os(ALONE).is_none() {
        let name = "flood::a_flood_of_unknown_keys_causes_one_fetch_a_source_and_fills_no_memory";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args([name, "--exact"]).env(ALONE, "1");
        let output = alone.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("jwks: "));
        say(lines.next().expect("figures"));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(flood());
}

async fn flood() {
    let signer = Signer::generate("EdDSA", "k1");
    let servers = [(); 2].map(|()| KeyServer::start(key_set(&[&signer])));
    let engine = start(&servers);
    let service = InProcessClient::new(engine.state.clone());
    let fetches = || servers.iter().map(KeyServer::requests).sum::<usize>();
    eventually("keys", || *engine.ready().borrow()).await;
    assert_eq!(fetches(), 2, "the first fetch of each");

    let good = key_set(&[&signer]);
    let replies = |reply: Reply| {
        for server in &servers {
            server.reply(reply.clone());
        }
    };
    replies(good.clone().held());
    engine.state.clock.advance(Duration::from_secs(30));
    let mut stranger = Stranger::new(&signer);
    let mut reasons = first_wave(&engine, &servers, &mut stranger).await;
    let before = resident();
    for _ in WAITING..TOKENS {
        let reason = check(service.clone(), &stranger.token()).await;
        *reasons.entry(reason).or_default() += 1;
    }
    assert_eq!(
        (fetches(), unknown_key_fetches(&engine)),
        (4, 2),
        "one more of each"
    );
    assert!(!reasons.contains_key("allowed"), "{reasons:?}");
    for issuer in ISSUERS {
        let good = token_of(issuer, &signer);
        assert_eq!(check(service.clone(), &good).await, "allowed");
    }
    let growth = growth(before, resident());
    say(&format!(
        "{TOKENS} tokens with unknown keys in one cool-down: {} fetches of 2 sources, \
         {growth}, {reasons:?}",
        unknown_key_fetches(&engine)
    ));
    replies(good);
    // Asked for meanwhile, so there is one fetch more of each when the cool-down ends.
    engine.state.clock.advance(Duration::from_secs(30));
    eventually("one more of each", || unknown_key_fetches(&engine) == 4).await;
}

/// Those who come first, and wait together for the fetches that are held; the reasons of their
/// answers.
async fn first_wave(
    engine: &Engine,
    servers: &[KeyServer],
    stranger: &mut Stranger,
) -> BTreeMap<String, usize> {
    let mut waiting = JoinSet::new();
    for _ in 0..WAITING {
        let (service, token) = (InProcessClient::new(engine.state.clone()), stranger.token());
        waiting.spawn(async move { check(service, &token).await });
    }
    eventually("a crowd", || engine.state.in_flight() == WAITING).await;
    for server in servers {
        server.requests_reach(2).await;
        server.release();
    }
    let mut reasons = BTreeMap::new();
    for reason in waiting.join_all().await {
        *reasons.entry(reason).or_default() += 1;
    }
    reasons
}

/// The number of fetches that unknown keys caused.
fn unknown_key_fetches(engine: &Engine) -> u64 {
    let sources = engine.state.generation().sources().status().into_iter();
    sources.map(|source| source.unknown_key_fetches).sum()
}

fn start([shared, own]: &[KeyServer; 2]) -> Engine {
    let issuers = [
        issuer("corp", &keys_of(shared, "cooldown: 30s")),
        issuer("shop", &keys_of(shared, "cooldown: 30s")),
        issuer("partner", &keys_of(own, "cooldown: 30s")),
    ];
    let text = configuration("", &issuers);
    let config = Config::parse(&text, Path::new("jwks.yaml"));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    Engine::start(&config, Clock::manual(NOW).into()).unwrap()
}

/// Somebody who has no key, and one signature.
struct Stranger {
    random: fastrand::Rng,
    payloads: Vec<String>,
    signature: String,
}

impl Stranger {
    fn new(signer: &Signer) -> Self {
        let payload = |name| claims(&format!("https://{name}.example")).to_string();
        let payloads = ISSUERS.map(|name| mint::b64(payload(name).as_bytes()));
        Self {
            random: fastrand::Rng::with_seed(7),
            payloads: payloads.into(),
            signature: mint::b64(&signer.signature(b"something else")),
        }
    }

    /// With a key that nobody has, without any, or with a known one and a bad signature.
    fn token(&mut self) -> String {
        let header = match self.random.u8(..10) {
            0 => r#"{"alg":"EdDSA"}"#.to_owned(),
            1 => r#"{"alg":"EdDSA","kid":"k1"}"#.to_owned(),
            _ => format!(r#"{{"alg":"EdDSA","kid":"{:032x}"}}"#, self.random.u128(..)),
        };
        let payload = self.random.choice(&self.payloads).unwrap();
        format!(
            "{}.{payload}.{}",
            mint::b64(header.as_bytes()),
            self.signature
        )
    }
}

/// The memory of the process, in KiB; `None` where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn growth(before: Option<u64>, after: Option<u64>) -> String {
    let (Some(before), Some(after)) = (before, after) else {
        return "memory not measured: no /proc here".to_owned();
    };
    let growth = after.saturating_sub(before);
    assert!(growth < MAX_GROWTH, "{growth} KiB more");
    format!("{growth} KiB more memory than after the first {WAITING}, of {after} KiB")
}

//! One schedule: a configuration, events and requests, all chosen by a seed.

mod rotations;
mod tally;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use watchword::app::{Engine, ServerEnvironment};
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::grpc::InProcessClient;
use watchword_test_support::in_process::check;

use crate::model::{self, Answered, Times};
use crate::network::{Mode, Network};
use crate::rotations as rotations_model;
use crate::tokens::{ISSUERS, KEYS, Made, NOW, Token};

pub(crate) use tally::Tally;

/// The source of each issuer, by the last part of its URL.
const SOURCES: [&str; 3] = ["shared", "shared", "own"];
const STEPS: usize = 40;
/// The value for a `wait` that the configuration does not set.
const UNSET: u64 = u64::MAX;
/// An issuer that comes before all others, with a key of its own.
const NEIGHBOUR: &str = "  0-first: {issuer: 'https://first.example', audiences: [a], \
    jwks: {inline: {keys: [\
    {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}}}\n";

/// Runs one schedule; panics if a property does not hold.
pub(crate) fn run(seed: u64, trace: bool) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed, trace);
        for _ in 0..STEPS {
            world.step().await;
        }
        world.settle().await;
        world.recover().await;
        world.judge()
    })
}

struct World {
    random: fastrand::Rng,
    network: Network,
    times: Times,
    clock: Clock,
    engine: Engine,
    wall: i64,
    under_way: JoinSet<()>,
    answered: Arc<Mutex<Vec<Answered>>>,
    sent: usize,
    text: String,
    reloads: usize,
    begun: Instant,
    trace: bool,
}

impl World {
    fn new(seed: u64, trace: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::default();
        for path in ["shared", "own"] {
            network.add(path, keys(&mut random));
        }
        let (times, text) = configuration(&mut random);
        if trace {
            eprintln!("{text}");
        }
        let config = parse(&text);
        let clock = Clock::fixed(NOW);
        let environment = ServerEnvironment {
            clock: clock.clone(),
            fetch: Arc::new(network.clone()),
            telemetry: None,
            seed,
        };
        let engine = Engine::start(&config, environment).unwrap();
        let state = Arc::downgrade(&engine.state);
        network.watch(Box::new(move |path| {
            let status = state
                .upgrade()
                .map(|state| state.generation().sources().status());
            let mut status = status.into_iter().flatten();
            let status = status.find(|status| status.source.ends_with(path));
            status.map_or(0, |status| status.unknown_key_fetches)
        }));
        Self {
            random,
            network,
            times,
            clock,
            engine,
            wall: NOW,
            under_way: JoinSet::new(),
            answered: Arc::default(),
            sent: 0,
            text,
            reloads: 0,
            begun: Instant::now(),
            trace,
        }
    }

    async fn step(&mut self) {
        let path = if self.random.bool() { "shared" } else { "own" };
        match self.random.u8(..52) {
            0..=5 => self.change_mode(path),
            6..=9 => {
                let keys = keys(&mut self.random);
                self.note(&format!("{path} publishes {keys:?}"));
                self.network.with(path, |server| server.publish(keys));
            }
            10..=11 => self.move_wall().await,
            12 => self.pass(self.times.max_stale).await,
            13..=24 => {
                let span = self.random_span();
                self.pass(span).await;
            }
            25..=26 => self.flood(),
            27..=29 => self.rotate(path).await,
            40..=41 => self.reload().await,
            42..=49 => self.rotate_at_once(path).await,
            50..=51 => self.refresh(),
            _ => {
                let token = Token::random(&mut self.random);
                self.send(token);
            }
        }
        if self.random.u8(..4) == 0 {
            // Lets running tasks continue without time passing.
            tokio::task::yield_now().await;
        }
    }

    /// Another configuration with the same sources, in which every issuer has another index.
    /// No request may notice it.
    async fn reload(&mut self) {
        self.reloads += 1;
        let more = if self.reloads % 2 == 1 { NEIGHBOUR } else { "" };
        let text = format!("{}{more}", self.text);
        self.note("reloaded");
        let reloaded = self.engine.reload(&parse(&text)).await;
        reloaded.expect("its sources are those of before");
    }

    fn change_mode(&mut self, path: &str) {
        let mode = match self.random.u8(..12) {
            0..=4 => Mode::Good,
            5 => Mode::GoodAmongBad,
            6 => Mode::Empty,
            7 => Mode::Html,
            8 => Mode::Silent,
            9 => Mode::Busy(self.random.u64(..100)),
            _ => Mode::Down,
        };
        let latency = Duration::from_millis(self.random.choice([0, 5, 50, 500, 20_000]).unwrap());
        let fresh = [None, Some(0), Some(5), Some(600), Some(u64::MAX / 2)];
        let fresh_for = self.random.choice(fresh).unwrap().map(Duration::from_secs);
        self.note(&format!("{path} is {mode:?}, {latency:?}, {fresh_for:?}"));
        let (timeout, reads_early) = (self.times.timeout, self.random.bool());
        self.network.with(path, |server| {
            server.answer(mode, latency, timeout);
            server.fresh_for = fresh_for;
            server.reads_early = reads_early;
        });
    }

    async fn move_wall(&mut self) {
        // The model has one calendar time per request.
        self.settle().await;
        self.wall = NOW
            + self
                .random
                .choice([0, -3600, 300, 329, 330, 3600, 86400])
                .unwrap();
        self.clock.set(self.wall);
        self.note(&format!("the calendar says {}", self.wall - NOW));
    }

    async fn pass(&mut self, span: Duration) {
        self.note(&format!("{span:?} pass"));
        sleep(span).await;
    }

    fn random_span(&mut self) -> Duration {
        let cache = self.times.cache.as_secs_f64();
        let longest = self
            .random
            .choice([0.05, 0.5, 5.0, cache, 2.0 * cache])
            .unwrap();
        Duration::from_secs_f64(self.random.f64() * longest)
    }

    fn flood(&mut self) {
        for _ in 0..self.random.usize(5..40) {
            let token = Token::random(&mut self.random);
            self.send(token);
        }
    }

    /// Sends a request, which may be cancelled on the way.
    fn send(&mut self, token: Token) {
        let service = InProcessClient::new(self.engine.state.clone());
        let (answered, wall) = (self.answered.clone(), self.wall);
        let patience = (self.random.u8(..5) == 0).then(|| self.random_span());
        self.sent += 1;
        self.note(&format!("sent: {token:?}, cancelled after {patience:?}"));
        self.under_way.spawn(async move {
            let start = Instant::now();
            let call = check(service, token.text());
            let reason = match patience {
                Some(patience) => timeout(patience, call).await.ok(),
                None => Some(call.await),
            };
            if let Some(reason) = reason {
                let end = Instant::now();
                let answer = Answered {
                    token,
                    start,
                    end,
                    wall,
                    reason,
                };
                answered.lock().unwrap().push(answer);
            }
        });
    }

    /// Waits for all answers.
    async fn settle(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            ended.unwrap();
        }
    }

    /// Servers that are good again serve their keys within a cool-down of a request for them.
    async fn recover(&mut self) {
        let published: Vec<usize> = keys(&mut self.random);
        let timeout = self.times.timeout;
        for path in ["shared", "own"] {
            self.network.with(path, |server| {
                server.answer(Mode::Good, Duration::from_millis(5), timeout);
                server.publish(published.clone());
            });
        }
        // The longest `Retry-After`, back-off and fetch.
        self.pass(Duration::from_secs(300 + 30) + self.times.timeout)
            .await;
        for round in 0..2 {
            for issuer in 0..ISSUERS.len() {
                for key in &published {
                    let made = Made::By(*key);
                    self.send(Token { issuer, made });
                }
            }
            self.settle().await;
            if round == 0 {
                self.pass(self.times.cooldown + Duration::from_secs(1))
                    .await;
            }
        }
        let answered = self.answered.lock().unwrap();
        let last = answered.iter().rev().take(ISSUERS.len() * published.len());
        assert!(answered.len() >= ISSUERS.len(), "somebody was answered");
        for answer in last.filter(|answer| answer.reason != "allowed") {
            let fits = matches!(answer.token.made, Made::By(key) if published.contains(&key));
            assert!(!fits, "not recovered: {answer:?}");
        }
        assert!(*self.engine.ready().borrow(), "ready once there are keys");
    }

    fn judge(&self) -> Tally {
        let answered = self.answered.lock().unwrap();
        let mut tally = Tally {
            requests: answered.len(),
            cancelled: self.sent - answered.len(),
            reloads: self.reloads,
            simulated: Instant::now() - self.begun,
            ..Tally::default()
        };
        let history = |path| self.network.with(path, |server| server.history.clone());
        let histories = SOURCES.map(history);
        for answer in answered.iter() {
            let waited = model::judge(answer, &self.times, &histories[answer.token.issuer].fetches);
            tally.waited += usize::from(waited);
            tally.allowed += usize::from(answer.reason == "allowed");
            tally.unavailable += usize::from(answer.reason == "jwks_unavailable");
        }
        for (path, history) in SOURCES.iter().zip(&histories).skip(1) {
            let is_of = |answer: &&Answered| SOURCES[answer.token.issuer] == *path;
            let answers: Vec<&Answered> = answered.iter().filter(is_of).collect();
            let cost = rotations_model::judge(&answers, &self.times, history);
            tally.missed += cost.denied;
            tally.longest_gap = tally.longest_gap.max(cost.longest);
            let fetches = &history.fetches;
            model::judge_fetches(fetches, &self.times);
            tally.fetches += fetches.len();
            tally.failed += fetches.iter().filter(|fetch| fetch.keys.is_none()).count();
        }
        tally
    }

    fn note(&self, event: &str) {
        if self.trace {
            eprintln!("{:>12?} {event}", self.begun.elapsed());
        }
    }
}

fn parse(text: &str) -> Config {
    let config = Config::parse(text, Path::new("simulation.yaml"));
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

fn keys(random: &mut fastrand::Rng) -> Vec<usize> {
    let mut keys: Vec<usize> = (0..KEYS).filter(|_| random.u8(..3) == 0).collect();
    if keys.is_empty() {
        keys.push(random.usize(..KEYS));
    }
    keys
}

fn configuration(random: &mut fastrand::Rng) -> (Times, String) {
    let mut choice = |from: &[u64]| from[random.usize(..from.len())];
    let cache = choice(&[5, 30, 120]);
    let max_cache = cache * choice(&[1, 6]);
    let max_stale = max_cache * choice(&[1, 3]);
    let (cooldown, wait) = (choice(&[1, 5, 30, 120]), choice(&[0, 20, 100, 1000, UNSET]));
    // The default for calls without a deadline.
    let (wait, wait_setting) = match wait {
        UNSET => (150, String::new()),
        wait => (wait, format!("wait: {wait}ms, ")),
    };
    let times = Times {
        cache: Duration::from_secs(cache),
        min_cache: Duration::from_secs(cache.min(60)),
        cooldown: Duration::from_secs(cooldown),
        max_stale: Duration::from_secs(max_stale),
        wait: Duration::from_millis(wait),
        timeout: Duration::from_secs(choice(&[1, 5, 30])),
    };
    let timeout = times.timeout.as_secs();
    let issuer = |(issuer, source): (&str, &str)| {
        format!(
            "  {issuer}: {{issuer: 'https://{issuer}.example', audiences: [orders-api], jwks: {{\
             uri: 'https://keys.example/{source}', cache_duration: {cache}s, \
             max_cache_duration: {max_cache}s, max_stale: {max_stale}s, cooldown: {cooldown}s, \
             {wait_setting}timeout: {timeout}s}}}}\n"
        )
    };
    let issuers: String = ISSUERS.into_iter().zip(SOURCES).map(issuer).collect();
    (times, format!("issuers:\n{issuers}"))
}

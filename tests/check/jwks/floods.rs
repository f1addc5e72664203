//! Area `jwks`: floods of tokens of unknown keys. They cause no fetches, take no memory, and do not
//! cost other issuers their keys.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use watchword::authenticator::MissingKey;
use watchword::clock::Clock;
use watchword::jwks::{CallTime, KeyRequest};
use watchword::jwks::{
    Content, Fetch, FetchError, Fetched as Brought, FetchedSource, KeySources, Network,
    SourceContext, Validators,
};
use watchword::memory::MemoryBudget;
use watchword::policy::IssuerId;
use watchword_test_support::key_server::Reply;
use watchword_test_support::mint;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::settings::Settings;
use super::super::site::{NOW, RUNTIME};
use super::super::tokens::ED;
use super::{MIB, corp_from, ended, memory, served, set, token, unknown, until};

pub(crate) const ROWS: &[Row] = &[
    row!("JWK-28", unknown_kids_cost_one_fetch_in_a_cooldown),
    row!("JWK-29", unknown_kids_cost_no_fetch_while_there_are_no_keys),
    row!("JWK-32", a_million_unknown_kids_are_not_remembered),
];

const SECOND: Duration = Duration::from_secs(1);
/// The row's rate, or a twentieth of it where nothing is optimized, over its minute; the cool-down
/// of 30 s is as in the row.
const A_SECOND: usize = if cfg!(debug_assertions) { 500 } else { 10_000 };
const SECONDS: usize = 60;
/// Calls that are in flight at a time.
const AT_ONCE: usize = 16;

/// One second of a flood: each of some tasks sends its part of the tokens, and one sends a good
/// token after the other. The reasons of the flood's answers, and how long each good one took.
fn second(inside: &Inside, name: usize, good: Option<&Call>) -> (Vec<String>, Vec<Duration>) {
    RUNTIME.block_on(async {
        let mut tasks = JoinSet::new();
        for part in 0..AT_ONCE {
            let numbers = (part..A_SECOND).step_by(AT_ONCE);
            let answers = numbers
                .map(|number| inside.answer(&Call::bearing(unknown(&format!("{name}-{number}")))));
            let answers: Vec<_> = answers.collect();
            tasks.spawn(async move {
                let mut reasons = Vec::new();
                for answer in answers {
                    reasons.push(answer.await.reason);
                }
                reasons
            });
        }
        let mut times = Vec::new();
        for _ in 0..20 {
            if let Some(good) = good {
                let begun = Instant::now();
                assert!(inside.answer(good).await.is_allow(), "a known key");
                times.push(begun.elapsed());
            }
        }
        let reasons = tasks.join_all().await.concat();
        (reasons, times)
    })
}

fn unknown_kids_cost_one_fetch_in_a_cooldown(case: &mut Case) {
    let server = served(set(&[&ED]));
    let inside = Inside::start(
        &Settings::of(corp_from(&server.uri(), "")),
        Arc::new(Network),
    );
    until("keys", || *inside.engine.ready().borrow());
    let good = Call::bearing(token(&ED));
    // The first fetch is scheduled, and does not count.
    let (mut fetched, mut answers, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for now in 1..=SECONDS {
        inside.clock.advance(SECOND);
        let (reasons, took) = second(&inside, now, Some(&good));
        until("no fetch is under way", || {
            !inside.status(0).next_fetch.is_zero()
        });
        answers.extend(reasons);
        times.extend(took);
        fetched.extend(std::iter::repeat_n(
            now,
            server.requests() - 1 - fetched.len(),
        ));
    }
    let denied = answers
        .iter()
        .filter(|reason| *reason == "key_not_found")
        .count();
    case.equal("denials for an unknown key", denied, A_SECOND * SECONDS);
    let apart = fetched.windows(2).all(|pair| pair[1] - pair[0] >= 30);
    case.holds(
        &format!("fetches at {fetched:?} s"),
        apart && fetched.len() <= 2,
    );
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    let what =
        format!("a good token's 99th of 100 took {p99:?} of the 150 ms that an unknown one may");
    case.holds(&what, p99 < Duration::from_millis(150));
    inside.check(case, "the known key", &good, Expect::Allow);
    inside.check(
        case,
        "an unknown one",
        &Call::bearing(unknown("x")),
        Expect::Deny(401, "key_not_found"),
    );
}

fn unknown_kids_cost_no_fetch_while_there_are_no_keys(case: &mut Case) {
    let server = served(Reply::ok(r#"{"keys":[]}"#));
    let inside = Inside::start(
        &Settings::of(corp_from(&server.uri(), "wait: 0s")),
        Arc::new(Network),
    );
    until("the first fetch has ended", || {
        ended(&inside.status(0)) == 1
    });
    let mut answers = Vec::new();
    for now in 1..=10 {
        inside.clock.advance(SECOND);
        answers.extend(second(&inside, now, None).0);
        until("no fetch is under way", || {
            !inside.status(0).next_fetch.is_zero()
        });
    }
    let denied = answers
        .iter()
        .filter(|reason| *reason == "jwks_unavailable")
        .count();
    case.equal("answers 503", denied, A_SECOND * 10);
    // The shortest waits are 0.5 s, 1 s, 2 s, 4 s and 8 s: the fifth fetch is the last that fits
    // into 10 s.
    let fetches = server.requests();
    case.holds(
        &format!("{fetches} fetches, by back-off alone"),
        fetches <= 5,
    );
    case.equal(
        "fetches that tokens caused",
        inside.status(0).unknown_key_fetches,
        0,
    );
    let call = Call::bearing(token(&ED));
    inside.check(case, "no key", &call, Expect::Deny(503, "jwks_unavailable"));
    server.reply(set(&[&ED]));
    inside.clock.advance(inside.status(0).next_fetch);
    until("keys", || *inside.engine.ready().borrow());
    inside.check(case, "keys at last", &call, Expect::Allow);
}

/// A fetch that brings the same set when the test lets it.
struct Gate(Semaphore);

impl Fetch for Gate {
    fn fetch<'a>(
        &'a self,
        _: &'a FetchedSource,
        _: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Brought, FetchError>> + Send + 'a>> {
        Box::pin(async {
            self.0.acquire().await.expect("an open gate").forget();
            Ok(Brought {
                content: Content::Documents {
                    documents: vec![mint::key_set(&[&ED]).to_string().into_bytes()],
                    validators: Validators::default(),
                },
                fresh_for: None,
            })
        })
    }
}

/// Keys that are fetched every second, so that many tokens can wait in one cool-down, which is an
/// hour.
struct Source {
    issuer: IssuerId,
    keys: KeySources,
    gate: Arc<Gate>,
    clock: Clock,
}

impl Source {
    fn start() -> Self {
        let gate = Arc::new(Gate(Semaphore::new(1)));
        let clock = Clock::manual(NOW);
        let more = "cache_duration: 1s, cooldown: 1h, wait: 10s";
        let config = Settings::of(corp_from("https://keys.example/", more)).config();
        let memory = MemoryBudget::default().keys;
        let context = SourceContext::new(clock.clone(), gate.clone(), memory, None);
        let _runtime = RUNTIME.enter();
        let keys = KeySources::start(&config.policy, &config.sources, &context, 7);
        let issuer = config.sources[0].0;
        until("keys", || keys.keys_of(issuer).is_some());
        Self {
            issuer,
            keys,
            gate,
            clock,
        }
    }

    fn missing(&self) -> MissingKey {
        MissingKey {
            issuer: self.issuer,
            tried: self.keys.keys_of(self.issuer),
        }
    }

    /// Of a request that comes now, and has this much time.
    fn call_time(&self, time_left: Duration) -> CallTime {
        CallTime {
            judged_at: self.clock.moment(),
            time_left: Some(time_left),
        }
    }

    /// Begins a fetch that does not end.
    fn hold(&self) {
        self.clock.advance(self.keys.status()[0].next_fetch);
        until("a fetch is under way", || {
            self.keys.status()[0].next_fetch.is_zero()
        });
    }
}

fn a_million_unknown_kids_are_not_remembered(case: &mut Case) {
    // A fifth of the row's where nothing is optimized.
    const WAVES: usize = if cfg!(debug_assertions) { 20 } else { 100 };
    const WAVE: usize = 10_000;
    let source = Source::start();
    let before = memory();
    for _ in 0..WAVES {
        source.hold();
        let fetches = ended(&source.keys.status()[0]);
        let found = RUNTIME.block_on(wait_together(&source, WAVE));
        case.equal("found", found, 0);
        until("the fetch has ended", || {
            ended(&source.keys.status()[0]) > fetches
        });
    }
    let grown = memory().saturating_sub(before);
    case.holds(&format!("memory grew by {grown} bytes"), grown < 64 * MIB);
    let caused = || source.keys.status()[0].unknown_key_fetches;
    case.equal("caused while fetches were under way", caused(), 0);
    // The next ask for a fetch of their own, all for the same, and are refused without waiting for
    // an hour after it.
    let found = RUNTIME.block_on(wait_together(&source, WAVE));
    case.equal("found", found, 0);
    case.equal("fetches that tokens caused", caused(), 1);
    let mut refused = 0;
    for _ in 0..WAVE {
        let call_time = source.call_time(Duration::from_millis(150));
        let request = source.keys.request_key(&source.missing(), call_time);
        refused += usize::from(matches!(request, KeyRequest::Refused));
    }
    case.equal("refused at once", refused, WAVE);
}

/// Lets this number of tokens wait until the fetch ends. Returns the number of those that found
/// their key.
async fn wait_together(source: &Source, tokens: usize) -> usize {
    let mut waiting: Vec<_> = (0..tokens)
        .map(|_| {
            let (keys, missing) = (&source.keys, source.missing());
            let call_time = source.call_time(10 * SECOND);
            Box::pin(async move {
                match keys.request_key(&missing, call_time) {
                    KeyRequest::KeysChanged => true,
                    KeyRequest::Wait(waiting) => waiting.keys_changed().await,
                    KeyRequest::Refused => false,
                }
            })
        })
        .collect();
    // Each has asked before the fetch ends.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for waiter in &mut waiting {
        assert!(waiter.as_mut().poll(&mut context).is_pending(), "it waits");
    }
    source.gate.0.add_permits(1);
    let mut found = 0;
    for waiter in waiting {
        found += usize::from(waiter.await);
    }
    found
}

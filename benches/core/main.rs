//! The decision alone, without gRPC: the parts of a cold call's time.
//!
//! Run with `cargo bench --bench core`; each figure is the best of several rounds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

#[path = "../check/keys.rs"]
mod keys;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use watchword::authenticator::{IssuerKeys, Question, Snapshot, Verdict, authenticate};
use watchword::clock::Stopwatch;
use watchword::config::Config;
use watchword::grpc::{CheckAnswers, TokenCache};
use watchword::jose::Jws;
use watchword::jwks::Source;
use watchword::request::{Header, Request};
use watchword::token::{BearerToken, UnixTime, UnverifiedToken};

const ROUNDS: usize = 9;
const CALLS: u32 = 500;

fn main() {
    let keys = keys::Keys::new();
    let config = Config::parse(keys.config(), Path::new("bench.yaml")).unwrap();
    let Some((issuer, Source::Fixed(key_set))) = config.sources.first() else {
        unreachable!("inline keys")
    };
    let issuer_keys = IssuerKeys::lasting(key_set.clone());
    let snapshot = Snapshot::new(config.policy.clone()).with_keys(&[*issuer], Some(&issuer_keys));
    let answers = CheckAnswers::new(snapshot.policy(), "bench");
    let (warm, cold) = (TokenCache::new(1000).unwrap(), TokenCache::new(0).unwrap());
    let token = keys.tokens(1).remove(0);
    let bearer = format!("Bearer {token}");
    let question = Question::from(request(&bearer));
    let now = UnixTime::from_secs(1_800_000_000.0);
    println!("token of {} bytes", token.len());

    let text = BearerToken::new(token.as_bytes(), 16384).unwrap();
    measure("parse (header, payload)", || {
        UnverifiedToken::parse(&text).unwrap()
    });
    measure("parse header, verify RS256", || {
        let algorithms = &snapshot.policy().issuers().first().unwrap().algorithms;
        Jws::parse(&token)
            .unwrap()
            .verify(key_set, algorithms)
            .unwrap()
    });
    for (name, cache) in [("decide, warm", &warm), ("decide, cold", &cold)] {
        measure(name, || {
            let decision = authenticate(&snapshot, &question, now, cache);
            assert!(
                matches!(decision.verdict, Verdict::Allow(_)),
                "the benchmark measures allows"
            );
            decision
        });
    }
    let decision = authenticate(&snapshot, &question, now, &warm);
    measure("answer", || answers.answer(&decision, false));
}

fn measure<T>(name: &str, work: impl Fn() -> T) {
    let round = |_| {
        let clock = Stopwatch::start();
        for _ in 0..CALLS {
            black_box(work());
        }
        clock.elapsed() / CALLS
    };
    let best = (0..ROUNDS).map(round).min().unwrap_or(Duration::ZERO);
    println!("{name:<28}{:>9.2} µs", best.as_secs_f64() * 1e6);
}

fn request(bearer: &str) -> Request<'_> {
    let header = |(name, value): (&'static str, &'static str)| Header {
        name: name.as_bytes(),
        value: value.as_bytes(),
    };
    let mut headers: Vec<Header<'_>> = [
        (":authority", "shop.example"),
        (":method", "GET"),
        (":path", "/orders/42?expand=items"),
        ("accept", "application/json"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        ),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-request-id", "7f3b1c56-7a1e-4f0e-9d6c-2f1a9e0f4c11"),
    ]
    .map(header)
    .to_vec();
    headers.push(Header {
        name: b"authorization",
        value: bearer.as_bytes(),
    });
    Request {
        method: b"GET",
        path: b"/orders/42?expand=items",
        host: b"shop.example",
        headers,
        context: Vec::new(),
    }
}

//! Area `cache`: many calls at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use watchword::jwks::Network;
use watchword_test_support::mint::Signer;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::site::{NOW, RUNTIME};
use super::super::tokens::{ED, claims, claims_with};
use super::core::{Core, ObservedCache, good_tokens, settings};

pub(crate) const ROWS: &[Row] = &[
    row!("CCH-12", no_answer_carries_another_tokens_claims),
    row!("CCH-13", new_token_in_parallel_calls_has_one_verdict),
];

/// 64 tasks send 10,000 tokens, each in an order of its own, with a cache that holds a tenth of
/// them and with one that holds all. A failure names its seed.
fn no_answer_carries_another_tokens_claims(case: &mut Case) {
    const TOKENS: usize = 10_000;
    const TASKS: usize = 64;
    let tokens = good_tokens(TOKENS);
    let calls: Arc<Vec<(String, Call)>> = Arc::new(
        tokens
            .into_iter()
            .map(|(subject, token)| (subject, Call::bearing(token)))
            .collect(),
    );
    for (seed, entries) in [(1, 1000), (2, 20_000)] {
        let settings = settings().top(&format!("token_cache: {{max_entries: {entries}}}"));
        let inside = Arc::new(Inside::start(&settings, Arc::new(Network)));
        let tasks = (0..TASKS).map(|task| {
            let (inside, calls) = (inside.clone(), calls.clone());
            let mut random = fastrand::Rng::with_seed(seed * 1000 + task as u64);
            RUNTIME.spawn(async move {
                let mut answers = Vec::new();
                for _ in 0..TOKENS / TASKS {
                    let number = random.usize(..TOKENS);
                    answers.push((number, inside.answer(&calls[number].1).await));
                }
                answers
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in tasks {
            for (number, outcome) in RUNTIME.block_on(task).expect("no panic") {
                let (subject, call) = &calls[number];
                let what = format!("seed {seed}, {subject}");
                // Every answer is checked; the invariants, which take longer, only for one in ten.
                if number % 10 == 0 {
                    inside.judge(case, &what, call, &outcome, Expect::Allow);
                }
                case.equal(
                    &what,
                    outcome.header("x-auth-subject"),
                    Some(subject.as_str()),
                );
            }
        }
    }
}

/// A judgement never waits, so at most as many of them verify one token as there are threads.
fn new_token_in_parallel_calls_has_one_verdict(case: &mut Case) {
    const THREADS: usize = 8;
    const CALLS: usize = 1000;
    let core = Core::new();
    let good = ED.sign(&claims());
    let expired = ED.sign(&claims_with("exp", json!(NOW - 3600)));
    let forged = Signer::generate("EdDSA", ED.kid()).sign(&claims());
    let tokens = [
        (good, "allowed", THREADS),
        (expired, "token_expired", THREADS),
        (forged, "signature_invalid", 0),
    ];
    for (token, wanted, most) in &tokens {
        let verified = AtomicUsize::new(0);
        let cache = ObservedCache::new(|| {
            verified.fetch_add(1, Ordering::SeqCst);
        });
        let (start, calls) = (std::sync::Barrier::new(THREADS), AtomicUsize::new(0));
        let others = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let mut others = 0;
                        while calls.fetch_add(1, Ordering::SeqCst) < CALLS {
                            others += usize::from(core.judge(&cache, token) != *wanted);
                        }
                        others
                    })
                })
                .collect();
            let others = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            others.sum::<usize>()
        });
        case.equal(&format!("verdicts other than {wanted}"), others, 0);
        let verified = verified.into_inner();
        case.holds(
            &format!("{wanted}: remembered {verified} times"),
            verified <= *most,
        );
    }
    let inside = Inside::start(&settings(), Arc::new(Network));
    for (token, wanted, _) in &tokens {
        let call = Call::bearing(token);
        let answers: Vec<_> = (0..CALLS).map(|_| inside.begin(&call)).collect();
        let expect = if *wanted == "allowed" {
            Expect::Allow
        } else {
            Expect::Deny(401, wanted)
        };
        for answer in answers {
            let outcome = RUNTIME.block_on(answer).expect("no panic");
            inside.judge(case, "in parallel", &call, &outcome, expect);
        }
    }
}

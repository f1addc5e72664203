//! Mutated tokens: what is accepted, a second implementation confirms, and nothing panics.
//!
//! `WATCHWORD_MUTATIONS` is the number of tokens, and `WATCHWORD_MUTATIONS_FROM` the first case: a
//! case always makes the same mutation, although ECDSA and encryption make other bytes each time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::mutations::{Level, mutated, recipe};
use crate::random::Random;
use crate::targets::second_opinion::confirms;
use crate::targets::tokens::RECIPES;
use crate::targets::world::WORLD;

/// The number of tokens in a run of `cargo test`.
const CASES: u64 = 20_000;
/// Cases that a thread takes at a time.
const BATCH: u64 = 500;
/// Failures that are printed.
const SHOWN: usize = 20;

#[derive(Default)]
struct Tally {
    cases: u64,
    /// Accepted tokens that are an original, byte by byte.
    unchanged: u64,
    /// Other accepted tokens, which the second implementation confirms.
    confirmed: u64,
    panics: u64,
    levels: BTreeMap<Level, u64>,
    reasons: BTreeMap<&'static str, u64>,
    failures: Vec<String>,
}

impl Tally {
    fn run(&mut self, case: u64) {
        let mut random = Random::new(case.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let recipe = recipe(&mut random);
        let (level, token) = mutated(&mut random, recipe);
        self.cases += 1;
        *self.levels.entry(level).or_default() += 1;
        match catch_unwind(AssertUnwindSafe(|| WORLD.judge(&token))) {
            Ok(Ok(())) if token == recipe.token => self.unchanged += 1,
            Ok(Ok(())) if confirms(&token) => self.confirmed += 1,
            Ok(Ok(())) => {
                let failure = format!("case {case}, {level:?}: accepted alone: {token}");
                self.failures.push(failure);
            }
            Ok(Err(reason)) => *self.reasons.entry(reason).or_default() += 1,
            Err(_) => {
                self.panics += 1;
                let failure = format!("case {case}, {level:?}: panic: {token}");
                self.failures.push(failure);
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.unchanged += other.unchanged;
        self.confirmed += other.confirmed;
        self.panics += other.panics;
        for (level, count) in other.levels {
            *self.levels.entry(level).or_default() += count;
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.failures.extend(other.failures);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_original_is_accepted_and_confirmed() {
    for recipe in RECIPES.iter() {
        let (name, seal) = (
            recipe.issuer.name,
            recipe.seal.map(|it| it.algorithm.name()),
        );
        assert_eq!(WORLD.judge(&recipe.token), Ok(()), "{name} {seal:?}");
        assert!(confirms(&recipe.token), "{name} {seal:?}");
    }
}

#[test]
fn no_mutated_token_is_accepted_alone() {
    let cases = number("WATCHWORD_MUTATIONS").unwrap_or(CASES);
    let first = number("WATCHWORD_MUTATIONS_FROM").unwrap_or(0);
    let (next, total) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let work = || {
        let mut tally = Tally::default();
        loop {
            let from = next.fetch_add(BATCH, Ordering::SeqCst);
            if from >= cases {
                break;
            }
            for case in from..cases.min(from + BATCH) {
                tally.run(first + case);
            }
        }
        total.lock().unwrap().add(tally);
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads.min(16) {
            scope.spawn(work);
        }
    });
    let total = total.into_inner().unwrap();
    println!(
        "mutated: {} tokens, {} accepted ({} of them unchanged, {} confirmed), {} accepted alone, \
         {} panics",
        total.cases,
        total.unchanged + total.confirmed + total.failures.len() as u64 - total.panics,
        total.unchanged,
        total.confirmed,
        total.failures.len() as u64 - total.panics,
        total.panics
    );
    println!("mutated: levels {:?}", total.levels);
    println!("mutated: denied for {:?}", total.reasons);
    let shown = &total.failures[..total.failures.len().min(SHOWN)];
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert_eq!(total.cases, cases);
    if cases >= CASES {
        assert!(total.confirmed > cases / 100, "some of them must be good");
        assert!(
            total.reasons.len() >= 12,
            "the cases must reach most reasons"
        );
    }
}

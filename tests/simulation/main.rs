//! Random schedules of fetch outcomes, rotations, clock moves, cancellations, refreshes and
//! requests, in simulated time and over a simulated network, against the real code from gRPC body
//! to key cache. A model checks each answer.
//!
//! A failure names its seed. `WATCHWORD_SIMULATION_SEED=N` runs that one again and prints what
//! happened; `WATCHWORD_SIMULATION_SEEDS=N` runs N of them instead of 10,000.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests"
)]

mod model;
mod network;
mod rotations;
mod schedule;
mod tokens;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use schedule::Tally;
use watchword_test_support::say;

#[test]
fn every_schedule_keeps_the_promises() {
    if let Some(seed) = number("WATCHWORD_SIMULATION_SEED") {
        eprintln!("{:?}", schedule::run(seed, true));
        return;
    }
    let seeds = number("WATCHWORD_SIMULATION_SEEDS").unwrap_or(10_000);
    let next = AtomicU64::new(0);
    let (total, failures) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds {
                return;
            }
            match catch_unwind(AssertUnwindSafe(|| schedule::run(seed, false))) {
                Ok(tally) => total.lock().unwrap().add(&tally),
                Err(_) => failures.lock().unwrap().push(seed),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads.min(8) {
            scope.spawn(work);
        }
    });
    let total = total.into_inner().unwrap();
    say(format!("{seeds} schedules: {total}"));
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} schedules failed, seeds {:?}",
        failures.len(),
        &failures[..failures.len().min(10)]
    );
    assert!(
        seeds < 100 || total.has_all_kinds(),
        "nothing happened: {total}"
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

//! Floods: what strangers can send, each against a fresh server, and what it costs in memory and in
//! latency for an honest caller beside it.
//!
//! Owns attacks by hand-made HTTP/2, honest callers, and the bounds on what the one may do to the
//! other. Refuses to judge how a flood is answered: refused calls, GOAWAY, resets and closed
//! connections are all fine.
//!
//! A normal run sends a scaled part of them, `short`. `WATCHWORD_FLOODS=all cargo test --release
//! --test floods -- --nocapture` prints the whole table; any other text chooses floods by their
//! names. docs/testing.md has the other switches.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests measure time and read the clock to make tokens for a child process"
)]

mod admin;
mod bodies;
mod connection;
mod control;
mod crowd;
mod files;
mod frames;
mod headers;
mod honest;
mod idle;
mod memory;
mod messages;
mod openings;
mod runner;
mod selection;
mod site;
mod soak;
mod streams;
mod table;
mod target;
mod tokens;
mod unread;
mod waiting;
mod windows;
mod world;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use selection::Selection;
use tokio::runtime::Runtime;
use watchword_test_support::say;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Answers say nothing of a flood; memory and latency of others do.
#[test]
fn no_flood_exceeds_the_memory_limit_or_keeps_an_honest_caller_waiting() {
    let selection = Selection::from_environment();
    let _machine = alone();
    files::enough();
    RUNTIME.block_on(async {
        say(runner::HEAD);
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        for (flood, port) in selection.floods() {
            let row = runner::run(flood, port, rows.len(), selection.share()).await;
            problems.extend(row.problems(selection.bounds()));
            rows.push(row);
        }
        assert!(!rows.is_empty(), "no flood has such a name");
        say(format!(
            "{} floods; {} problems",
            rows.len(),
            problems.len()
        ));
        if selection.asserts() {
            assert!(problems.is_empty(), "{problems:#?}");
        } else {
            say(problems.join("\n"));
        }
    });
}

/// The machine to oneself: a test makes a load whose answers the others would time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // Of a test that panicked, nothing is left here.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

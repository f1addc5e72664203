//! Check over gRPC, compared with a service that allows everything.
//!
//! Both servers run as separate processes with the same kind of runtime, and one client calls them
//! in turn, so a machine whose speed drifts affects both alike. Each row has two figures: calls per
//! second, and the server's processor time per call, which the client's own work cannot hide.
//! Run with `cargo bench --bench check`; quote ratios, not single figures.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

mod keys;
mod load;
mod noop;
mod server;

use std::time::Duration;

use load::{Load, Round};
use server::{Kind, Server};

/// The rounds of each row; medians are printed.
const TURNS: usize = 7;
const WARM_ROUND: Duration = Duration::from_millis(1500);
/// Tokens that a cold round sends, each once.
const COLD_TOKENS: usize = 6000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("serve") {
        return server::run(Kind::from_name(&arguments.next().unwrap_or_default()));
    }
    let keys = keys::Keys::new();
    let load = Load::new();
    println!("minting {COLD_TOKENS} tokens …");
    let tokens = keys.tokens(COLD_TOKENS);
    let warm = &tokens[..1];

    let noop = Server::start(Kind::Noop, &keys);
    let watchword = Server::start(Kind::Watchword, &keys);
    let (mut noops, mut warms, mut colds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        noops.push(load.for_time(&noop, warm, WARM_ROUND));
        warms.push(load.for_time(&watchword, warm, WARM_ROUND));
        // A new process has an empty cache, so each token is new to it.
        let fresh = Server::start(Kind::Watchword, &keys);
        load.for_time(&fresh, warm, WARM_ROUND / 10);
        colds.push(load.once_each(&fresh, &tokens[1..]));
    }
    report(&noops, &warms, &colds);
}

fn report(noops: &[Round], warms: &[Round], colds: &[Round]) {
    println!(
        "{:<34}{:>10}{:>12}{:>14}{:>12}",
        "", "calls/s", "of no-op", "µs CPU/call", "of no-op"
    );
    for (name, rounds) in [
        ("no-op (tonic, fixed allow)", noops),
        ("watchword, warm (one token)", warms),
        ("watchword, cold (RS256, new token)", colds),
    ] {
        let ratio = |figure: fn(&Round) -> f64| {
            median(
                rounds
                    .iter()
                    .zip(noops)
                    .map(|(round, noop)| figure(round) / figure(noop)),
            )
        };
        let rate = |round: &Round| round.calls_per_second;
        let cpu = |round: &Round| round.cpu_micros_per_call;
        println!(
            "{name:<34}{:>10.0}{:>12.2}{:>14.1}{:>12.2}",
            median(rounds.iter().map(rate)),
            ratio(rate),
            median(rounds.iter().map(cpu)),
            ratio(cpu),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

//! Encrypted tokens: the cost of a decision beside that of its bare primitives, whether the time of
//! a failure tells its cause, and what a flood does to signed tokens.
//!
//! Run with `cargo bench --bench jwe`, or with one of `cost`, `timing` and `flood` behind `--`.
//! Quote ratios of one run, not single figures.

#![allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

mod cost;
mod flood;
mod keys;
mod timing;

fn main() {
    // Cargo passes `--bench`.
    let chosen = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    let parts: [(&str, fn()); 3] = [
        ("cost", cost::run),
        ("timing", timing::run),
        ("flood", flood::run),
    ];
    for (name, run) in parts {
        if chosen.as_deref().is_none_or(|chosen| chosen == name) {
            run();
        }
    }
}

//! What operators get to see: metrics, the decision log, log lines that nobody reads, and traces. Most of it drives
//! `Telemetry` itself; what needs a process has one.

#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests, in which counts are compared"
)]

mod active_characters;
mod collector;
mod decision_log;
mod lint;
mod metrics;
#[path = "../support/mint.rs"]
mod mint;
mod page;
#[path = "../support/pki.rs"]
mod pki;
mod scene;
mod settings;
mod traces;
mod unread;

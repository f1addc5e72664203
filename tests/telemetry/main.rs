//! What operators get to see: metrics, the decision log, log lines that nobody reads, and traces. Most of it drives
//! `Telemetry` itself; what needs a process has one.

#![allow(
    clippy::as_conversions,
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
mod file_size;
mod floods;
mod limits;
mod lint;
mod metrics;
mod page;
mod scene;
mod server;
mod settings;
mod sink;
mod traces;
mod unread;

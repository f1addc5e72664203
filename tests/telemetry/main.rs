//! Metrics, both logs and traces. Most tests drive `Telemetry` itself; the others start a process.

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
mod decision_log;
mod file_size;
mod floods;
mod limits;
mod lint;
mod metrics;
mod page;
mod reload;
mod scene;
mod server;
mod settings;
mod sink;
mod traces;
mod unread;

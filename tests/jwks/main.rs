//! The life of key sets, as issuers and clients see it: real TLS to key servers that are good, bad
//! or away, real gRPC, and a clock that only the test moves. Each test prints what it counted.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod access;
mod addresses;
mod admin;
mod call;
mod cancelled;
mod crowd;
mod discovery;
mod faults;
mod files;
mod flood;
mod freshness;
mod harness;
mod isolation;
mod log;
mod odd_keys;
mod outage;
mod reload;
mod restart;
mod rotation;
mod rotation_table;
mod settings;
mod site;

/// Writes a line that the test harness does not capture.
fn say(text: &str) {
    watchword_test_support::say(format_args!("jwks: {text}"));
}

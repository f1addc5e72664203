//! The life of key sets, as issuers and clients see it: real TLS to key servers that are good, bad or away, real gRPC,
//! and a clock that only the test moves. Each test prints what it counted.

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
#[path = "../support/key_server/server.rs"]
mod key_server;
mod log;
#[path = "../support/mint.rs"]
mod mint;
mod odd_keys;
mod outage;
#[path = "../support/pki.rs"]
mod pki;
mod reload;
#[path = "../support/in_process.rs"]
mod requests;
mod restart;
mod rotation;
mod rotation_table;
mod settings;
mod site;

use std::io::Write as _;

/// Writes past the test harness, which would swallow it.
fn say(text: &str) {
    // Nothing to be done where standard error is gone.
    let _ = writeln!(std::io::stderr(), "jwks: {text}");
}

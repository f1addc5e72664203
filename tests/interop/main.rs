//! Encrypted tokens of other implementations are read here, and ours there: each pair of algorithms
//! and each kind of key, with jwcrypto and joserfc, which `pip` fetches.
//!
//! Every content is a signed token, so that each token is nested, as those that are judged are.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

mod cells;
mod libraries;
mod tokens;

use std::process::ExitCode;

use watchword_test_support::{harness, modules};

fn main() -> ExitCode {
    let status = harness::run("interop", modules![tokens]);
    cells::say_matrix();
    status
}

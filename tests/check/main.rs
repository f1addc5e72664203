//! Hostile inputs, in process and over real gRPC: every row of the catalogue of bad inputs has a
//! case here.
//!
//! `catalogue` runs rows, `coverage` compares them with the catalogue and counts, `invariants`
//! holds for every single answer. One module an area holds the rows; `wire` holds golden bytes
//! against the server.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::similar_names,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop, and tables of cases are long"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests measure time and read the clock to make tokens for a child process"
)]

mod alg;
mod cache;
mod call;
mod catalogue;
mod claims;
mod config;
mod coverage;
mod decryption;
mod der;
mod emitted;
mod encoding;
mod expect;
mod extraction;
mod grpc;
mod inside;
mod invariants;
mod jose_header;
mod jwe;
mod jwks;
mod key_ref;
mod near_misses;
mod ops;
mod outcome;
mod pb;
mod process;
mod raw_rsa;
mod response;
mod rules;
mod settings;
mod signature;
mod site;
mod tokens;
mod twin;
mod wire;

use std::process::ExitCode;

use watchword_test_support::{harness, modules};

fn main() -> ExitCode {
    let mut tests = modules![near_misses, wire];
    tests.extend(coverage::tests());
    let status = harness::run("check", tests);
    coverage::say_counts();
    status
}

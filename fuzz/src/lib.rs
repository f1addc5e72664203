//! Fuzz targets: functions that take any bytes, and panic if Watchword does what it never may.
//!
//! `cargo fuzz` links each with libFuzzer (`fuzz_targets/`). `tests/fuzz` of the main crate has
//! this file as a module, and runs them on a stable compiler. So nothing here depends on libFuzzer,
//! on `crate::`, or on a clock.
//!
//! All keys and the time are fixed: an input means the same in every process.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target panics to report a finding"
)]

pub mod claims;
pub mod configuration;
pub mod decryption;
pub mod doors;
pub mod input;
pub mod jose;
pub mod json;
pub mod key_documents;
pub mod keys;
pub mod requests;
pub mod second_opinion;
pub mod sequence;
pub mod tokens;
pub mod unsealed;
pub mod world;

/// A fuzz target.
pub struct Target {
    /// The name of its program, of its corpus, and of its folder in `regressions`.
    pub name: &'static str,
    /// Returns true if Watchword accepts the input, so that a test can tell whether inputs get far.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutated inputs in a run of `cargo test`.
    pub cases: usize,
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    Target::new("compact", jose::compact, jose::compact_seeds, 8000),
    Target::new("jose_header", jose::header, jose::header_seeds, 8000),
    Target::new("json", json::json, json::seeds, 8000),
    Target::new("claims", claims::claims, claims::seeds, 2000),
    Target::new(
        "key_set",
        key_documents::key_set,
        key_documents::seeds,
        1500,
    ),
    Target::new(
        "private_keys",
        key_documents::private_keys,
        key_documents::private_seeds,
        600,
    ),
    Target::new("decrypt", decryption::decrypt, decryption::seeds, 3000),
    Target::new(
        "check_request",
        doors::check_request,
        doors::check_seeds,
        2000,
    ),
    Target::new("validate", doors::validate, doors::validate_seeds, 2000),
    Target::new("token", tokens::token, tokens::seeds, 4000),
    Target::new("config", configuration::config, configuration::seeds, 300),
    Target::new("request", requests::request, requests::seeds, 6000),
    Target::new("sequence", sequence::sequence, sequence::seeds, 120),
];

impl Target {
    const fn new(
        name: &'static str,
        run: fn(&[u8]) -> bool,
        seeds: fn() -> Vec<Vec<u8>>,
        cases: usize,
    ) -> Self {
        Self {
            name,
            run,
            seeds,
            cases,
        }
    }
}

/// Runs the target of this name, for the one-line programs in `fuzz_targets`.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let _ = (target.expect("a target").run)(data);
}

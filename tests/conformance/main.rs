//! Published JOSE vectors against the JWS and JWE layers: Wycheproof, RFC 7515, RFC 7517, RFC 7520,
//! RFC 7797 and RFC 8037.
//!
//! [`independent`] has tokens for the algorithms of which these have none.
//!
//! The result must match each vector's label. Exceptions are listed with reasons, in
//! `overrides.json` beside the vectors or in the test, and an exception that is no longer needed
//! fails too. Claims are not checked: most payloads here are not even JSON.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a vector that cannot be read must stop the test"
)]

mod encrypted;
mod independent;
mod jwe;
mod jws;
mod rfc;
mod vectors;
mod wycheproof;

use std::process::ExitCode;

use watchword_test_support::{harness, modules};

fn main() -> ExitCode {
    harness::run(
        "conformance",
        modules![encrypted, independent, rfc, wycheproof],
    )
}

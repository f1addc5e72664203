//! The fuzz targets of `fuzz/` on a stable compiler, and a long run of mutated tokens.
//!
//! Each target runs its seeds, the inputs that once failed (`fuzz/regressions/TARGET`), and a fixed
//! number of mutated inputs. A generator with a fixed seed makes them, so a failure repeats.
//! `docs/testing.md` has the long runs.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests, which print how many cases they ran"
)]

mod corpus;
mod edits;
mod harness;
mod inputs;
mod mutated;
mod mutations;
mod random;
#[path = "../../fuzz/src/lib.rs"]
mod targets;

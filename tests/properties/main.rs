//! Properties of the decision, over many generated tokens.
//!
//! * Whatever Watchword accepts, a strictly configured second implementation (`jsonwebtoken`) accepts too.
//! * A flipped bit in any signed part denies.
//! * No denial is an answer that a proxy could take for an allow.
//!
//! Cases come from a seeded generator, so that a failure can be repeated; each test prints how many it ran.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod answers;
mod core;
mod flips;
mod generate;
#[path = "../support/mint.rs"]
mod mint;
mod oracle;

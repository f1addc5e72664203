//! Properties of the decision, over many generated tokens.
//!
//! * A strictly configured second implementation (`jsonwebtoken`) accepts whatever Watchword
//!   accepts.
//! * A flipped bit in any signed part denies.
//! * No bytes in place of keys make Watchword panic; each key in PEM is used or listed as skipped.
//! * No spelling of a request reaches a weaker rule than its plain spelling, and no spelling of a
//!   credential is overlooked.
//! * An explanation names the reason of the verdict at the first step that fails.
//! * A further requirement for tokens never turns a denial into an allow.
//! * No denial is an answer that a proxy could take for an allow.
//!
//! A seeded generator makes the cases, so a failure can be repeated. Each test prints the number of
//! its cases.

#![allow(
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests, which print how many cases they ran"
)]

mod answers;
mod core;
mod credentials;
mod explained;
mod flips;
mod generate;
mod key_documents;
mod memory;
mod oracle;
mod readers;
mod redaction;
mod requirements;
mod spellings;

//! `watchword.v1` as services see it: a client with plain types, the shipped examples in Rust and
//! Python, and reflection.
//!
//! Owns: what the schema and docs/api.md promise. Refuses: the details of a verdict, which `check`
//! compares with those of Envoy's door, row by row.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod answers;
mod batch;
mod claims;
mod demand;
mod documentation;
mod examples;
mod programs;
mod reflection;
mod rules;
mod shadow;
mod site;

/// The client that the build makes from the schema, as a user's build does.
#[allow(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    reason = "generated"
)]
mod api {
    include!(concat!(env!("OUT_DIR"), "/client/watchword.v1.rs"));
}

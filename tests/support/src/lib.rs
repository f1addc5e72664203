//! Support for Watchword's tests: a mint for keys and tokens, certificates, fakes of the peers that
//! Watchword talks to, and the real programs that it runs beside.
//!
//! Every test binary uses this one crate. It never decides what Watchword should answer: the tests
//! do. Nothing in it needs the outside network except [`wheels`].

#![allow(
    missing_docs,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::return_self_not_must_use,
    reason = "the tests are its only readers, and a name says enough of a field of a fake"
)]
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test whose support cannot go on must stop"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the clock to make tokens for a child process, and measure time"
)]

pub mod bootstrap;
pub mod envoy;
pub mod harness;
pub mod helm;
pub mod http2;
pub mod in_process;
pub mod instance;
pub mod jwe;
pub mod key_server;
pub mod load;
pub mod mint;
pub mod otlp_collector;
pub mod pki;
pub mod proxy;
pub mod sealed;
pub mod secrets;
pub mod settings;
pub mod wheels;

mod paths;
mod ports;
mod stderr;

pub use paths::{binary, build_folder, repository};
pub use ports::{free_address, free_ports};
pub use stderr::say;

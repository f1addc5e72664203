//! Listeners, as clients and operators see them: real sockets, real TLS, HTTP/2 spoken by hyper.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod callers;
mod client;
mod drain;
mod health;
mod limits;
mod site;
mod tls;
mod unix;

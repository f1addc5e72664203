//! Real identity providers that encrypt access tokens, and the real Watchword: it publishes the
//! keys that they encrypt to, and finds the keys that they sign with.
//!
//! `oidc-provider/` has the program that runs oidc-provider, and the versions and hashes of its
//! packages. They are installed with `npm ci`, once, below Cargo's target folder. Without Node.js
//! or with an old one, the tests pass without doing anything, and one line on standard error says
//! so. The same holds where the packages cannot be fetched, except with `CI=true`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod encrypted;
mod http;
mod packages;
mod provider;
mod site;

//! Fetches from a key server, good and bad.

pub(in crate::jwks) mod server;

mod access;
mod answers;
mod tls;

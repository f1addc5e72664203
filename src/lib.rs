//! Watchword validates tokens for Envoy and gRPC clients: may this request pass, and whose is it?
//!
//! ```text
//! CheckRequest → request facts → rule → token text → verified token → claims and rule at `now`
//!              → verdict → CheckResponse
//! ```
//!
//! The core decides and does no I/O: [`authenticator`], on [`policy`], [`token`], [`jose`] and
//! [`request`]. [`explain`] lists the steps of a decision. The shell does the I/O: [`app`], on
//! [`grpc`], `admin`, [`listen`], [`jwks`], [`config`], [`telemetry`], [`memory`] and [`clock`].

mod admin;
pub mod app;
pub mod authenticator;
pub mod cli;
pub mod clock;
pub mod config;
pub mod escape;
pub mod explain;
mod files;
pub mod grpc;
pub mod jose;
pub mod jwks;
pub mod listen;
pub mod memory;
pub mod policy;
pub mod request;
pub mod telemetry;
pub mod token;
pub mod wire;

//! Watchword: may the bearer of this token pass, and who is it?
//!
//! ```text
//! CheckRequest → request facts → rule → token text → verified token → claims and rule at `now`
//!              → verdict → CheckResponse
//! ```
//!
//! The core decides and is pure: [`authenticator`] on [`policy`], [`token`], [`jose`] and [`request`]. [`explain`]
//! tells how it decides.
//! The shell talks: [`app`] on [`grpc`], [`admin`], [`listen`], [`jwks`], [`config`], [`telemetry`], [`memory`] and [`clock`].

pub mod admin;
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

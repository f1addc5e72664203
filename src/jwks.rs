//! Key sources: one task each fetches the keys, and one cache holds them.
//!
//! All I/O for keys that are fetched is here, in tasks of its own, which no request can cancel.
//! What requests see is a snapshot that these tasks replace; a request that needs a key which is
//! not there may wait a moment for the next one.

mod cache;
mod discovery;
mod fetch;
mod file;
mod http;
mod key_request;
mod key_source;
mod key_sources;
mod life_cycle;
mod network;
mod source;
mod source_log;
mod source_task;
mod status;
mod store;

pub(crate) use cache::fetch_keys;
pub use fetch::{Content, Fetch, FetchError, Fetched, Validators};
pub(crate) use http::{check_access, forbidden_literal};
pub(crate) use key_request::KeyWait;
pub use key_request::{CallTime, KeyRequest};
pub use key_sources::{KeySources, SourceContext};
pub(crate) use life_cycle::FetchStart;
pub use network::Network;
pub(crate) use network::read_keys;
pub use source::{Access, Credentials, FetchedSource, KeyOrigin, Source, Timing, Wait};
pub use status::SourceStatus;

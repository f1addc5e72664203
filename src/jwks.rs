//! Where keys come from: sources, one cache for all of them, and the tasks that keep it fresh.
//!
//! All I/O for keys is here, in tasks of its own; no request ever waits for it or can cancel it.
//! What requests see is a snapshot that these tasks replace.

mod cache;
mod fetch;
mod refresh;
mod source;

pub(crate) use fetch::read_bounded;
pub use fetch::{FetchError, Fetcher, read_file};
pub use refresh::{Publish, keep_fresh};
pub use source::{Origin, Source};

//! The front door: wire message → request facts → core → wire message.
//!
//! Owns the one place where an answer is built. Refuses to decide anything.

mod answer;
mod answers;
mod ext_authz;
mod log_line;
mod state;
mod token_cache;
mod unary;

pub use answer::Answer;
pub use answers::Answers;
pub use ext_authz::ExtAuthz;
pub use state::{Live, State};
pub use token_cache::TokenCache;

//! The front doors: wire message → question → core → wire message.
//!
//! Owns the places where answers are built. Refuses to decide anything.

mod answer;
mod answers;
mod arrival;
mod batch;
mod call;
mod callers;
mod claims_struct;
mod ext_authz;
mod fields;
mod front_door;
mod generation;
mod guests;
mod health;
mod methods;
pub mod reflection;
mod replies;
mod state;
mod token_cache;
mod unary;
mod validation;

pub use answer::Answer;
pub use answers::Answers;
pub use callers::{CallerRefused, Callers};
pub use ext_authz::ExtAuthz;
pub use generation::Generation;
pub use health::Health;
pub use methods::{note_arrivals, note_health_calls};
pub use replies::{Replies, Reply};
pub use state::State;
pub use token_cache::TokenCache;
pub use validation::TokenValidation;

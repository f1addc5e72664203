//! The gRPC methods: wire message → question → core → answer → wire message.
//!
//! Owns the places where answers are built. Decides nothing.

mod admission;
mod call;
mod callers;
mod check_answer;
mod check_answers;
mod claims_struct;
mod deadline;
mod decrypter;
mod endpoint;
mod ext_authz;
mod fields;
mod framing;
mod front_door;
mod generation;
mod health;
mod judge;
mod library;
mod message;
mod methods;
pub(crate) mod reflection;
mod response;
mod state;
mod token_cache;
mod validate;
mod validate_answers;
mod validate_batch;

pub use callers::Callers;
pub use check_answer::CheckAnswer;
pub use check_answers::CheckAnswers;
pub use generation::Generation;
pub use health::Health;
pub(crate) use methods::SERVICES;
pub use methods::{InProcessClient, Methods};
pub use state::State;
pub use token_cache::TokenCache;
pub(crate) use validate_answers::ValidateAnswers;

//! The seam between connections and the methods that are called on them.

use std::pin::Pin;

use http::{Request, Response};
use tonic::body::Body;

use super::Connection;

/// Answers the calls of a listener's connections.
pub trait CallHandler: Send + Sync + 'static {
    /// Begins a call whose metadata has arrived.
    ///
    /// No task exists for the call yet. The handler reserves here all that the call will hold, so
    /// that a flood of calls is bounded before it becomes a flood of tasks.
    fn begin(&self, call: Request<Body>, connection: &Connection) -> BegunCall;
}

/// A call that has begun.
pub struct BegunCall {
    /// Decides for how long it may run.
    pub kind: CallKind,
    /// Reads the call and answers it.
    pub answer: Pin<Box<dyn Future<Output = Response<Body>> + Send>>,
}

/// The kinds of calls that connections treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// It ends after 30 s, its answer included.
    Unary,
    /// It may go on for as long as its connection does, such as a watch of health.
    LongLived,
    /// As `Unary`, but it is refused, and does not count as a use of its connection.
    Refused,
}

//! The parts in which one front door differs from another.

use prost::Message;

use crate::authenticator::{Decision, Question};
use crate::telemetry::Door;
use crate::token::Denial;

use super::Generation;
use super::fields::CountedFields;
use super::framing::FramedMessage;

/// A front door: the questions that its messages ask, and the answers that it gives.
pub(super) trait FrontDoor: Send + Sync + 'static {
    type Message: Message + Default;
    /// The answers, prepared for one configuration.
    type Answers: Answers;
    /// The fields of `Message` that hold entries.
    const COUNTED_FIELDS: CountedFields;
    /// The name in logs, metrics and traces.
    const DOOR: Door;
    /// True if a caller takes a gRPC error for an error. Envoy may take it for an allow.
    const HAS_GRPC_ERRORS: bool;

    /// The question that a message asks; `None` if it asks none.
    fn question(message: &Self::Message) -> Option<Question<'_>>;
}

/// Each answer is an allow or a denial.
pub(super) trait Answers {
    fn of(generation: &Generation) -> &Self;

    fn answer(&self, decision: &Decision<'_>, question: &Question<'_>) -> FramedMessage;

    /// The answer to a call that is denied without a judgement.
    fn refuse(&self, denial: &Denial) -> FramedMessage;
}

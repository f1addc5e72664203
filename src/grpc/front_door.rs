//! What a front door adds to the one way from a message to an answer.

use prost::Message;

use crate::authenticator::{Decision, Question};
use crate::telemetry::Door;
use crate::token::Denial;

use super::Generation;
use super::fields::Shape;

/// A front door: how its messages are read and its answers are written.
pub(super) trait FrontDoor {
    /// What a call carries.
    type Message: Message + Default;
    /// What a verdict becomes.
    type Answer;
    /// Where its messages have entries.
    const SHAPE: Shape;
    /// The name that logs, metrics and traces use.
    const DOOR: Door;

    /// What is asked; `None` where the message does not say.
    fn question(message: &Self::Message) -> Option<Question<'_>>;

    /// The answer to a question.
    fn answer(
        generation: &Generation,
        decision: &Decision<'_>,
        question: &Question<'_>,
    ) -> Self::Answer;

    /// The answer to a call that cannot be judged at all.
    fn refuse(generation: &Generation, denial: &Denial) -> Self::Answer;
}

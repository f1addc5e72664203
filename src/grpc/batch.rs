//! The answer to a batch: each reply is encoded as soon as it is there, so that no more than one is in
//! memory as a tree, which is many times larger.

use bytes::Bytes;
use prost::encoding::message;

use super::Reply;
use super::unary::PREFIX;

/// Largest answer, in bytes: the most that clients of gRPC take by default.
pub(super) const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// The number of `responses` in `ValidateBatchResponse`.
const RESPONSES: u32 = 1;

/// A `ValidateBatchResponse`, framed and encoded as far as there are replies.
pub(super) struct BatchAnswer {
    framed: Vec<u8>,
}

/// A reply has no room in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// The answer would be larger than any may be.
    TooLarge,
    /// There is no memory for it.
    Memory,
}

impl BatchAnswer {
    /// An answer without replies.
    pub(super) fn new() -> Self {
        let framed = vec![0; PREFIX];
        Self { framed }
    }

    /// Adds a reply. `draw` is asked for memory where more is needed, in bytes.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub(super) fn push(
        &mut self,
        reply: &Reply,
        draw: impl FnOnce(usize) -> bool,
    ) -> Result<(), NoRoom> {
        let added = message::encoded_len(RESPONSES, reply.message());
        let length = self.framed.len().saturating_add(added);
        if length > PREFIX + MAX_ANSWER {
            return Err(NoRoom::TooLarge);
        }
        let capacity = self.framed.capacity();
        if length > capacity {
            let wanted = length.max(2 * capacity).min(PREFIX + MAX_ANSWER);
            if !draw(wanted - capacity) {
                return Err(NoRoom::Memory);
            }
            self.framed.reserve_exact(wanted - self.framed.len());
        }
        message::encode(RESPONSES, reply.message(), &mut self.framed);
        Ok(())
    }

    /// The message with its prefix.
    pub(super) fn framed(mut self) -> Bytes {
        let length = self.framed.len() - PREFIX;
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(prefix) = self.framed.get_mut(1..PREFIX) {
            prefix.copy_from_slice(&length);
        }
        self.framed.into()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use prost::Message as _;

    use crate::config::Config;

    use crate::token::Denial;
    use crate::wire::watchword::v1::ValidateBatchResponse;

    use super::super::Replies;
    use super::{BatchAnswer, MAX_ANSWER, NoRoom, PREFIX};

    fn replies() -> Replies {
        let text =
            "issuers: {a: {issuer: 'https://a.example', any_audience: true, jwks: {file: a.json}}}";
        let config = Config::parse(text, Path::new("batch.yaml")).unwrap();
        Replies::new(&config.policy, "a realm")
    }

    #[test]
    fn what_is_encoded_one_by_one_is_the_whole_message() {
        let (replies, mut answer) = (replies(), BatchAnswer::new());
        let mut whole = ValidateBatchResponse::default();
        let mut drawn = PREFIX;
        for denial in Denial::samples() {
            let reply = replies.refuse(&denial);
            let draw = |bytes| {
                drawn += bytes;
                true
            };
            answer.push(&reply, draw).unwrap();
            assert!(drawn >= answer.framed.capacity());
            whole.responses.push(reply.into_message());
        }
        let framed = answer.framed();
        let (prefix, message) = framed.split_at(PREFIX);
        assert_eq!(message, whole.encode_to_vec());
        assert_eq!(prefix[0], 0);
        let length = u32::try_from(message.len()).unwrap();
        assert_eq!(prefix[1..], length.to_be_bytes());
    }

    #[test]
    fn an_answer_is_bounded_and_draws_on_memory() {
        let reply = replies().refuse(&Denial::TokenMissing);
        let mut answer = BatchAnswer::new();
        let mut refused = Ok(());
        while refused.is_ok() {
            refused = answer.push(&reply, |_| true);
        }
        assert_eq!(refused, Err(NoRoom::TooLarge));
        let room = PREFIX + MAX_ANSWER - answer.framed.len();
        assert!(room < reply.message().encoded_len() + 8);
        let nothing = BatchAnswer::new().push(&reply, |_| false);
        assert_eq!(nothing, Err(NoRoom::Memory));
    }
}

//! `watchword.v1.TokenValidation/ValidateBatch`: many questions of `Validate` in one message.
//!
//! Each answer is encoded as soon as it is there: as a tree, it is many times larger.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use prost::Message as _;
use prost::encoding;
use tonic::Code;
use tonic::body::Body;

use crate::token::Denial;
use crate::wire::watchword::v1::ValidateBatchRequest;

use super::State;
use super::admission::ReceivedCall;
use super::endpoint::{ANSWERS_UNREAD, CALLER_REFUSED};
use super::fields::{self, CountedFields};
use super::framing::{FramedMessage, PREFIX, prefix};
use super::judge::Judge;
use super::response::{self, GrpcStatus};
use super::validate::Validate;

const MAX_QUESTIONS: usize = 100;
/// Largest answer, in bytes: the most that gRPC clients accept by default.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// The number of `responses` in `ValidateBatchResponse`.
const RESPONSES: u32 = 1;

const NO_QUESTIONS: GrpcStatus =
    GrpcStatus::new(Code::InvalidArgument, "a batch has from 1 to 100 requests");
const TOO_LARGE: GrpcStatus = GrpcStatus::new(
    Code::ResourceExhausted,
    "the answers have more than 4 MiB: ask for fewer at a time",
);

/// Answers a call. Judges one question after the other, so that a batch takes no more of the
/// machine than its questions would by themselves.
pub(super) async fn answer(state: Arc<State>, call: ReceivedCall) -> Response<Body> {
    let ReceivedCall {
        call,
        message,
        permit,
        memory,
        ..
    } = call;
    let judge = Judge::<Validate>::new(&state, &call).within(memory.as_ref());
    let questions = match message.and_then(questions) {
        Ok(questions) => questions,
        Err(denial) => {
            judge.refuse(&denial);
            return status_of(&denial).response();
        }
    };
    if questions.is_empty() || questions.len() > MAX_QUESTIONS {
        return NO_QUESTIONS.response();
    }
    let mut answers = BatchAnswer::new();
    for question in questions {
        let permit = permit.as_ref().filter(|permit| permit.try_reacquire());
        let answer = judge.decide(question, permit).await;
        let reserve = |bytes| memory.as_ref().is_none_or(|memory| memory.try_grow(bytes));
        if let Err(status) = answers.push(&answer, reserve) {
            return status.response();
        }
        // Other calls are worked on in between.
        if let Some(permit) = permit {
            permit.release();
        }
        tokio::task::yield_now().await;
    }
    response::ok(answers.framed(), memory)
}

/// The questions of a batch, still encoded.
fn questions(message: Bytes) -> Result<Vec<Bytes>, Denial> {
    let batch = fields::are_few(&message, &CountedFields(&[]))
        .then(|| ValidateBatchRequest::decode(message));
    match batch {
        Some(Ok(batch)) => Ok(batch.requests),
        _ => Err(Denial::RequestMalformed),
    }
}

fn status_of(denial: &Denial) -> GrpcStatus {
    match denial {
        Denial::CallerNotAllowed => CALLER_REFUSED,
        Denial::Overloaded => GrpcStatus::new(Code::Unavailable, "too many large messages"),
        _ => GrpcStatus::new(Code::InvalidArgument, "the message cannot be read"),
    }
}

/// A `ValidateBatchResponse`, framed, with the answers so far.
struct BatchAnswer {
    framed: Vec<u8>,
}

impl BatchAnswer {
    fn new() -> Self {
        let framed = vec![0; PREFIX];
        Self { framed }
    }

    /// Adds an answer. `reserve` is called with the bytes of memory that it needs, if it needs any.
    ///
    /// # Errors
    /// The status to end the call with, if the batch becomes too large or there is no memory for
    /// it.
    fn push(
        &mut self,
        answer: &FramedMessage,
        reserve: impl FnOnce(usize) -> bool,
    ) -> Result<(), GrpcStatus> {
        // On the wire, a message in a message is a field of bytes.
        let answer = answer.message();
        let added = encoding::bytes::encoded_len(RESPONSES, &answer);
        let length = self.framed.len().saturating_add(added);
        if length > PREFIX + MAX_ANSWER {
            return Err(TOO_LARGE);
        }
        let capacity = self.framed.capacity();
        if length > capacity {
            let wanted = length.max(2 * capacity).min(PREFIX + MAX_ANSWER);
            if !reserve(wanted - capacity) {
                return Err(ANSWERS_UNREAD);
            }
            self.framed.reserve_exact(wanted - self.framed.len());
        }
        encoding::bytes::encode(RESPONSES, &answer, &mut self.framed);
        Ok(())
    }

    fn framed(mut self) -> Bytes {
        let prefix = prefix(self.framed.len() - PREFIX);
        if let Some(start) = self.framed.first_chunk_mut() {
            *start = prefix;
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
    use crate::wire::watchword::v1::{ValidateBatchResponse, ValidateResponse};

    use super::super::ValidateAnswers;
    use super::super::front_door::Answers as _;
    use super::{ANSWERS_UNREAD, BatchAnswer, MAX_ANSWER, PREFIX, TOO_LARGE};

    fn prepared() -> ValidateAnswers {
        let text =
            "issuers: {a: {issuer: 'https://a.example', any_audience: true, jwks: {file: a.json}}}";
        let config = Config::parse(text, Path::new("batch.yaml")).unwrap();
        ValidateAnswers::new(&config.policy, "a realm")
    }

    #[test]
    fn what_is_encoded_one_by_one_is_the_whole_message() {
        let (prepared, mut batch) = (prepared(), BatchAnswer::new());
        let mut whole = ValidateBatchResponse::default();
        let mut drawn = PREFIX;
        for denial in Denial::samples() {
            let answer = prepared.refuse(&denial);
            let draw = |bytes| {
                drawn += bytes;
                true
            };
            let response = ValidateResponse::decode(answer.message()).unwrap();
            batch.push(&answer, draw).unwrap();
            assert!(drawn >= batch.framed.capacity());
            whole.responses.push(response);
        }
        let framed = batch.framed();
        let (prefix, message) = framed.split_at(PREFIX);
        assert_eq!(message, whole.encode_to_vec());
        assert_eq!(prefix[0], 0);
        let length = u32::try_from(message.len()).unwrap();
        assert_eq!(prefix[1..], length.to_be_bytes());
    }

    #[test]
    fn an_answer_is_bounded_and_draws_on_memory() {
        let answer = prepared().refuse(&Denial::TokenMissing);
        let mut batch = BatchAnswer::new();
        let mut refused = Ok(());
        while refused.is_ok() {
            refused = batch.push(&answer, |_| true);
        }
        assert_eq!(refused, Err(TOO_LARGE));
        let room = PREFIX + MAX_ANSWER - batch.framed.len();
        assert!(room < answer.message().len() + 8);
        let nothing = BatchAnswer::new().push(&answer, |_| false);
        assert_eq!(nothing, Err(ANSWERS_UNREAD));
    }
}

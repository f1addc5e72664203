//! Judges a question by the configuration and keys of the moment, again if its key is missing, and
//! reports the decision.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tracing::error;

use crate::authenticator::{Decision, Decryption, DecryptionWork, Question, Verdict, authenticate};
use crate::jwks::{CallTime, KeyRequest};
use crate::listen::Permit;
use crate::memory::Reservation;
use crate::telemetry::{DecisionEvent, DecisionOutcome, RequestId};
use crate::token::{Denial, UnixTime};

use super::call::Call;
use super::fields;
use super::framing::FramedMessage;
use super::front_door::{Answers as _, FrontDoor};
use super::message;
use super::{Generation, State};

/// Most judgements of a question: before a fetch that is under way, after it, and after the next.
const MAX_JUDGEMENTS: usize = 3;
/// Longest wait for a key, even if the caller would wait longer.
const MAX_KEY_WAIT: Duration = Duration::from_secs(10);

/// Most decryptions of a question: a reload may replace the keys meanwhile.
const MAX_DECRYPTIONS: usize = 2;

/// What was done so far so that a question can be answered.
struct Preparation {
    /// The time in which missing keys may be requested; `None`: no more.
    call_time: Option<CallTime>,
    key_requests: usize,
    /// The state of the question's token, if it is encrypted.
    decryption: Decryption,
    decryptions: usize,
    /// The memory of the decrypted token.
    memory: Option<Reservation>,
}

/// The reason for which a question cannot be answered yet.
enum Obstacle {
    MissingKey(KeyRequest),
    Encrypted(DecryptionWork),
}

pub(super) struct Judge<'c, D> {
    state: &'c State,
    call: &'c Call,
    /// The memory of the call; `None` outside of a connection.
    memory: Option<&'c Reservation>,
    door: PhantomData<D>,
}

impl<'c, D: FrontDoor> Judge<'c, D> {
    pub(super) fn new(state: &'c State, call: &'c Call) -> Self {
        Self {
            state,
            call,
            memory: None,
            door: PhantomData,
        }
    }

    /// The same, for a call whose memory is counted.
    pub(super) fn within(self, memory: Option<&'c Reservation>) -> Self {
        Self { memory, ..self }
    }

    /// Answers a question. Everything ends in an allow or a denial: undecodable messages, and
    /// panics too.
    ///
    /// A question whose token must be decrypted waits for that, and is judged again.
    ///
    /// A question whose key is missing waits for a fetch, for a bounded time, and is then judged
    /// again from its start. If the fetch began before the question was asked, and did not bring
    /// the key, it may wait for the next one. It releases its permit while it waits.
    pub(super) async fn decide(
        &self,
        mut message: Bytes,
        permit: Option<&Permit>,
    ) -> FramedMessage {
        // A caller that no longer waits for its answer must not delay the others.
        let Some(permit) = permit.filter(|_| !self.call.deadline.has_passed()) else {
            return self.refuse(&Denial::Overloaded);
        };
        let time_left = self.call.deadline.time_left();
        let call_time = CallTime {
            judged_at: self.state.clock.moment(),
            time_left: time_left.map(|left| left.min(MAX_KEY_WAIT)),
        };
        let mut preparation = Preparation {
            call_time: Some(call_time),
            key_requests: 0,
            decryption: Decryption::Later,
            decryptions: 0,
            memory: None,
        };
        loop {
            let obstacle = match self.judge(&message, &preparation) {
                Ok(answer) => return answer,
                Err(obstacle) => obstacle,
            };
            message = message::without_spare_buffer(message);
            match obstacle {
                Obstacle::Encrypted(work) => self.decrypt(work, permit, &mut preparation).await,
                Obstacle::MissingKey(request) => {
                    self.wait_for_key(request, permit, &mut preparation).await;
                }
            }
        }
    }

    /// Has a token decrypted. If it cannot be done now, the next judgement denies it.
    async fn decrypt(&self, work: DecryptionWork, permit: &Permit, preparation: &mut Preparation) {
        preparation.decryptions += 1;
        let memory = self.memory.map(|memory| memory.beside(work.memory()));
        if preparation.decryptions > MAX_DECRYPTIONS || matches!(memory, Some(None)) {
            preparation.decryption = Decryption::Refused(Denial::Overloaded);
            return;
        }
        preparation.memory = memory.flatten();
        permit.release();
        let (clock, time_left) = (&self.state.clock, self.call.deadline.time_left());
        let result = self.state.decrypter.decrypt(work, clock, time_left).await;
        permit.reacquire();
        if matches!(result, Err(Denial::Internal)) {
            self.state.telemetry.metrics.panics.inc();
        }
        preparation.decryption = result.map_or_else(Decryption::Refused, Decryption::Done);
    }

    /// Waits for a fetch, unless there are other keys by now. The last judgement does not ask for
    /// keys.
    async fn wait_for_key(
        &self,
        request: KeyRequest,
        permit: &Permit,
        preparation: &mut Preparation,
    ) {
        preparation.key_requests += 1;
        let mut is_last = preparation.key_requests + 1 >= MAX_JUDGEMENTS;
        if let KeyRequest::Wait(wait) = request {
            is_last |= wait.is_for_next_fetch;
            permit.release();
            self.state.telemetry.metrics.key_waits.inc();
            wait.keys_changed().await;
            permit.reacquire();
        }
        if is_last {
            preparation.call_time = None;
        }
    }

    /// Answers a call without judging it: a denial, or an allow in shadow mode.
    pub(super) fn refuse(&self, denial: &Denial) -> FramedMessage {
        self.refuse_by(&self.state.generation(), denial)
    }

    /// Judges a question once. Requests a key that is missing if the call can wait for it. The
    /// error says what to do before it is judged again.
    fn judge(&self, message: &Bytes, preparation: &Preparation) -> Result<FramedMessage, Obstacle> {
        let generation = self.state.generation();
        let judge = || {
            let is_decodable = fields::are_few(message, &D::COUNTED_FIELDS);
            let decoded = is_decodable.then(|| D::Message::decode(message.clone()).ok());
            match decoded.flatten().as_ref().and_then(D::question) {
                Some(mut question) => {
                    question.decryption = preparation.decryption.clone();
                    self.answer(&generation, &question, preparation.call_time)
                }
                None => Ok(self.refuse_by(&generation, &Denial::RequestMalformed)),
            }
        };
        catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
            error!("a decision panicked; it counts as internal");
            self.state.telemetry.metrics.panics.inc();
            Ok(self.refuse_by(&generation, &Denial::Internal))
        })
    }

    fn answer(
        &self,
        generation: &Generation,
        question: &Question<'_>,
        call_time: Option<CallTime>,
    ) -> Result<FramedMessage, Obstacle> {
        let snapshot = generation.snapshot();
        let now = self.state.clock.current_time();
        let mut decision = authenticate(&snapshot, question, now, &generation.tokens);
        if let Some(work) = decision.to_decrypt.take() {
            return Err(Obstacle::Encrypted(work));
        }
        if let (Some(call_time), Some(missing)) = (call_time, &decision.missing_key) {
            match generation.sources().request_key(missing, call_time) {
                KeyRequest::Refused => {}
                retry => return Err(Obstacle::MissingKey(retry)),
            }
        }
        if decision.stale {
            self.state.telemetry.metrics.count_stale();
        }
        if matches!(decision.verdict, Verdict::Deny(Denial::Overloaded)) {
            self.state.telemetry.metrics.overloaded.inc();
        }
        let answer = D::Answers::of(generation).answer(&decision, question);
        self.report(generation, question, &decision, now.unix);
        Ok(answer)
    }

    fn report(
        &self,
        generation: &Generation,
        question: &Question<'_>,
        decision: &Decision<'_>,
        now: UnixTime,
    ) {
        let outcome = match &decision.shadowed {
            Some(denial) => DecisionOutcome::Shadowed(denial),
            None => DecisionOutcome::from(&decision.verdict),
        };
        let request = question.request.as_ref();
        let id = request.and_then(|request| request.values("x-request-id").next());
        let near_miss = decision.near_miss;
        self.state.telemetry.record(&DecisionEvent {
            door: D::DOOR,
            shadow: generation.policy.is_shadow(decision.rule),
            outcome,
            issuer: decision.issuer.map(|issuer| &issuer.name),
            rule: decision.rule.map(|rule| &rule.name),
            near_miss: near_miss.map(|miss| (&miss.rule.name, miss.part.name())),
            token: decision.token.as_deref(),
            request_id: RequestId::new(id.unwrap_or_default()),
            trace: self.call.trace.context(request),
            at: now,
            latency: self.call.deadline.elapsed(),
        });
    }

    fn refuse_by(&self, generation: &Generation, denial: &Denial) -> FramedMessage {
        if *denial == Denial::Overloaded {
            self.state.telemetry.metrics.overloaded.inc();
        }
        let is_shadow = generation.policy.is_all_shadow();
        let outcome = if is_shadow {
            DecisionOutcome::Shadowed(denial)
        } else {
            DecisionOutcome::Denied(denial)
        };
        self.state.telemetry.record(&DecisionEvent {
            door: D::DOOR,
            shadow: is_shadow,
            outcome,
            issuer: None,
            rule: None,
            near_miss: None,
            token: None,
            request_id: RequestId::default(),
            trace: self.call.trace.context(None),
            at: self.state.clock.now(),
            latency: self.call.deadline.elapsed(),
        });
        D::Answers::of(generation).refuse(denial)
    }
}

#[cfg(test)]
mod tests;

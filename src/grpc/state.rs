//! What all calls share, and how one call is judged by it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use prost::Message as _;
use tracing::{debug, error};

use crate::authenticator::{MissingKey, Question, authenticate};
use crate::clock::Clock;
use crate::jwks::{CallTime, KeyRequest, KeyWait};
use crate::memory::{Account, Pool, Reservation};
use crate::telemetry::{
    DecisionEvent, DecisionOutcome, Metrics, ReloadHistory, RequestId, Telemetry,
};
use crate::token::Denial;

use super::call::{Call, Unreadable};
use super::fields;
use super::front_door::FrontDoor;
use super::{CallerRefused, Generation};

/// How often a call is judged at most: for a fetch under way, for the next one, and for its answer.
const MAX_JUDGEMENTS: usize = 3;
/// Longest wait for a key, however long the caller would wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What all calls share.
#[derive(Debug)]
pub struct State {
    /// Replaced as a whole when the configuration is.
    generation: ArcSwap<Generation>,
    /// The time.
    pub clock: Clock,
    /// What decisions are told to.
    pub telemetry: Telemetry,
    /// What became of reloads.
    pub reloads: ReloadHistory,
    stopping: AtomicBool,
    /// Places for calls that are worked on. Those that wait for their message, or for a key, take none: others need not
    /// wait for them, and each of these waits has a bound of its own.
    places: Pool,
    /// The places of callers within the process.
    pub(super) local: Account,
    /// Held by each call until it is answered.
    pub(super) calls: Arc<()>,
}

impl State {
    /// The state of a server that has not been called yet, with room for this many calls at a time.
    #[must_use]
    pub fn new(
        generation: Generation,
        max_in_flight: usize,
        clock: Clock,
        telemetry: Telemetry,
    ) -> Self {
        let places = Pool::new(max_in_flight);
        Self {
            generation: ArcSwap::from_pointee(generation),
            clock,
            telemetry,
            reloads: ReloadHistory::default(),
            stopping: AtomicBool::new(false),
            local: places.account(0),
            places,
            calls: Arc::new(()),
        }
    }

    /// The configuration in use.
    pub fn generation(&self) -> Guard<Arc<Generation>> {
        self.generation.load()
    }

    /// Judges calls by another configuration from now on. Those that are being judged end under
    /// theirs, but for those that wait for a key.
    pub fn replace(&self, generation: Generation) {
        self.generation.store(Arc::new(generation));
    }

    /// Notes that the server is about to stop. Calls are answered as before.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Places for calls that are worked on.
    #[must_use]
    pub fn places(&self) -> Pool {
        self.places.clone()
    }

    /// How many calls are being read or judged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        Arc::strong_count(&self.calls).saturating_sub(1)
    }

    /// Answers one call. Everything ends in an allow or a denial: undecodable messages, and panics too.
    ///
    /// A request whose key is not there waits for a fetch, a bounded time, and is then judged again. If the fetch had
    /// started before the request asked, and did not bring the key, the request may wait for the next one.
    pub(super) async fn decide<D: FrontDoor>(
        &self,
        call: &Call,
        place: Option<&Reservation>,
    ) -> D::Answer {
        let Some(place) = place else {
            return self.refuse::<D>(&Denial::Overloaded, call);
        };
        if call.message.is_ok() && call.is_late() {
            // Nobody waits for this answer any more, and others wait for theirs.
            return self.refuse::<D>(&Denial::Overloaded, call);
        }
        let call_time = CallTime {
            judged_at: self.clock.moment(),
            time_left: call.time_left().map(|left| left.min(LONGEST_WAIT)),
        };
        let mut kept = None;
        for _ in 1..MAX_JUDGEMENTS {
            let call = kept.as_ref().unwrap_or(call);
            let waiting = match self.judge::<D>(call, Some(call_time)) {
                Ok(answer) => return answer,
                Err(Again::Now) => continue,
                Err(Again::After(waiting)) => waiting,
            };
            let is_last = waiting.is_for_next_fetch();
            kept = Some(call.compact());
            place.release();
            self.metrics().key_waits.inc();
            waiting.keys_changed().await;
            place.grow(1);
            if is_last {
                break;
            }
        }
        // The last time, a key that is not there is not asked for.
        let answer = self.judge::<D>(kept.as_ref().unwrap_or(call), None);
        answer.unwrap_or_else(|_| self.refuse::<D>(&Denial::Internal, call))
    }

    /// Judges a call by the configuration of this moment. A key that is not there is asked for where the call can wait.
    fn judge<D: FrontDoor>(
        &self,
        call: &Call,
        call_time: Option<CallTime>,
    ) -> Result<D::Answer, Again> {
        let generation = self.generation();
        let refuse = |denial: &Denial| Ok(self.refuse_by::<D>(&generation, denial, call));
        let judge = || match &call.message {
            Ok(message) => {
                let decoded = fields::are_few(message, &D::SHAPE)
                    .then(|| D::Message::decode(message.clone()).ok())
                    .flatten();
                match decoded.as_ref().and_then(D::question) {
                    Some(question) => self.answer_to::<D>(&generation, call, &question, call_time),
                    None => refuse(&Denial::RequestMalformed),
                }
            }
            Err(Unreadable::Malformed) => refuse(&Denial::RequestMalformed),
            Err(Unreadable::Overloaded) => refuse(&Denial::Overloaded),
        };
        catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
            error!("a decision panicked; the request was denied");
            self.metrics().panics.inc();
            refuse(&Denial::Internal)
        })
    }

    fn answer_to<D: FrontDoor>(
        &self,
        generation: &Generation,
        call: &Call,
        question: &Question<'_>,
        call_time: Option<CallTime>,
    ) -> Result<D::Answer, Again> {
        let snapshot = generation.snapshot();
        let now = self.clock.current_time();
        let decision = authenticate(&snapshot, question, now, &generation.tokens);
        if let (Some(call_time), Some(missing)) = (call_time, &decision.missing_key)
            && let Some(again) = again(generation, missing, call_time)
        {
            return Err(again);
        }
        if decision.stale {
            self.metrics().count_stale();
        }
        let answer = D::answer(generation, &decision, question);
        let outcome = match &decision.shadowed {
            Some(denial) => DecisionOutcome::Shadowed(denial),
            None => DecisionOutcome::from(&decision.verdict),
        };
        let request = question.request.as_ref();
        let id = request.and_then(|request| request.values("x-request-id").next());
        self.telemetry.record(&DecisionEvent {
            shadow: generation.policy().is_shadow(decision.rule),
            issuer: decision.issuer.map(|issuer| &issuer.name),
            rule: decision.rule.map(|rule| &rule.name),
            near_miss: decision
                .near_miss
                .map(|near_miss| (&near_miss.rule.name, near_miss.part.name())),
            token: decision.token.as_deref(),
            request_id: RequestId::new(id.unwrap_or_default()),
            trace: call.trace(request),
            at: now.unix,
            ..call.event::<D>(outcome)
        });
        Ok(answer)
    }

    pub(super) fn refuse<D: FrontDoor>(&self, denial: &Denial, call: &Call) -> D::Answer {
        self.refuse_by::<D>(&self.generation(), denial, call)
    }

    /// Refuses a caller that may not ask.
    pub(super) fn turn_away<D: FrontDoor>(&self, refused: CallerRefused, call: &Call) -> D::Answer {
        debug!(reason = %refused, "a caller is turned away");
        self.refuse::<D>(&Denial::CallerNotAllowed, call)
    }

    /// Without a look at the message.
    fn refuse_by<D: FrontDoor>(
        &self,
        generation: &Generation,
        denial: &Denial,
        call: &Call,
    ) -> D::Answer {
        if *denial == Denial::Overloaded {
            self.metrics().overloaded.inc();
        }
        let all_shadow = generation.policy().is_all_shadow();
        let outcome = if all_shadow {
            DecisionOutcome::Shadowed(denial)
        } else {
            DecisionOutcome::Denied(denial)
        };
        self.telemetry.record(&DecisionEvent {
            shadow: all_shadow,
            trace: call.trace(None),
            at: self.clock.now(),
            ..call.event::<D>(outcome)
        });
        D::refuse(generation, denial)
    }

    fn metrics(&self) -> &Metrics {
        &self.telemetry.metrics
    }
}

/// A judgement that other keys might change.
enum Again {
    /// They are there.
    Now,
    /// They may be, after a wait.
    After(KeyWait),
}

fn again(generation: &Generation, missing: &MissingKey, call_time: CallTime) -> Option<Again> {
    match generation.request_key(missing, call_time) {
        KeyRequest::KeysChanged => Some(Again::Now),
        KeyRequest::Wait(waiting) => Some(Again::After(waiting)),
        KeyRequest::Refused => None,
    }
}

#[cfg(test)]
mod tests;

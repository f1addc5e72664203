//! The front door of services, `watchword.v1.TokenValidation/Validate`: the question of a message.

use bytes::Bytes;

use crate::authenticator::{Question, RawToken};
use crate::policy::Demand;
use crate::request::{Header, Request};
use crate::telemetry::Door;
use crate::token::{Audiences, is_scope_byte};
use crate::wire::watchword::v1 as wire;

use super::ValidateAnswers;
use super::fields::CountedFields;
use super::front_door::FrontDoor;

/// Most audiences, and most scopes, that a caller may demand.
const MAX_DEMANDED: usize = 100;

pub(super) struct Validate;

impl FrontDoor for Validate {
    type Message = wire::ValidateRequest;
    type Answers = ValidateAnswers;
    const DOOR: Door = Door::Validate;
    /// `request` and `demand`
    const COUNTED_FIELDS: CountedFields =
        CountedFields(&[(2, CountedFields(&[])), (3, CountedFields(&[]))]);
    const HAS_GRPC_ERRORS: bool = true;

    fn question(message: &wire::ValidateRequest) -> Option<Question<'_>> {
        let token = Some(&message.token).filter(|token| !token.is_empty());
        let demand = match &message.demand {
            Some(wanted) => Some(demand(wanted)?),
            None => None,
        };
        Some(Question {
            request: message.request.as_ref().map(facts),
            token: token.map(|token| RawToken(token)),
            demand,
            ..Question::default()
        })
    }
}

fn facts(request: &wire::Request) -> Request<'_> {
    let headers = request.headers.iter().map(|field| Header {
        name: &field.name,
        value: &field.value,
    });
    let context = request.context.iter();
    Request {
        method: &request.method,
        path: &request.path,
        host: &request.host,
        headers: headers.collect(),
        context: context.map(|entry| (&*entry.key, &*entry.value)).collect(),
    }
}

/// A demand; `None` if it is too long, or has a word that no token could have.
fn demand(demand: &wire::Demand) -> Option<Demand> {
    let audiences = words(&demand.audiences, |_| true)?;
    let scopes = words(&demand.scopes, is_scope_byte)?;
    Some(Demand {
        optional: false,
        issuers: Vec::new(),
        audiences: if audiences.is_empty() {
            Audiences::Any
        } else {
            Audiences::OneOf(audiences)
        },
        scopes,
        claims: Vec::new(),
    })
}

/// Words of UTF-8 that are not empty and have only allowed bytes; `None` if any is not.
fn words(list: &[Bytes], allowed: impl Fn(u8) -> bool) -> Option<Vec<Box<str>>> {
    let word = |bytes: &Bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let is_word = !text.is_empty() && text.bytes().all(&allowed);
        is_word.then(|| text.into())
    };
    if list.len() > MAX_DEMANDED {
        return None;
    }
    list.iter().map(word).collect()
}

//! Envoy's front door, `envoy.service.auth.v3.Authorization/Check`: the question of a message.

use crate::authenticator::Question;
use crate::request::{Header, Request};
use crate::telemetry::Door;
use crate::token::Denial;
use crate::wire::envoy::service::auth::v3::attribute_context;
use crate::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::CheckAnswers;
use super::fields::CountedFields;
use super::front_door::FrontDoor;

pub(super) struct Check;

impl FrontDoor for Check {
    type Message = CheckRequest;
    type Answers = CheckAnswers;
    const DOOR: Door = Door::Check;
    /// `attributes.request.http.header_map`
    const COUNTED_FIELDS: CountedFields = CountedFields(&[(
        1,
        CountedFields(&[(
            4,
            CountedFields(&[(2, CountedFields(&[(13, CountedFields(&[]))]))]),
        )]),
    )]);
    const HAS_GRPC_ERRORS: bool = false;

    fn question(message: &CheckRequest) -> Option<Question<'_>> {
        facts(message).map(Question::from)
    }
}

/// The facts of the request; `None` if the message lacks them, as one from a TCP filter does.
fn facts(check: &CheckRequest) -> Option<Request<'_>> {
    let attributes: &AttributeContext = check.attributes.as_ref()?;
    let http: &attribute_context::HttpRequest = attributes.request.as_ref()?.http.as_ref()?;
    let raw = http.header_map.as_ref().map_or(&[][..], |map| &map.headers);
    let listed = http.headers.iter().map(|field| Header {
        name: &field.key,
        value: &field.value,
    });
    let raw = raw.iter().map(|field| Header {
        name: &field.key,
        value: if field.raw_value.is_empty() {
            &field.value
        } else {
            &field.raw_value
        },
    });
    // Envoy writes `!` into `path` for each byte that is not UTF-8. The raw field has the bytes
    // that the service gets.
    let path = pseudo(raw.clone(), b":path").ok()?.unwrap_or(&http.path);
    // gRPC's own callers leave `host` empty and send the pseudo-header.
    let host = match &*http.host {
        b"" => pseudo(raw.clone(), b":authority").ok()?.unwrap_or_default(),
        host => host,
    };
    let context = attributes
        .context_extensions
        .iter()
        .map(|entry| (&*entry.key, &*entry.value));
    Some(Request {
        method: &http.method,
        path,
        host,
        headers: listed.chain(raw).collect(),
        context: context.collect(),
    })
}

/// The value of a pseudo-header, which no client sends by itself.
///
/// # Errors
/// [`Denial::RequestMalformed`] if there are two of them.
fn pseudo<'a>(
    fields: impl Iterator<Item = Header<'a>>,
    name: &[u8],
) -> Result<Option<&'a [u8]>, Denial> {
    let mut found = fields
        .filter(|field| field.name == name)
        .map(|field| field.value);
    let first = found.next();
    if found.next().is_some() {
        Err(Denial::RequestMalformed)
    } else {
        Ok(first)
    }
}

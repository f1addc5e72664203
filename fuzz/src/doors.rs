//! Targets `check_request` and `validate`: calls as a whole, from the bytes of a gRPC message to
//! those of its answer, within the process.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use prost_types::Struct;
use prost_types::value::Kind;
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use watchword::app::{Engine, ServerEnvironment};
use watchword::clock::Clock;
use watchword::grpc::InProcessClient;
use watchword::jwks::{Fetch, FetchError, Fetched, FetchedSource, Validators};
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{CheckRequest, CheckResponse, OkHttpResponse};
use watchword::wire::watchword::v1::validate_response::Verdict;
use watchword::wire::watchword::v1::{ValidateRequest, ValidateResponse};
use watchword_test_support::in_process::question;

use super::input::Input;
use super::keys::NOW;
use super::second_opinion;
use super::tokens::RECIPES;
use super::world::WORLD;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
pub(super) const VALIDATE: &str = "/watchword.v1.TokenValidation/Validate";

/// A server without listeners and without a network, on a thread of its own.
struct Front {
    runtime: Runtime,
    engine: Engine,
}

thread_local! {
    static FRONT: Front = Front::new();
}

/// All keys are in the configuration.
struct NoNetwork;

impl Fetch for NoNetwork {
    fn fetch<'a>(
        &'a self,
        _: &'a FetchedSource,
        _: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>> {
        Box::pin(async { Err(FetchError::Abandoned) })
    }
}

impl Front {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let engine = runtime.block_on(async {
            let environment = ServerEnvironment {
                clock: Clock::fixed(NOW),
                fetch: Arc::new(NoNetwork),
                telemetry: None,
                seed: 0,
            };
            Engine::start(&WORLD.config, environment).expect("random numbers")
        });
        Self { runtime, engine }
    }

    fn call(&self, path: &str, body: Bytes) -> Bytes {
        let client = InProcessClient::new(self.engine.state.clone());
        let request = Request::post(path).body(Body::new(Full::new(body)));
        self.runtime.block_on(async {
            let answer = client.call(request.expect("a request")).await;
            let body = answer.into_body().collect().await;
            body.expect("an answer").to_bytes()
        })
    }
}

/// The message of an answer; `None` for a gRPC error.
pub(super) fn ask<M: Message + Default>(path: &str, body: Bytes) -> Option<M> {
    let answer = FRONT.with(|front| front.call(path, body));
    let message = answer.get(5..)?;
    Some(M::decode(message).expect("an answer decodes"))
}

/// One byte that says how the message is framed, and the message.
fn body(data: &[u8]) -> (Bytes, Option<&[u8]>) {
    let mut input = Input(data);
    let frame = input.byte();
    let message = input.0;
    let length = u32::try_from(message.len()).expect("a short input");
    let (flag, length) = match frame {
        0 => return (Bytes::copy_from_slice(message), None),
        1 => (1, length),
        2 => (0, length.wrapping_sub(1)),
        3 => (0, length.wrapping_add(1)),
        _ => (0, length),
    };
    let mut body = BytesMut::new();
    body.put_u8(flag);
    body.put_u32(length);
    body.put_slice(message);
    (body.freeze(), (frame > 3).then_some(message))
}

/// Any bytes as a `CheckRequest`. The answer decodes, is an allow or a denial, and allows nothing
/// that the second opinion does not.
pub fn check_request(data: &[u8]) -> bool {
    let (body, message) = body(data);
    let answer: CheckResponse = ask(CHECK, body).expect("never a gRPC error");
    let status = answer.status.as_ref().expect("an explicit status");
    let metadata = Struct::decode(answer.dynamic_metadata).expect("metadata decode");
    let fact = |name: &str| match metadata.fields.get(name)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text.as_str()),
        _ => None,
    };
    let reason = fact("reason").expect("a reason");
    match answer.http_response.expect("an explicit verdict") {
        HttpResponse::DeniedResponse(denied) => {
            let http = denied.status.expect("an HTTP status").code;
            assert!(status.code != 0 && (400..600).contains(&http), "{reason}");
            assert_ne!(reason, "internal");
            false
        }
        HttpResponse::OkResponse(changes) => {
            assert_eq!(status.code, 0);
            let message = message.and_then(|message| CheckRequest::decode(message).ok());
            let message = message.expect("an allow for a message that decodes");
            assert!(sets_or_removes_user(&changes));
            match reason {
                "anonymous" => assert_eq!(fact("rule"), Some("public")),
                "allowed" => assert!(has_good_token(&message), "accepted alone: {message:?}"),
                other => panic!("allowed as {other}"),
            }
            true
        }
    }
}

/// No value of the client survives in a header that Watchword manages.
fn sets_or_removes_user(changes: &OkHttpResponse) -> bool {
    let set = changes.headers.iter().filter_map(|it| it.header.as_ref());
    let mut names = set
        .map(|header| &header.key)
        .chain(&changes.headers_to_remove);
    names.any(|name| name.as_ref() == b"x-user")
}

fn has_good_token(message: &CheckRequest) -> bool {
    let attributes = message.attributes.as_ref();
    let http = attributes.and_then(|it| it.request.as_ref()?.http.as_ref());
    let Some(http) = http else { return false };
    let listed = http.headers.iter().map(|field| (&field.key, &field.value));
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    let raw = raw.flat_map(|it| [(&it.key, &it.value), (&it.key, &it.raw_value)]);
    let is_credential = |(key, _): &(&Bytes, &Bytes)| key.eq_ignore_ascii_case(b"authorization");
    let mut values = listed.chain(raw).filter(is_credential);
    values.any(|(_, value)| {
        let words = std::str::from_utf8(value).unwrap_or_default();
        words.split_whitespace().any(second_opinion::confirms)
    })
}

pub fn check_seeds() -> Vec<Vec<u8>> {
    let with_token = RECIPES.iter().step_by(3);
    let with_token = with_token.map(|recipe| call("/orders", Some(&recipe.token)));
    let plain = ["/public/a?b=c", "/orders"].map(|path| call(path, None));
    let messages = with_token.chain(plain).map(|call| call.encode_to_vec());
    let mut seeds: Vec<Vec<u8>> = messages.map(|it| [&[7][..], &it].concat()).collect();
    let odd: Vec<_> = (0..4)
        .map(|mode| [&[mode][..], &seeds[0][1..]].concat())
        .collect();
    seeds.extend(odd);
    seeds
}

/// A request of a client, as Envoy asks about it.
fn call(path: &str, token: Option<&str>) -> CheckRequest {
    let mut message = question(token.unwrap_or_default());
    let attributes = message.attributes.as_mut().expect("attributes");
    let http = attributes.request.as_mut().and_then(|it| it.http.as_mut());
    let http = http.expect("a request");
    (http.method, http.host) = ("GET".into(), "a.example".into());
    http.path = Bytes::copy_from_slice(path.as_bytes());
    if token.is_none() {
        http.headers.clear();
    }
    message
}

/// Any bytes as a `ValidateRequest`.
pub fn validate(data: &[u8]) -> bool {
    let (body, message) = body(data);
    // The caller takes a gRPC error for an error here.
    let answer: Option<ValidateResponse> = ask(VALIDATE, body);
    match answer.map(|answer| answer.verdict.expect("an explicit verdict")) {
        Some(Verdict::Deny(deny)) => {
            assert!(!deny.code.is_empty() && deny.reason != 0);
            assert_ne!(&deny.code[..], b"internal");
            false
        }
        Some(Verdict::Allow(allow)) if !allow.anonymous => {
            let message = message.and_then(|message| ValidateRequest::decode(message).ok());
            let message = message.expect("an allow for a message that decodes");
            let mut texts = vec![message.token];
            let headers = message
                .request
                .into_iter()
                .flat_map(|request| request.headers);
            texts.extend(headers.map(|header| header.value));
            let mut words = texts
                .iter()
                .filter_map(|text| std::str::from_utf8(text).ok());
            let is_good = words.any(|text| text.split_whitespace().any(second_opinion::confirms));
            assert!(is_good, "accepted alone: {texts:?}");
            true
        }
        Some(Verdict::Allow(_)) => true,
        None => false,
    }
}

pub fn validate_seeds() -> Vec<Vec<u8>> {
    let message = |token: &str, request| ValidateRequest {
        token: Bytes::copy_from_slice(token.as_bytes()),
        request,
        demand: None,
    };
    let request = watchword::wire::watchword::v1::Request {
        method: "GET".into(),
        path: "/public".into(),
        host: "a.example".into(),
        ..Default::default()
    };
    let tokens = RECIPES.iter().step_by(4);
    let tokens = tokens.map(|recipe| message(&recipe.token, None));
    let all = tokens.chain([message("", Some(request))]);
    all.map(|message| [&[7][..], &message.encode_to_vec()].concat())
        .collect()
}

//! The one place where a `CheckResponse` is built.
//!
//! Envoy takes a response without a status for an allow, so a response that was filled halfway is an
//! open door. An [`Answer`] comes from a decision only, by way of two constructors that force an allow
//! or a denial; everything else about it is fixed text, prepared when the policy is loaded.

use bytes::Bytes;
use prost::Message as _;

use crate::authenticator::{Allow, Decision, Verdict};
use crate::policy::Policy;
use crate::request::Request;
use crate::token::{Class, Denial, Location};
use crate::wire::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
};
use crate::wire::envoy::service::auth::v3::check_response::HttpResponse;
use crate::wire::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use crate::wire::envoy::r#type::v3::HttpStatus;
use crate::wire::google::rpc::Status;

/// A response that says allow or deny, explicitly.
#[derive(Debug)]
pub struct Answer(CheckResponse);

/// The fixed parts of all answers under one policy.
#[derive(Debug)]
pub struct Answers {
    denials: Vec<(&'static str, DenialText)>,
    /// Metadata of allows: by rule (the first for none), then by issuer (the first for none).
    allowed: Vec<Vec<Bytes>>,
}

/// What a client gets to read about one kind of denial.
#[derive(Debug)]
struct DenialText {
    json: Bytes,
    line: Bytes,
    challenge: Option<String>,
}

impl Answer {
    /// The message to send.
    #[must_use]
    pub fn message(&self) -> &CheckResponse {
        &self.0
    }

    fn allow(response: OkHttpResponse, dynamic_metadata: Bytes) -> Self {
        Self(CheckResponse {
            status: Some(Status {
                code: 0,
                message: Bytes::new(),
            }),
            http_response: Some(HttpResponse::OkResponse(response)),
            dynamic_metadata,
        })
    }

    fn deny(
        class: Class,
        headers: Vec<HeaderValueOption>,
        body: Bytes,
        dynamic_metadata: Bytes,
    ) -> Self {
        let status = Some(HttpStatus {
            code: class.http_status(),
        });
        let denied = DeniedHttpResponse {
            status,
            headers,
            body,
        };
        Self(CheckResponse {
            status: Some(Status {
                code: class.grpc_code(),
                message: Bytes::new(),
            }),
            http_response: Some(HttpResponse::DeniedResponse(denied)),
            dynamic_metadata,
        })
    }
}

impl Answers {
    /// Prepares answers for a policy; the realm is quoted in challenges.
    #[must_use]
    pub fn new(policy: &Policy, realm: &str) -> Self {
        let denials = Denial::samples();
        let texts = denials
            .iter()
            .map(|denial| (denial.code(), DenialText::new(denial, realm)));
        let rules = policy.rules().iter().map(|rule| Some(&*rule.name));
        let allowed = std::iter::once(None).chain(rules).map(|rule| {
            let issuers = policy.issuers().iter().map(|issuer| Some(&*issuer.name));
            std::iter::once(None)
                .chain(issuers)
                .map(|issuer| {
                    metadata(
                        if issuer.is_some() {
                            "allowed"
                        } else {
                            "anonymous"
                        },
                        issuer,
                        rule,
                    )
                })
                .collect()
        });
        Self {
            denials: texts.collect(),
            allowed: allowed.collect(),
        }
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, decision: &Decision<'_>, request: &Request<'_>) -> Answer {
        match &decision.verdict {
            Verdict::Allow(allow) => self.allow(decision, allow, request),
            Verdict::Deny(denial) => {
                let issuer = decision.issuer.map(|(_, issuer)| &*issuer.name);
                let rule = decision.rule.map(|(_, rule)| &*rule.name);
                self.deny(
                    denial,
                    metadata(denial.code(), issuer, rule),
                    request.is_grpc(),
                )
            }
        }
    }

    /// The answer to a request that cannot be judged at all.
    #[must_use]
    pub fn refuse(&self, denial: &Denial) -> Answer {
        self.deny(denial, metadata(denial.code(), None, None), false)
    }

    fn allow(&self, decision: &Decision<'_>, allow: &Allow, request: &Request<'_>) -> Answer {
        let mut response = OkHttpResponse {
            headers: allow
                .set()
                .iter()
                .map(|(name, value)| overwrite(name, value))
                .collect(),
            headers_to_remove: allow.remove().to_vec(),
            query_parameters_to_remove: Vec::new(),
        };
        match allow.consumed() {
            Some(Location::Header { name, .. }) => response.headers_to_remove.push(copied(name)),
            Some(Location::Query { name }) => {
                response.query_parameters_to_remove.push(copied(name));
            }
            Some(Location::Cookie { name }) => match other_cookies(request, name) {
                Some(rest) => {
                    response
                        .headers
                        .push(overwrite(&Bytes::from_static(b"cookie"), &rest));
                }
                None => response
                    .headers_to_remove
                    .push(Bytes::from_static(b"cookie")),
            },
            None => {}
        }
        let position = |at: Option<usize>| at.map_or(0, |at| at + 1);
        // A token that was accepted names its issuer; an anonymous request has none.
        let issuer = allow.token().and(decision.issuer).map(|(at, _)| at);
        let rule = decision.rule.map(|(at, _)| at);
        let metadata = self
            .allowed
            .get(position(rule))
            .and_then(|row| row.get(position(issuer)));
        Answer::allow(response, metadata.cloned().unwrap_or_default())
    }

    fn deny(&self, denial: &Denial, metadata: Bytes, grpc: bool) -> Answer {
        let text = self.denials.iter().find(|(code, _)| *code == denial.code());
        let (class, mut headers, mut body) = (denial.class(), Vec::with_capacity(2), Bytes::new());
        if let Some((_, text)) = text {
            let content_type = if grpc {
                "text/plain"
            } else {
                "application/json"
            };
            headers.push(header(
                "content-type",
                &Bytes::from_static(content_type.as_bytes()),
            ));
            if let Some(challenge) = &text.challenge {
                headers.push(header(
                    "www-authenticate",
                    &challenge_for(denial, challenge),
                ));
            }
            body = if grpc {
                text.line.clone()
            } else {
                text.json.clone()
            };
        }
        if class == Class::Unavailable {
            headers.push(header("retry-after", &Bytes::from_static(b"5")));
        }
        Answer::deny(class, headers, body, metadata)
    }
}

impl DenialText {
    fn new(denial: &Denial, realm: &str) -> Self {
        let (code, error) = (denial.code(), denial.error());
        let bearer = format!("Bearer realm=\"{realm}\"");
        let challenge = match (denial, denial.class()) {
            // RFC 6750 §3.1: without credentials, no error code.
            (Denial::TokenMissing, _) => Some(bearer),
            (Denial::InsufficientScope { .. }, _) | (_, Class::Unauthenticated) => Some(format!(
                "{bearer}, error=\"{error}\", error_description=\"{denial}\""
            )),
            _ => None,
        };
        Self {
            json: format!("{{\"error\":\"{error}\",\"reason\":\"{code}\"}}").into(),
            line: format!("{code}: {denial}").into(),
            challenge,
        }
    }
}

/// RFC 6750 §3: the scope that would be enough is named. It comes from the configuration.
fn challenge_for(denial: &Denial, challenge: &str) -> Bytes {
    match denial {
        Denial::InsufficientScope { scope } => format!("{challenge}, scope=\"{scope}\"").into(),
        _ => copied(challenge),
    }
}

/// Cookies other than this one, as one field; `None` where none is left, or where what is left could not
/// stand in a message as text.
fn other_cookies(request: &Request<'_>, name: &str) -> Option<Bytes> {
    let mut rest = Vec::new();
    let pairs = request
        .values("cookie")
        .flat_map(|value| value.split(|byte| *byte == b';'));
    for pair in pairs
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
    {
        let this = pair
            .strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"="));
        if !this {
            rest.extend_from_slice(if rest.is_empty() { b"" } else { b"; " });
            rest.extend_from_slice(pair);
        }
    }
    let sendable = !rest.is_empty() && rest.iter().all(|byte| matches!(byte, b' '..=b'~'));
    sendable.then(|| rest.into())
}

fn header(name: &'static str, value: &Bytes) -> HeaderValueOption {
    overwrite(&Bytes::from_static(name.as_bytes()), value)
}

/// Sets a header so that every Envoy replaces what the client sent: versions differ in which of the two
/// fields they read, and in what they make of neither.
fn overwrite(name: &Bytes, value: &Bytes) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.clone(),
            value: value.clone(),
            raw_value: Bytes::new(),
        }),
        append: Some(false),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

fn copied(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// An encoded `google.protobuf.Struct`.
fn metadata(reason: &str, issuer: Option<&str>, rule: Option<&str>) -> Bytes {
    let text = |text: &str| prost_types::Value {
        kind: Some(prost_types::value::Kind::StringValue(text.to_owned())),
    };
    let facts = [("reason", Some(reason)), ("issuer", issuer), ("rule", rule)];
    let known = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), text(value?))));
    prost_types::Struct {
        fields: known.collect(),
    }
    .encode_to_vec()
    .into()
}

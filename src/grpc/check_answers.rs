//! Decision → [`CheckAnswer`], of texts that are prepared when the policy is loaded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use prost::Message as _;

use crate::authenticator::{Allow, Decision, Question, Verdict};
use crate::policy::Policy;
use crate::request::Request;
use crate::token::{Denial, DenialClass, Removal};
use crate::wire::envoy::service::auth::v3::OkHttpResponse;

use super::check_answer::overwrite;
use super::framing::FramedMessage;
use super::front_door::Answers;
use super::{CheckAnswer, Generation};

/// Seconds after which a client may try again.
pub(super) const RETRY_AFTER: u8 = 5;

/// The fixed parts of all answers under one policy.
#[derive(Debug)]
pub struct CheckAnswers {
    denials: HashMap<&'static str, DenialText>,
    /// Encoded entries of the dynamic metadata, each a `google.protobuf.Struct` of its own. One
    /// after the other, they are one `Struct`.
    reasons: HashMap<&'static str, Bytes>,
    issuers: HashMap<Arc<str>, Bytes>,
    rules: HashMap<Arc<str>, Bytes>,
    /// The names of rules in shadow mode, and the entry for it.
    shadow_rules: HashSet<Arc<str>>,
    shadow: Bytes,
    /// If no denial is enforced: the headers to remove from a request that is not judged.
    unenforced: Option<Vec<Bytes>>,
}

#[derive(Debug)]
struct DenialText {
    json: Bytes,
    line: Bytes,
    challenge: Option<Bytes>,
}

impl CheckAnswers {
    /// Prepares answers for a policy. Challenges quote the realm.
    #[must_use]
    pub fn new(policy: &Policy, realm: &str) -> Self {
        let samples = Denial::samples();
        let denials = samples
            .iter()
            .map(|denial| (denial.code(), DenialText::new(denial, realm)));
        let codes = samples.iter().map(Denial::code);
        let reasons = codes.chain([Verdict::ALLOWED, Verdict::ANONYMOUS]);
        let reasons = reasons.map(|reason| (reason, entry("reason", reason)));
        let issuers = policy.issuers().iter().map(|issuer| &issuer.name);
        let issuers = issuers.map(|name| (name.clone(), entry("issuer", name)));
        let rules = policy.rules().iter().map(|rule| &rule.name);
        let rules = rules.map(|name| (name.clone(), entry("rule", name)));
        let shadow_rules = policy.rules().iter();
        let shadow_rules = shadow_rules.filter(|rule| policy.is_shadow(Some(rule)));
        let all_shadow = policy.is_all_shadow();
        Self {
            shadow_rules: shadow_rules.map(|rule| rule.name.clone()).collect(),
            shadow: entry("mode", "shadow"),
            unenforced: all_shadow.then(|| policy.managed_headers().to_remove(&[], &[])),
            denials: denials.collect(),
            reasons: reasons.collect(),
            issuers: issuers.collect(),
            rules: rules.collect(),
        }
    }

    /// The answer to a decision. A denial has a line of text in place of JSON if `is_grpc`.
    #[must_use]
    pub fn answer(&self, decision: &Decision<'_>, is_grpc: bool) -> CheckAnswer {
        let metadata = self.metadata(decision);
        match &decision.verdict {
            Verdict::Allow(allow) => CheckAnswer::allow(changes(allow), metadata),
            Verdict::Deny(denial) => self.deny(denial, metadata, is_grpc),
        }
    }

    /// The answer to a call that is denied without a judgement.
    #[must_use]
    pub fn refuse(&self, denial: &Denial) -> CheckAnswer {
        let reason = self.reasons.get(denial.code());
        let shadow = self.unenforced.as_ref().map(|_| &self.shadow);
        let metadata = joined([reason, shadow]);
        match &self.unenforced {
            None => self.deny(denial, metadata, false),
            Some(remove) => {
                let changes = OkHttpResponse {
                    headers_to_remove: remove.clone(),
                    ..OkHttpResponse::default()
                };
                CheckAnswer::allow(changes, metadata)
            }
        }
    }

    fn deny(&self, denial: &Denial, metadata: Bytes, is_grpc: bool) -> CheckAnswer {
        let mut headers = Vec::with_capacity(2);
        let mut add = |name: &'static str, value: Bytes| {
            headers.push(overwrite(Bytes::from_static(name.as_bytes()), value));
        };
        let mut body = Bytes::new();
        if let Some(text) = self.denials.get(denial.code()) {
            let content_type: &[u8] = if is_grpc {
                b"text/plain"
            } else {
                b"application/json"
            };
            add("content-type", Bytes::from_static(content_type));
            if let Some(challenge) = &text.challenge {
                add("www-authenticate", with_scope(challenge, denial));
            }
            body = if is_grpc {
                text.line.clone()
            } else {
                text.json.clone()
            };
        }
        if denial.class() == DenialClass::Unavailable {
            add("retry-after", RETRY_AFTER.to_string().into());
        }
        CheckAnswer::deny(denial.class(), headers, body, metadata)
    }

    fn metadata(&self, decision: &Decision<'_>) -> Bytes {
        let issuer = decision.issuer.map(|issuer| &issuer.name);
        let rule = decision.rule.map(|rule| &rule.name);
        let shadow =
            self.unenforced.is_some() || rule.is_some_and(|rule| self.shadow_rules.contains(rule));
        joined([
            self.reasons.get(decision.reason()),
            issuer.and_then(|name| self.issuers.get(name)),
            rule.and_then(|name| self.rules.get(name)),
            shadow.then_some(&self.shadow),
        ])
    }
}

impl Answers for CheckAnswers {
    fn of(generation: &Generation) -> &Self {
        &generation.check_answers
    }

    fn answer(&self, decision: &Decision<'_>, question: &Question<'_>) -> FramedMessage {
        let is_grpc = question.request.as_ref().is_some_and(Request::is_grpc);
        FramedMessage::new(self.answer(decision, is_grpc).message())
    }

    fn refuse(&self, denial: &Denial) -> FramedMessage {
        FramedMessage::new(self.refuse(denial).message())
    }
}

fn joined<const N: usize>(facts: [Option<&Bytes>; N]) -> Bytes {
    let mut encoded = BytesMut::with_capacity(128);
    for fact in facts.into_iter().flatten() {
        encoded.extend_from_slice(fact);
    }
    encoded.freeze()
}

impl DenialText {
    fn new(denial: &Denial, realm: &str) -> Self {
        let (code, error) = (denial.code(), denial.error());
        let challenge = challenge(denial, realm);
        Self {
            json: format!("{{\"error\":\"{error}\",\"reason\":\"{code}\"}}").into(),
            line: format!("{code}: {denial}").into(),
            challenge: challenge.map(Into::into),
        }
    }
}

/// The challenge of RFC 6750 §3, without the scope that would be enough.
pub(super) fn challenge(denial: &Denial, realm: &str) -> Option<String> {
    let bearer = format!("Bearer realm=\"{realm}\"");
    let error = denial.error();
    match (denial, denial.class()) {
        // RFC 6750 §3.1: without credentials, no error code.
        (Denial::TokenMissing, _) => Some(bearer),
        (Denial::InsufficientScope { .. }, _) | (_, DenialClass::Unauthenticated) => Some(format!(
            "{bearer}, error=\"{error}\", error_description=\"{denial}\""
        )),
        _ => None,
    }
}

fn changes(allow: &Allow) -> OkHttpResponse {
    let set = allow
        .headers_to_set()
        .iter()
        .map(|(name, value)| overwrite(name.clone(), value.clone()));
    let mut changes = OkHttpResponse {
        headers: set.collect(),
        headers_to_remove: allow.headers_to_remove().to_vec(),
        query_parameters_to_remove: Vec::new(),
    };
    let cookie = Bytes::from_static(b"cookie");
    match allow.credential_removal() {
        None => {}
        Some(Removal::Header(name)) => changes.headers_to_remove.push(copied(name)),
        Some(Removal::Query(name)) => changes.query_parameters_to_remove.push(copied(name)),
        Some(Removal::Cookies(None)) => changes.headers_to_remove.push(cookie),
        Some(Removal::Cookies(Some(others))) => {
            changes
                .headers
                .push(overwrite(cookie, Bytes::copy_from_slice(others)));
        }
    }
    changes
}

/// RFC 6750 §3: the scope that would be enough is named. It comes from the configuration.
pub(super) fn with_scope(challenge: &Bytes, denial: &Denial) -> Bytes {
    let Denial::InsufficientScope { scope } = denial else {
        return challenge.clone();
    };
    [challenge, &b", scope=\""[..], scope.as_bytes(), b"\""]
        .concat()
        .into()
}

pub(super) fn copied(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// An encoded `google.protobuf.Struct` with one field.
fn entry(name: &str, text: &str) -> Bytes {
    let kind = Some(prost_types::value::Kind::StringValue(text.to_owned()));
    let fields = [(name.to_owned(), prost_types::Value { kind })];
    prost_types::Struct {
        fields: fields.into(),
    }
    .encode_to_vec()
    .into()
}

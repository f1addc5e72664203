//! From a decision to an answer: fixed texts, prepared when the policy is loaded.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use prost::Message as _;

use crate::authenticator::{Allow, Decision, Verdict};
use crate::policy::Policy;
use crate::request::Request;
use crate::token::{Class, Denial, Removal};

use super::Answer;
use super::answer::{Changes, overwrite};

/// The fixed parts of all answers under one policy.
#[derive(Debug)]
pub struct Answers {
    denials: HashMap<&'static str, DenialText>,
    /// Encoded entries of the dynamic metadata, each a `google.protobuf.Struct` of its own. Encoded one after the
    /// other, they are one `Struct`.
    reasons: HashMap<&'static str, Bytes>,
    issuers: HashMap<Arc<str>, Bytes>,
    rules: HashMap<Arc<str>, Bytes>,
}

/// What a client gets to read about one kind of denial.
#[derive(Debug)]
struct DenialText {
    json: Bytes,
    line: Bytes,
    challenge: Option<Bytes>,
}

impl Answers {
    /// Prepares answers for a policy; the realm is quoted in challenges.
    #[must_use]
    pub fn new(policy: &Policy, realm: &str) -> Self {
        let samples = Denial::samples();
        let denials = samples
            .iter()
            .map(|denial| (denial.code(), DenialText::new(denial, realm)));
        let codes = samples.iter().map(Denial::code);
        let reasons = codes.chain([Verdict::ALLOWED, Verdict::ANONYMOUS]);
        let issuers = policy.issuers().iter().map(|issuer| &issuer.name);
        let rules = policy.rules().iter().map(|rule| &rule.name);
        Self {
            denials: denials.collect(),
            reasons: reasons
                .map(|reason| (reason, entry("reason", reason)))
                .collect(),
            issuers: issuers
                .map(|name| (name.clone(), entry("issuer", name)))
                .collect(),
            rules: rules
                .map(|name| (name.clone(), entry("rule", name)))
                .collect(),
        }
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, decision: &Decision<'_>, request: &Request<'_>) -> Answer {
        let issuer = decision.issuer.map(|issuer| &issuer.name);
        let rule = decision.rule.map(|rule| &rule.name);
        let metadata = self.metadata(decision.verdict.reason(), issuer, rule);
        match &decision.verdict {
            Verdict::Allow(allow) => Answer::allow(changes(allow), metadata),
            Verdict::Deny(denial) => self.deny(denial, metadata, request.is_grpc()),
        }
    }

    /// The answer to a request that cannot be judged at all.
    #[must_use]
    pub fn refuse(&self, denial: &Denial) -> Answer {
        self.deny(denial, self.metadata(denial.code(), None, None), false)
    }

    fn deny(&self, denial: &Denial, metadata: Bytes, grpc: bool) -> Answer {
        let mut headers = Vec::with_capacity(2);
        let mut add = |name: &'static str, value: Bytes| {
            headers.push(overwrite(Bytes::from_static(name.as_bytes()), value));
        };
        let mut body = Bytes::new();
        if let Some(text) = self.denials.get(denial.code()) {
            let content_type: &[u8] = if grpc {
                b"text/plain"
            } else {
                b"application/json"
            };
            add("content-type", Bytes::from_static(content_type));
            if let Some(challenge) = &text.challenge {
                add("www-authenticate", with_scope(challenge, denial));
            }
            body = if grpc {
                text.line.clone()
            } else {
                text.json.clone()
            };
        }
        if denial.class() == Class::Unavailable {
            add("retry-after", Bytes::from_static(b"5"));
        }
        Answer::deny(denial.class(), headers, body, metadata)
    }

    fn metadata(&self, reason: &str, issuer: Option<&Arc<str>>, rule: Option<&Arc<str>>) -> Bytes {
        let facts = [
            self.reasons.get(reason),
            issuer.and_then(|name| self.issuers.get(name)),
            rule.and_then(|name| self.rules.get(name)),
        ];
        let mut encoded = BytesMut::with_capacity(128);
        for fact in facts.into_iter().flatten() {
            encoded.extend_from_slice(fact);
        }
        encoded.freeze()
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
            challenge: challenge.map(Into::into),
        }
    }
}

fn changes(allow: &Allow) -> Changes {
    let set = allow
        .set()
        .iter()
        .map(|(name, value)| overwrite(name.clone(), value.clone()));
    let mut changes = Changes {
        set: set.collect(),
        remove: allow.remove().to_vec(),
        remove_query: Vec::new(),
    };
    let cookie = Bytes::from_static(b"cookie");
    match allow.credential() {
        None => {}
        Some(Removal::Header(name)) => changes.remove.push(copied(name)),
        Some(Removal::Query(name)) => changes.remove_query.push(copied(name)),
        Some(Removal::Cookies(None)) => changes.remove.push(cookie),
        Some(Removal::Cookies(Some(others))) => {
            changes
                .set
                .push(overwrite(cookie, Bytes::copy_from_slice(others)));
        }
    }
    changes
}

/// RFC 6750 §3: the scope that would be enough is named. It comes from the configuration.
fn with_scope(challenge: &Bytes, denial: &Denial) -> Bytes {
    let Denial::InsufficientScope { scope } = denial else {
        return challenge.clone();
    };
    [challenge, &b", scope=\""[..], scope.as_bytes(), b"\""]
        .concat()
        .into()
}

fn copied(text: &str) -> Bytes {
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

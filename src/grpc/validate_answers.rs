//! The one place where a `ValidateResponse` is built: an allow or a denial, explicitly.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::authenticator::{Allow, Decision, Question, Verdict};
use crate::policy::{Issuer, Policy};
use crate::token::{Denial, DenialClass, Removal, VerifiedToken};
use crate::wire::watchword::v1 as wire;
use crate::wire::watchword::v1::validate_response::Verdict as WireVerdict;

use super::check_answers::{RETRY_AFTER, challenge, copied, with_scope};
use super::framing::FramedMessage;
use super::front_door::Answers;
use super::{Generation, claims_struct};

/// The fixed parts of all answers under one policy.
#[derive(Debug)]
pub(crate) struct ValidateAnswers {
    denials: HashMap<&'static str, wire::Deny>,
    rules: HashMap<Arc<str>, Bytes>,
    /// If no denial is enforced: the headers to remove from a request that is not judged.
    unenforced: Option<Vec<Bytes>>,
}

impl ValidateAnswers {
    /// Prepares answers for a policy. Challenges quote the realm.
    pub(crate) fn new(policy: &Policy, realm: &str) -> Self {
        let samples = Denial::samples();
        let denials = samples
            .iter()
            .map(|denial| (denial.code(), prepared(denial, realm)));
        let rules = policy.rules().iter();
        let name = |name: &Arc<str>| (name.clone(), copied(name));
        Self {
            denials: denials.collect(),
            rules: rules.map(|rule| name(&rule.name)).collect(),
            unenforced: policy
                .is_all_shadow()
                .then(|| policy.managed_headers().to_remove(&[], &[])),
        }
    }

    fn denied(&self, denial: &Denial) -> wire::Deny {
        let mut denied = self.denials.get(denial.code()).cloned().unwrap_or_default();
        if !denied.www_authenticate.is_empty() {
            denied.www_authenticate = with_scope(&denied.www_authenticate, denial);
        }
        denied
    }
}

impl Answers for ValidateAnswers {
    fn of(generation: &Generation) -> &Self {
        &generation.validate_answers
    }

    fn answer(&self, decision: &Decision<'_>, _: &Question<'_>) -> FramedMessage {
        let rule = decision.rule.and_then(|rule| self.rules.get(&rule.name));
        let verdict = match &decision.verdict {
            Verdict::Allow(allow) => WireVerdict::Allow(allowed(allow, decision.issuer)),
            Verdict::Deny(denial) => WireVerdict::Deny(self.denied(denial)),
        };
        let shadowed = decision.shadowed.as_ref();
        let shadowed = shadowed.map(|denial| self.denied(denial));
        respond(rule.cloned().unwrap_or_default(), verdict, shadowed)
    }

    fn refuse(&self, denial: &Denial) -> FramedMessage {
        let denied = self.denied(denial);
        let (verdict, shadowed) = match &self.unenforced {
            Some(remove) => {
                let allow = wire::Allow {
                    anonymous: true,
                    headers_to_remove: remove.clone(),
                    ..wire::Allow::default()
                };
                (WireVerdict::Allow(allow), Some(denied))
            }
            None => (WireVerdict::Deny(denied), None),
        };
        respond(Bytes::new(), verdict, shadowed)
    }
}

/// An allow or a denial, explicitly.
fn respond(rule: Bytes, verdict: WireVerdict, shadowed: Option<wire::Deny>) -> FramedMessage {
    FramedMessage::new(&wire::ValidateResponse {
        rule,
        shadowed,
        verdict: Some(verdict),
    })
}

fn prepared(denial: &Denial, realm: &str) -> wire::Deny {
    let name = format!("REASON_{}", denial.code().to_ascii_uppercase());
    let retries = denial.class() == DenialClass::Unavailable;
    wire::Deny {
        reason: wire::Reason::from_str_name(&name)
            .unwrap_or_default()
            .into(),
        code: Bytes::from_static(denial.code().as_bytes()),
        message: denial.to_string().into(),
        http_status: denial.class().http_status(),
        www_authenticate: challenge(denial, realm).unwrap_or_default().into(),
        retry_after_seconds: if retries { RETRY_AFTER.into() } else { 0 },
    }
}

fn allowed(allow: &Allow, issuer: Option<&Issuer>) -> wire::Allow {
    let header = |(name, value): &(Bytes, Bytes)| wire::Header {
        name: name.clone(),
        value: value.clone(),
    };
    let mut allowed = wire::Allow {
        headers: allow.headers_to_set().iter().map(header).collect(),
        headers_to_remove: allow.headers_to_remove().to_vec(),
        ..wire::Allow::default()
    };
    if let Some(Removal::Header(name)) = allow.credential_removal() {
        allowed.headers_to_remove.push(copied(name));
    }
    match allow.token() {
        Some(token) => identify(&mut allowed, token, issuer),
        None => allowed.anonymous = true,
    }
    allowed
}

fn identify(allowed: &mut wire::Allow, token: &VerifiedToken, issuer: Option<&Issuer>) {
    let claims = token.claims();
    // Both were read when the token was verified; a claim of another type would have been a denial.
    let claim = |name| claims.text(name).ok().flatten().map(copied);
    allowed.issuer_name = issuer
        .map(|issuer| copied(&issuer.name))
        .unwrap_or_default();
    allowed.issuer = claim("iss").unwrap_or_default();
    allowed.subject = claim("sub").unwrap_or_default();
    let audiences = token.audiences().iter();
    allowed.audiences = audiences.map(|audience| copied(audience)).collect();
    allowed.expires_at = Some(claims_struct::timestamp(token.expires()));
    allowed.claims = Some(claims_struct::of(claims));
}

#[cfg(test)]
mod tests {
    use crate::token::Denial;
    use crate::wire::watchword::v1::Reason;

    use super::prepared;

    /// The numbers are public, as the codes are.
    #[test]
    fn every_denial_has_a_number_of_its_own() {
        let number = |denial: &Denial| (denial.code(), prepared(denial, "realm").reason);
        let table: Vec<(&str, i32)> = Denial::samples().iter().map(number).collect();
        for (code, number) in &table {
            let name = Reason::try_from(*number).unwrap().as_str_name();
            assert_eq!(name, format!("REASON_{}", code.to_ascii_uppercase()));
        }
        let numbers = 0..=24;
        let known = numbers.filter(|number| Reason::try_from(*number).is_ok());
        assert_eq!(known.count(), table.len() + 1, "one number is for none");
    }
}

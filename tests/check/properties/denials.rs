//! Every denial says so, whatever led to it: a response without an explicit status is an open door.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;
use watchword::authenticator::{Decision, Verdict};
use watchword::grpc::{Answer, Answers};
use watchword::request::{Header, Request};
use watchword::token::Denial;

use super::super::call::Call;
use super::super::config;
use super::super::invariants;
use super::super::outcome::Outcome;
use super::super::settings::Settings;
use super::super::tokens::corp;

/// A denial of any kind, with any details.
fn denial() -> impl Strategy<Value = Denial> {
    let samples = prop::sample::select(Denial::samples());
    (samples, any::<u32>(), "\\PC{0,40}", "[!-~]{1,20}").prop_map(
        |(denial, seconds, claim, scope)| {
            let span = Duration::from_secs(seconds.into());
            match denial {
                Denial::TokenExpired { .. } => Denial::TokenExpired { ago: span },
                Denial::TokenNotYetValid { .. } => Denial::TokenNotYetValid { ahead: span },
                Denial::ClaimMissing { .. } => Denial::ClaimMissing {
                    claim: claim.into(),
                },
                Denial::ClaimInvalid { .. } => Denial::ClaimInvalid {
                    claim: claim.into(),
                },
                Denial::InsufficientScope { .. } => Denial::InsufficientScope {
                    scope: scope.into(),
                },
                other => other,
            }
        },
    )
}

fn outcome(answer: &Answer) -> Outcome {
    Outcome::of(Ok(Bytes::from(answer.message().encode_to_vec())))
}

fn is_denial(outcome: &Outcome, denial: &Denial) -> Result<(), TestCaseError> {
    prop_assert!(!outcome.is_allow());
    prop_assert_ne!(outcome.code, Some(0));
    prop_assert_eq!(outcome.code, Some(denial.class().grpc_code()));
    prop_assert_eq!(outcome.http, Some(denial.class().http_status()));
    prop_assert_eq!(outcome.reason.as_str(), denial.code());
    let violations = invariants::violations(&Call::get(""), outcome, &[]);
    prop_assert!(violations.is_empty(), "{:?}", violations);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn every_denial_has_a_status_that_is_not_zero(
        denial in denial(),
        known in any::<[bool; 2]>(),
        content_type in prop::option::of("application/(grpc|grpc\\+proto|json|GRPC)"),
        realm in "[ !#-\\[\\]-~]{1,30}",
    ) {
        let rules = "- {name: first, match: {path: {prefix: /a/}}}\n- {name: rest}";
        let config = config::parse(&Settings::of(corp()).rules(rules).text()).expect("a configuration");
        let answers = Answers::new(&config.policy, &realm);
        is_denial(&outcome(&answers.refuse(&denial)), &denial)?;
        let decision = Decision {
            rule: config.policy.rules().iter().next().filter(|_| known[0]),
            issuer: config.policy.issuers().first().filter(|_| known[1]),
            verdict: Verdict::Deny(denial.clone()),
        };
        let value = content_type.unwrap_or_default();
        let headers = vec![Header { name: b"content-type", value: value.as_bytes() }];
        let request = Request { headers, ..Request::default() };
        is_denial(&outcome(&answers.answer(&decision, &request)), &denial)?;
    }
}

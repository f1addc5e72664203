//! No answer to a denial can be taken for an allow.

use std::path::Path;

use proptest::prelude::*;
use watchword::authenticator::{Decision, Verdict};
use watchword::config::Config;
use watchword::grpc::CheckAnswers;
use watchword::request::{Header, Request};
use watchword::token::Denial;
use watchword::wire::envoy::service::auth::v3::CheckResponse;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;

const CONFIG: &str = "\
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    jwks: {file: keys.json}
    headers: {x-auth-subject: sub}
rules:
- {name: one, match: {path: {exact: /a}}, require: {scopes: [read]}}
- {name: two}
";

fn is_denial(response: &CheckResponse) -> bool {
    let code = response.status.as_ref().map_or(0, |status| status.code);
    match &response.http_response {
        Some(HttpResponse::DeniedResponse(denied)) => {
            let status = denied.status.unwrap_or_default().code;
            let pairs = [(16, 401), (7, 403), (3, 400), (14, 503), (13, 500)];
            pairs.contains(&(code, status)) && !denied.body.is_empty()
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Only `CheckAnswers` makes an `Answer`. This tries any denial, with or without rule and
    /// issuer, for any request.
    #[test]
    fn every_denial_has_a_non_zero_status(
        kind in 0..Denial::samples().len(),
        rule in prop::option::of(0..2_usize),
        issuer in any::<bool>(),
        content_type in prop::collection::vec(any::<u8>(), 0..32),
        grpc in any::<bool>(),
    ) {
        let config = Config::parse(CONFIG, Path::new("answers.yaml")).unwrap();
        let answers = CheckAnswers::new(&config.policy, "realm");
        let denial = Denial::samples()[kind].clone();
        prop_assert!(is_denial(answers.refuse(&denial).message()));

        let value: &[u8] = if grpc { b"application/grpc+proto" } else { &content_type };
        let headers = vec![Header { name: b"content-type", value }];
        let request = Request { headers, ..Request::default() };
        let decision = Decision {
            rule: rule.and_then(|at| config.policy.rules().iter().nth(at)),
            near_miss: None,
            issuer: if issuer { config.policy.issuers().first() } else { None },
            shadowed: None,
            token: None,
            verdict: Verdict::Deny(denial),
            missing_key: None,
            to_decrypt: None,
            stale: false,
        };
        let answer = answers.answer(&decision, request.is_grpc());
        prop_assert!(is_denial(answer.message()));
        prop_assert!(prost::Message::encode_to_vec(answer.message()).len() > 10);
    }
}

//! Area `claims`: the subject of a token, and the client that may use it.

use serde_json::json;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::{NOW, Site};
use super::super::tokens::{self, CORP, claims_with, claims_without, corp};
use super::signed;

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-41", subject_that_is_needed_must_be_there),
    row!("CLM-49", sender_constrained_token_is_no_bearer_token),
];

/// A subject of the right type that a rule does not accept is 403: the token is good, but not
/// enough.
fn subject_that_is_needed_must_be_there(case: &mut Case) {
    let header = corp().header("x-auth-user", "{claim: sub, required: true}");
    let by_header = Site::start(&Settings::of(header));
    let by_issuer = Site::start(&Settings::of(corp().line("required_claims: [sub]")));
    let by_rule = Settings::of(corp()).rules("- require: {claims: {sub: [alice, bob]}}");
    let by_rule = Site::start(&by_rule);
    for site in [&by_header, &by_issuer, &by_rule] {
        case.accepts(site, "alice", tokens::good());
        for sub in [
            json!(1),
            json!({}),
            json!(null),
            json!(["alice"]),
            json!(true),
        ] {
            let token = signed(&claims_with("sub", sub.clone()));
            case.refuses(site, &sub.to_string(), token, "claim_invalid");
        }
    }
    for token in [
        signed(&claims_without("sub")),
        signed(&claims_with("sub", json!(""))),
    ] {
        for site in [&by_header, &by_issuer] {
            let what = "missing or empty, for a header or an issuer";
            case.refuses(site, what, &token, "claim_missing");
        }
        let call = Call::bearing(&token);
        case.denies(
            &by_rule,
            "missing or empty, for a rule",
            &call,
            403,
            "policy_denied",
        );
    }
}

fn sender_constrained_token_is_no_bearer_token(case: &mut Case) {
    let bound = [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"jwk": {"kty": "EC"}}),
        json!({}),
        json!(null),
        json!("jkt"),
    ];
    let ignoring = Site::start(&Settings::of(corp().line("ignore_confirmation: true")));
    case.accepts(&CORP, "without cnf", tokens::good());
    for cnf in bound {
        let token = signed(&claims_with("cnf", cnf.clone()));
        case.refuses(&CORP, &cnf.to_string(), &token, "token_type_invalid");
        case.accepts(
            &ignoring,
            &format!("{cnf}, ignored by configuration"),
            &token,
        );
    }
    let late = claims_with("cnf", json!({"jkt": "x"}));
    let late = signed(&tokens::with(late, "exp", json!(NOW - 60)));
    case.refuses(&ignoring, "ignored, but expired", late, "token_expired");
}

//! Area `encoding`: every change of a single byte, every prefix and every suffix.

use std::sync::LazyLock;

use serde_json::json;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::outcome::Outcome;
use super::super::settings::{Issuer, Settings};
use super::super::site::{NOW, RUNTIME, Site};
use super::super::tokens::{self, ED};

pub(crate) const ROWS: &[Row] = &[
    row!("ENC-18", every_changed_byte_is_refused),
    row!("ENC-19", every_prefix_and_suffix_is_refused),
];

/// Calls that are under way at a time.
const AT_ONCE: usize = 64;

/// One key, so that a token needs neither kid nor type and is as short as a token can be.
static ONE_KEY: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(Issuer::corp(&[&ED]).algorithms("EdDSA"))));

fn short_token() -> String {
    let claims = json!({"iss": "https://idp.example.com", "aud": "orders-api", "exp": NOW + 9});
    ED.sign_text(r#"{"alg":"EdDSA"}"#, claims.to_string().as_bytes())
}

/// Asks for every token, several at once, and judges each answer.
fn all_refused(case: &mut Case, tokens: impl Iterator<Item = (String, Vec<u8>)>) {
    let mut tokens = tokens.peekable();
    while tokens.peek().is_some() {
        let batch: Vec<(String, Call)> = tokens
            .by_ref()
            .take(AT_ONCE)
            .map(|(what, token)| (what, Call::bearing(token)))
            .collect();
        let outcomes: Vec<Outcome> = RUNTIME.block_on(async {
            let asked: Vec<_> = batch.iter().map(|(_, call)| ONE_KEY.begin(call)).collect();
            let mut outcomes = Vec::with_capacity(asked.len());
            for outcome in asked {
                outcomes.push(outcome.await.expect("a call ends"));
            }
            outcomes
        });
        for ((what, call), outcome) in batch.iter().zip(&outcomes) {
            case.judge(what, &ONE_KEY, call, outcome, Expect::Unauthorized);
        }
    }
}

fn every_changed_byte_is_refused(case: &mut Case) {
    let token = short_token();
    case.accepts(&ONE_KEY, "unchanged", &token);
    let changes = (0..token.len()).flat_map(|at| (0..=255).map(move |byte| (at, byte)));
    let changed = changes
        .filter(|(at, byte)| token.as_bytes()[*at] != *byte)
        .map(|(at, byte)| {
            let mut token = token.clone().into_bytes();
            token[at] = byte;
            (format!("byte {at} is {byte:#04x}"), token)
        });
    all_refused(case, changed);
    case.accepts(&ONE_KEY, "unchanged, afterwards", &token);
}

fn every_prefix_and_suffix_is_refused(case: &mut Case) {
    for token in [short_token(), tokens::ED.sign(&tokens::claims())] {
        case.accepts(&ONE_KEY, "whole", &token);
        let prefixes = (0..token.len()).map(|end| (format!("prefix {end}"), token[..end].into()));
        let suffixes =
            (1..=token.len()).map(|start| (format!("suffix {start}"), token[start..].into()));
        all_refused(case, prefixes.chain(suffixes));
    }
}

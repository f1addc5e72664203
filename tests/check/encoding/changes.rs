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

/// Calls in flight at a time.
const AT_ONCE: usize = 64;

/// One key, so that a token needs neither kid nor type and is as short as a token can be.
static ONE_KEY: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(Issuer::corp(&[&ED]).algorithms("EdDSA"))));

fn short_token() -> String {
    let claims = json!({"iss": "https://idp.example.com", "aud": "orders-api", "exp": NOW + 9});
    ED.sign_text(r#"{"alg":"EdDSA"}"#, claims.to_string().as_bytes())
}

/// Sends every token, several at once, and checks each answer.
fn all_refused(case: &mut Case, tokens: impl Iterator<Item = (String, Vec<u8>, Expect)>) {
    let mut tokens = tokens.peekable();
    while tokens.peek().is_some() {
        let batch: Vec<(String, Call, Expect)> = tokens
            .by_ref()
            .take(AT_ONCE)
            .map(|(what, token, expect)| (what, Call::bearing(token), expect))
            .collect();
        let outcomes: Vec<Outcome> = RUNTIME.block_on(async {
            let asked: Vec<_> = batch
                .iter()
                .map(|(_, call, _)| ONE_KEY.begin(call))
                .collect();
            let mut outcomes = Vec::with_capacity(asked.len());
            for outcome in asked {
                outcomes.push(outcome.await.expect("a call ends"));
            }
            outcomes
        });
        for ((what, call, expect), outcome) in batch.iter().zip(&outcomes) {
            case.judge(what, &ONE_KEY, call, outcome, *expect);
        }
    }
}

/// A signature of other bytes, or text that is not canonical base64url.
const OF_SIGNATURE: Expect = Expect::DenyOneOf(401, &["signature_invalid", "token_malformed"]);

/// The answer to a token in which this byte is another. A byte of the alphabet makes other text of
/// the part that it is in, which may be JSON and may not; other bytes are never read.
fn of_changed_byte(token: &str, at: usize, byte: u8) -> Expect {
    let is_text = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !is_text || token.as_bytes()[at] == b'.' {
        return Expect::Deny(401, "token_malformed");
    }
    match token[..at].matches('.').count() {
        0 => Expect::DenyOneOf(
            401,
            &["token_malformed", "alg_not_allowed", "signature_invalid"],
        ),
        1 => Expect::DenyOneOf(
            401,
            &[
                "token_malformed",
                "claim_missing",
                "issuer_not_allowed",
                "signature_invalid",
            ],
        ),
        _ => OF_SIGNATURE,
    }
}

fn every_changed_byte_is_refused(case: &mut Case) {
    let token = short_token();
    case.accepts(&ONE_KEY, "unchanged", &token);
    let changes = (0..token.len()).flat_map(|at| (0..=255).map(move |byte| (at, byte)));
    let changed = changes
        .filter(|(at, byte)| token.as_bytes()[*at] != *byte)
        .map(|(at, byte)| {
            let mut changed = token.clone().into_bytes();
            changed[at] = byte;
            let what = format!("byte {at} is {byte:#04x}");
            (what, changed, of_changed_byte(&token, at, byte))
        });
    all_refused(case, changed);
    case.accepts(&ONE_KEY, "unchanged, afterwards", &token);
}

fn every_prefix_and_suffix_is_refused(case: &mut Case) {
    for token in [short_token(), tokens::ED.sign(&tokens::claims())] {
        case.accepts(&ONE_KEY, "whole", &token);
        let (signature, malformed) = (
            token.rfind('.').expect("a token"),
            Expect::Deny(401, "token_malformed"),
        );
        let prefixes = (0..token.len()).map(|end| {
            let expect = if end > signature {
                OF_SIGNATURE
            } else {
                malformed
            };
            (format!("prefix {end}"), token[..end].into(), expect)
        });
        let suffixes = (1..=token.len())
            .map(|start| (format!("suffix {start}"), token[start..].into(), malformed));
        all_refused(case, prefixes.chain(suffixes));
    }
}

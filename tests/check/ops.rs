//! Area `ops`: logs, metrics and pages are bounded and complete, and contain no secret.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use serde_json::json;
use tonic::{Code, Request};
use watchword::wire::watchword::v1::ValidateResponse;
use watchword::wire::watchword::v1::validate_response::Verdict;
use watchword_test_support::http2::Connection;
use watchword_test_support::mint::Signer;
use watchword_test_support::secrets::SECRETS;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::emitted::Pages;
use super::outcome::Outcome;
use super::pb;
use super::process;
use super::settings::{Issuer, Settings};
use super::site::{self, CHECK, NOW, RUNTIME, Site};
use super::tokens::{self, ED, RSA, claims_with, claims_without, corp};
use super::twin::VALIDATE;

pub(crate) mod leaks;

pub(crate) const ROWS: &[Row] = &[
    row!("OPS-03", strangers_words_make_no_series),
    row!("OPS-04", every_answer_is_counted_under_one_reason),
];

const WAIT: Duration = Duration::from_secs(60);
const RULES: &str = "\
- {name: public, match: {path: {prefix: /public}}, require: none}
- {name: admin, match: {path: {prefix: /admin}}, require: {scopes: [admin]}}
- {name: orders, match: {path: {prefix: /orders}}}";

fn strangers_words_make_no_series(case: &mut Case) {
    let site = Site::start(&Settings::of(corp()).rules(RULES));
    let ask = |numbers: std::ops::Range<usize>| {
        for batch in numbers.collect::<Vec<_>>().chunks(64) {
            let calls = batch
                .iter()
                .map(|number| site.begin(&of_strangers(*number)));
            for call in calls.collect::<Vec<_>>() {
                let outcome = RUNTIME.block_on(call).expect("an answer");
                assert!(outcome.http.is_some() || outcome.is_allow());
            }
        }
        let page = site.pages().get("/metrics");
        page.lines()
            .filter(|line| line.starts_with("watchword_"))
            .count()
    };
    let few = ask(0..100);
    let many = ask(100..4_000);
    case.equal("series after 100 and after 4000 calls", many, few);
    case.holds(&format!("{many} series"), (50..500).contains(&many));
}

/// A word that occurs nowhere else.
fn word() -> String {
    let word = tokens::standard_b64(&[(); 18].map(|()| fastrand::u8(..)));
    let word = word.replace(['+', '/', '='], "x");
    SECRETS.register(word.as_bytes());
    word
}

/// Calls of ten kinds, each full of words.
fn of_strangers(number: usize) -> Call {
    let word = || json!(word());
    let token = match number % 10 {
        0 => ED.with_kid(&self::word()).sign(&tokens::claims()),
        1 => ED.sign(&claims_with(
            "iss",
            json!(format!("https://{}", self::word())),
        )),
        2 => ED.sign(&claims_with("aud", word())),
        3 => ED.sign(&claims_with("scope", word())),
        4 => ED.sign(&claims_with("sub", word())),
        5 => ED.sign(&claims_with(&self::word(), word())),
        6 => tokens::compact(&json!({"alg": word()}).to_string(), b"{}", b""),
        7 => self::word(),
        8 => Signer::generate("EdDSA", ED.kid()).sign(&claims_with("jti", word())),
        _ => ED.sign(&json!({ "iss": word() })),
    };
    let paths = ["orders", "admin", "public", "elsewhere"];
    let call = Call::get(format!("/{}/{}", paths[number % 4], self::word()))
        .method(self::word())
        .host(format!("{}.example", self::word()))
        .header(format!("x-{}", self::word()), self::word())
        .header("x-request-id", format!("{number}"))
        .context(&self::word(), &self::word());
    match number % 7 {
        0 => call,
        _ => call.token(token),
    }
}

/// Numbers of decisions, by RPC and reason.
type Tally = BTreeMap<(String, String), u64>;

fn every_answer_is_counted_under_one_reason(case: &mut Case) {
    let away = "jwks: {uri: 'http://127.0.0.1:9/jwks', allow_http: true, timeout: 100ms, wait: 0s}";
    let away = Issuer::corp(&[])
        .renamed("away", "https://away.example")
        .keys(away);
    let away = away.line("required: false").algorithms("EdDSA");
    let site = Site::start(&Settings::of(corp()).issuer(away).rules(RULES));
    let mut answered = Tally::new();
    for (_, call) in calls_of_all_kinds() {
        for _ in 0..3 {
            note(&mut answered, "check", &site.ask(&call).reason);
            let reply = site.ask_other(VALIDATE, call.as_validate());
            note(&mut answered, "validate", &reason(&reply));
        }
    }
    for malformed in [vec![0xff; 20], vec![0x0a], vec![0; 5 << 20]] {
        note(
            &mut answered,
            "check",
            &site.ask_bytes(malformed.clone()).reason,
        );
        let reply = site.ask_other(VALIDATE, malformed);
        note(&mut answered, "validate", &reason(&reply));
    }
    refused_for_lateness(&site, &mut answered);
    batch(&site, &mut answered);
    let counted = tally(site.pages());
    case.equal("counted", counted, answered.clone());

    let said = |reason: &str| answered.keys().any(|(_, said)| said == reason);
    for (reason, _) in calls_of_all_kinds() {
        case.holds(&format!("{reason} is among {answered:?}"), said(reason));
    }
    case.holds("malformed", said("request_malformed"));
    case.holds("overloaded", said("overloaded"));
    callers_that_are_turned_away(case);
}

/// One call for each reason that a call can have.
fn calls_of_all_kinds() -> Vec<(&'static str, Call)> {
    let header = |more: serde_json::Value| {
        let mut header = RSA.header();
        header
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        Call::bearing(RSA.sign_with(&header, &tokens::claims()))
    };
    let claim = |name: &str, value| Call::bearing(RSA.sign(&claims_with(name, value)));
    let stranger = tokens::STRANGER.with_kid(RSA.kid()).sign(&tokens::claims());
    let away = ED.sign(&claims_with("iss", json!("https://away.example")));
    vec![
        ("allowed", Call::bearing(tokens::good())),
        ("anonymous", Call::get("/public/")),
        ("token_missing", Call::get("/orders")),
        ("token_malformed", Call::bearing("not.a.token")),
        ("token_too_large", Call::bearing("x".repeat(100_000))),
        (
            "alg_not_allowed",
            Call::bearing(RSA.with_alg("RS512").sign(&tokens::claims())),
        ),
        (
            "key_not_found",
            Call::bearing(RSA.with_kid("no-such-key").sign(&tokens::claims())),
        ),
        ("signature_invalid", Call::bearing(stranger)),
        ("crit_unsupported", header(json!({"crit": ["x"], "x": 1}))),
        ("token_type_invalid", header(json!({"typ": "dpop+jwt"}))),
        ("token_expired", claim("exp", json!(NOW - 3600))),
        ("token_not_yet_valid", claim("nbf", json!(NOW + 200))),
        (
            "issuer_not_allowed",
            claim("iss", json!("https://nobody.example")),
        ),
        ("audience_mismatch", claim("aud", json!("others"))),
        (
            "claim_missing",
            Call::bearing(RSA.sign(&claims_without("exp"))),
        ),
        ("claim_invalid", claim("sub", json!(17))),
        (
            "insufficient_scope",
            Call::get("/admin/").token(tokens::good()),
        ),
        (
            "policy_denied",
            Call::get("/elsewhere").token(tokens::good()),
        ),
        ("jwks_unavailable", Call::bearing(away)),
    ]
}

fn note(tally: &mut Tally, door: &str, reason: &str) {
    *tally
        .entry((door.to_owned(), reason.to_owned()))
        .or_default() += 1;
}

/// The reason in a reply of `Validate`.
fn reason(reply: &[u8]) -> String {
    let reply = ValidateResponse::decode(reply).expect("it decodes");
    of_verdict(reply.verdict.expect("a verdict"))
}

fn of_verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Allow(allow) if allow.anonymous => "anonymous".to_owned(),
        Verdict::Allow(_) => "allowed".to_owned(),
        Verdict::Deny(denied) => String::from_utf8_lossy(&denied.code).into_owned(),
    }
}

/// By the time that these have come, nobody waits for an answer any more.
fn refused_for_lateness(site: &Site, answered: &mut Tally) {
    let call = Call::bearing(tokens::good());
    let late = [("grpc-timeout", "1n")];
    let mut connection = Connection::open(site.address(), &[]);
    let reply = connection.call(1, CHECK, &late, &call.encoded(), WAIT);
    let outcome = Outcome::of(Ok(Bytes::copy_from_slice(
        reply.message().unwrap_or_default(),
    )));
    note(answered, "check", &outcome.reason);
    let reply = connection.call(3, VALIDATE, &late, &call.as_validate(), WAIT);
    note(
        answered,
        "validate",
        &reason(reply.message().expect("a reply")),
    );
}

/// Each question of a batch counts.
fn batch(site: &Site, answered: &mut Tally) {
    let questions = [Call::bearing(tokens::good()), Call::get("/orders")];
    let message = questions
        .map(|call| pb::bytes(1, &call.as_validate()))
        .concat();
    site.ask_other("/watchword.v1.TokenValidation/ValidateBatch", message);
    note(answered, "validate", "allowed");
    note(answered, "validate", "token_missing");
}

/// The decisions that the metrics page counts.
fn tally(pages: &Pages) -> Tally {
    let page = pages.get("/metrics");
    let mut tally = Tally::new();
    for line in page.lines() {
        let Some(series) = line.strip_prefix("watchword_decisions_total{") else {
            continue;
        };
        let (labels, count) = series.rsplit_once("} ").expect("labels and a value");
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\"")).expect("a label");
            rest.split('"').next().expect("a value").to_owned()
        };
        let count: u64 = count.parse().expect("a number");
        *tally.entry((label("door"), label("reason"))).or_default() += count;
    }
    tally
}

fn callers_that_are_turned_away(case: &mut Case) {
    let secret = word();
    let file = process::write("ops-04.secret", &secret);
    let callers = format!("{{secret_file: '{}'}}", file.display());
    let grpc = format!("callers: {{check: {callers}, validate: {callers}}}");
    let site = Site::start(&Settings::of(corp()).grpc(&grpc));
    let call = Call::bearing(tokens::good());
    let ask = |path, message: Vec<u8>, shown: &str| {
        let mut request = Request::new(Bytes::from(message));
        let shown = shown.parse().expect("ASCII");
        request.metadata_mut().insert("x-watchword-secret", shown);
        RUNTIME.block_on(site::call(site.channel(), path, request))
    };
    let mut answered = Tally::new();
    for shown in [&secret, &word()] {
        note(
            &mut answered,
            "check",
            &Outcome::of(ask(CHECK, call.encoded(), shown)).reason,
        );
        let reply = ask(VALIDATE, call.as_validate(), shown);
        let said = reply.map_or_else(
            |status| match status.code() {
                Code::Unauthenticated => "caller_not_allowed".to_owned(),
                other => other.to_string(),
            },
            |reply| reason(&reply),
        );
        note(&mut answered, "validate", &said);
    }
    case.equal("answers", answered.len(), 4);
    case.equal("counted, with callers", tally(site.pages()), answered);
}

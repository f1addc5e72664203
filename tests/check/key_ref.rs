//! Area `key-ref`: the `kid` of a token, and the keys that it may not bring along.

use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use serde_json::json;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::catalogue::{Case, Row, row};
use super::process::Process;
use super::settings::{Issuer, Settings};
use super::site::{RUNTIME, Site};
use super::tokens::{self, CORP, EC, ED, ROOMY, RSA, STRANGER, claims, with};

pub(crate) mod embedded;
pub(crate) mod sets;

pub(crate) const ROWS: &[Row] = &[
    row!("KEY-02", kid_is_no_file_name),
    row!("KEY-03", kid_is_no_query),
    row!("KEY-04", kid_is_no_command),
    row!("KEY-05", long_kid_is_not_found_and_not_logged_whole),
    row!("KEY-06", control_characters_in_kid_stay_out_of_the_log),
    row!("KEY-08", kid_of_another_type_is_malformed),
    row!("KEY-09", token_without_kid_tries_the_keys_that_fit),
    row!("KEY-11", unknown_kid_is_not_found_with_one_fetch_at_most),
    row!("KEY-13", thumbprint_is_not_the_kid),
];

/// A token of the baseline's RSA key under another kid.
fn named(kid: &str) -> String {
    RSA.with_kid(kid).sign(&claims())
}

fn kid_is_no_file_name(case: &mut Case) {
    case.accepts(&CORP, "its own kid", tokens::good());
    for kid in [
        "/etc/hostname",
        "file:///etc/passwd",
        "../../../../dev/null",
        "rsa-key\0.pem",
    ] {
        case.refuses(&CORP, kid, named(kid), "key_not_found");
    }
}

fn kid_is_no_query(case: &mut Case) {
    let kid = "x' UNION SELECT '1';--";
    for secret in ["1", "x"] {
        let signer = Signer::from_secret("HS256", secret.as_bytes()).with_kid(kid);
        case.refuses(&CORP, secret, signer.sign(&claims()), "alg_not_allowed");
    }
    case.refuses(&CORP, "RS256", named(kid), "key_not_found");
}

fn kid_is_no_command(case: &mut Case) {
    for kid in ["|sleep 10", "$(sleep 10)", "`sleep 10`"] {
        let asked = Instant::now();
        case.refuses(&CORP, kid, named(kid), "key_not_found");
        case.holds(
            "an answer within five seconds",
            asked.elapsed() < Duration::from_secs(5),
        );
    }
}

fn long_kid_is_not_found_and_not_logged_whole(case: &mut Case) {
    let kids = [8 << 10, 30 << 10, 1 << 20].map(|length| "k".repeat(length));
    case.refuses(&CORP, "8 KiB", named(&kids[0]), "key_not_found");
    case.refuses(&ROOMY, "30 KiB", named(&kids[1]), "key_not_found");
    case.refuses(&CORP, "1 MiB", named(&kids[2]), "token_too_large");
    let log = log_of_denials(case, &[&kids[0], &kids[2]]);
    let longest = log.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    case.holds(
        &format!("log lines are cut, longest {longest:?}"),
        longest < Some(2048),
    );
}

fn control_characters_in_kid_stay_out_of_the_log(case: &mut Case) {
    let kids = [
        "a\r\nlevel=ERROR msg=forged",
        "a\u{1b}[31mred",
        "a\0b",
        "a\u{85}b\u{2028}c",
    ];
    for kid in kids {
        case.refuses(
            &CORP,
            &kid.escape_debug().to_string(),
            named(kid),
            "key_not_found",
        );
    }
    let log = log_of_denials(case, &kids);
    let text = String::from_utf8_lossy(&log).into_owned();
    let raw = text
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_control()));
    case.holds(
        &format!("no control character in the log: {raw:?}"),
        raw.is_none(),
    );
    let forged = text.lines().any(|line| line.starts_with("level=ERROR"));
    case.holds("no line of the log is the client's", !forged);
    case.holds("one line a record", !text.contains(['\u{85}', '\u{2028}']));
}

/// The log of a server of its own, at level `trace`, while it refuses tokens with these kids.
fn log_of_denials(case: &mut Case, kids: &[&str]) -> Vec<u8> {
    let issuer = Issuer::corp(&[&RSA]).algorithms("RS256");
    let mut log = Vec::new();
    for format in ["text", "json"] {
        let settings =
            Settings::of(issuer.clone()).top(&format!("log: {{format: {format}, level: debug}}"));
        let process = Process::serve(&format!("kid-{format}-{}", kids.len()), &settings);
        for kid in kids {
            let token = RSA.with_kid(kid).sign(&mint::claims(Process::now()));
            let outcome = process.ask(&super::call::Call::bearing(token));
            case.holds(
                &format!("denied: {}", outcome.summary()),
                outcome.http == Some(401),
            );
        }
        log.extend(process.stop());
    }
    let denials = String::from_utf8_lossy(&log)
        .matches("key_not_found")
        .count();
    case.holds(&format!("{denials} denials in the log"), denials > 0);
    log
}

fn kid_of_another_type_is_malformed(case: &mut Case) {
    for kid in [json!(1), json!(null), json!(true), json!(["k1"]), json!({})] {
        let token = RSA.sign_with(&with(RSA.header(), "kid", kid.clone()), &claims());
        case.refuses(&CORP, &kid.to_string(), token, "token_malformed");
    }
}

/// Documented: a token without kid is tried with every key of the issuer that fits its algorithm.
fn token_without_kid_tries_the_keys_that_fit(case: &mut Case) {
    case.accepts(&CORP, "RS256", named(""));
    case.accepts(&CORP, "ES256", EC.with_kid("").sign(&claims()));
    case.accepts(&CORP, "EdDSA", ED.with_kid("").sign(&claims()));
    case.refuses(
        &CORP,
        "a stranger's",
        STRANGER.with_kid("").sign(&claims()),
        "signature_invalid",
    );
}

fn unknown_kid_is_not_found_with_one_fetch_at_most(case: &mut Case) {
    case.refuses(&CORP, "inline set", named("unknown"), "key_not_found");
    let _runtime = RUNTIME.enter();
    let server = KeyServer::start_plain(Reply::ok(mint::key_set(&[&RSA])));
    let keys = format!("jwks: {{uri: '{}', allow_http: true}}", server.uri());
    let site = Site::start(&Settings::of(
        Issuer::corp(&[]).keys(&keys).algorithms("RS256"),
    ));
    site.wait_until_ready();
    case.accepts(&site, "known kid", tokens::good());
    let before = server.connections();
    for number in 0..100 {
        case.refuses(
            &site,
            "fetched set",
            named(&format!("unknown-{number}")),
            "key_not_found",
        );
    }
    let more = server.connections() - before;
    case.holds(
        &format!("at most one fetch for 100 unknown kids, not {more}"),
        more <= 1,
    );
    case.accepts(&site, "known kid afterwards", tokens::good());
}

/// RFC 7638 §3.1: SHA-256 over the required members in the order of their names.
fn thumbprint_is_not_the_kid(case: &mut Case) {
    let jwk = RSA.jwk();
    let required = format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, jwk["e"], jwk["n"]);
    let thumbprint = digest::digest(&digest::SHA256, required.as_bytes());
    case.refuses(
        &CORP,
        "RFC 7638",
        named(&mint::b64(thumbprint.as_ref())),
        "key_not_found",
    );
    let certificate = super::der::self_signed(&EC);
    let hashes = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256];
    let prints = hashes.map(|hash| mint::b64(digest::digest(hash, &certificate).as_ref()));
    let key = with(EC.jwk(), "x5t", json!(prints[0]));
    let key = with(key, "x5t#S256", json!(prints[1]));
    let set = json!({"keys": [key]});
    let site = Site::start(&Settings::of(Issuer::named(
        "corp",
        "https://idp.example.com",
        &set,
    )));
    case.accepts(&site, "its own kid", EC.sign(&claims()));
    for kid in prints {
        case.refuses(
            &site,
            "x5t",
            EC.with_kid(&kid).sign(&claims()),
            "key_not_found",
        );
    }
}

//! `check-config` lists every problem with its position and the expected value.

mod access;
mod durations;
mod envoy;
mod inputs;
mod key_sources;
mod listeners;
mod mistakes;

use std::path::Path;

use watchword::config::Config;

use crate::{folder, text, watchword};

const GOOD: &str = "\
issuers:
  corp:
    issuer: https://idp.example.com
    audiences: [orders-api]
    jwks: {file: keys.json}
rules:
- match: {path: {prefix: /public/}}
  require: none
- require: {issuers: [corp]}
";

const KEYS: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// Exit code, standard output, and standard error without the folder's name.
fn check(name: &str, config: &str, keys: &str) -> (Option<i32>, String, String) {
    let folder = folder(name, &[("watchword.yaml", config), ("keys.json", keys)]);
    let file = folder.join("watchword.yaml");
    let output = watchword(&["check-config", file.to_str().unwrap()]);
    let place = format!("{}/", folder.display());
    (
        output.status.code(),
        text(&output.stdout).replace(&place, ""),
        text(&output.stderr).replace(&place, ""),
    )
}

/// An untrusted file must not control the reader's terminal, or forge lines.
#[test]
fn what_a_file_says_cannot_steer_a_terminal() {
    let name = r#""a\u202eb\e[2J\x7f\x85\nc\u00e9""#;
    let config = format!(
        "issuers: {{{name}: {{issuer: a, any_audience: true, jwks: {{file: keys.json}}, more: \
         1}}}}\n"
    );
    let (code, _, err) = check("steer", &config, KEYS);
    assert_eq!(code, Some(1));
    let escaped = r"issuers.a\u202eb\u001b[2J\u007f\u0085\u000acé: found unknown key";
    assert!(err.contains(escaped), "{err}");
    let acts = |character: char| character != '\n' && watchword::escape::is_active(character);
    assert!(!err.contains(acts), "{err:?}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn a_good_file_is_good() {
    let (code, out, err) = check("good", GOOD, KEYS);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (Some(0), "watchword.yaml: good (issuers: 1, rules: 2)\n", "")
    );
}

#[test]
fn every_problem_is_named_at_once_whatever_its_kind() {
    let config = "\
server:
  grpc: {adress: 0.0.0.0:9191}
  max_token_size: big
issuers:
  corp:
    issuer: https://idp.example.com
    audience: [orders-api]
    jwks: {inline: 5, uri: [1]}
    forward_token: yes
    leeway: 1h
rules:
- require: nobody
- match: {path: /public/}
";
    let (code, _, err) = check("form", config, KEYS);
    assert_eq!(code, Some(1));
    let expected = "\
watchword.yaml:2:10: server.grpc: found unknown key \"adress\"; expected one of: address, \
callers, keepalive_interval, keepalive_timeout, max_concurrent_streams, max_connection_age, \
max_connection_age_grace, max_connections, max_header_list_size, reflection, socket, tls; did you \
mean \"address\"?
watchword.yaml:3:19: server.max_token_size: found \"big\"; expected a whole number \
from 256 to 65536
watchword.yaml:7:5: issuers.corp: found unknown key \"audience\"; expected one of: \
accept_warnings, algorithms, any_audience, audiences, client_ids, decryption, forbidden_claims, \
forward_token, headers, ignore_confirmation, issuer, jwks, leeway, max_lifetime, required, \
required_claims, secret_file, token_from, token_kind, types; did you mean \"audiences\"?
watchword.yaml:8:20: issuers.corp.jwks.inline: found neither a JWK set ({\"keys\": […]}) nor a \
JWK; expected a JWK set with a usable key
watchword.yaml:8:28: issuers.corp.jwks.uri: found a list; expected a string
watchword.yaml:9:20: issuers.corp.forward_token: found \"yes\"; expected true or false
watchword.yaml:10:13: issuers.corp.leeway: found \"1h\"; expected a duration such as \"30s\", \
from 0s to 5m
watchword.yaml:12:12: rules[0].require: found \"nobody\"; expected \"none\" or a mapping such as \
{scopes: [admin]}
watchword.yaml:13:17: rules[1].match.path: found a string; expected a mapping such as \
{prefix: /admin}
";
    assert_eq!(err, expected);
}

#[test]
fn a_rule_that_is_never_reached_is_a_problem() {
    let rules = "\
- require: {issuers: [corp]}
- match: {path: {prefix: /admin/}}
  require: {scopes: [admin]}
";
    let head = GOOD.split_once("rules:").unwrap().0;
    let (code, _, err) = check("unreached", &format!("{head}rules:\n{rules}"), KEYS);
    assert_eq!(code, Some(1), "{err}");
    let expected = "rules[1].match: no request reaches this rule, because rules[0] decides all of \
                    its requests: the first match applies, so move this rule up, or remove it";
    assert!(err.contains(expected), "{err}");
    let turned = "rules:\n- match: {path: {prefix: /admin/}}\n  require: {scopes: [admin]}\n- {}\n";
    let (code, _, err) = check("reached", &format!("{head}{turned}"), KEYS);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn a_value_of_the_wrong_type_is_shown_unless_it_may_be_a_secret() {
    let long = format!("{{max_token_size: {}}}", "a".repeat(99));
    for (server, expected) in [
        (
            "{drain: 5}",
            "server.drain: found 5; expected a duration such as \"30s\"",
        ),
        (
            "{max_token_size: 64k}",
            "found \"64k\"; expected a whole number from 256 to 65536",
        ),
        (
            "{max_token_size: 4096.0}",
            "found 4096.0; expected a whole number",
        ),
        ("{max_token_size: -1}", "found -1; expected a whole number"),
        (
            "{forward_override_headers: yes}",
            "found \"yes\"; expected true or false",
        ),
        (
            &long,
            &format!("found \"{}…\"; expected a whole number", "a".repeat(60)),
        ),
        (
            "{grpc: s3cret}",
            "server.grpc: found a string; expected a mapping",
        ),
        (
            "{grpc: {tls: {private_key: 12345}}}",
            "private_key: found a number; expected a string",
        ),
        (
            "{grpc: {callers: {check: {secret_header: 12345}}}}",
            "secret_header: found a number; expected a string",
        ),
        (
            "{grpc: {callers: {check: {certificate_names: s3cret}}}}",
            "found a string; expected a",
        ),
    ] {
        let config = format!("server: {server}\n{GOOD}");
        let (_, _, err) = check("wrong-type", &config, KEYS);
        assert!(err.contains(expected), "{server}: {err}");
    }
}

#[test]
fn every_problem_of_meaning_is_named_at_once() {
    let config = "\
server: {shutdown_timeout: soon}
issuers:
  corp:
    issuer: https://idp.example.com
    algorithms: [RS265, HS256]
    leeway: 1h
    jwks: {uri: http://idp.example.com/keys}
    headers: {host: sub, x-user: sub, x_user: sub}
  other:
    issuer: https://idp.example.com
    audiences: []
    jwks: {file: keys.json}
rules:
- match: {path: {prefix: /a/../b}}
  require: {issuers: [crop]}
- require: none
";
    let (code, _, err) = check("meaning", config, KEYS);
    assert_eq!(code, Some(1));
    for part in [
        ":1:28: server.shutdown_timeout: found \"soon\"; expected a duration",
        ":4:5: issuers.corp: an issuer needs `audiences`",
        ":5:18: issuers.corp.algorithms[0]: found algorithm \"RS265\"; expected one of: RS256",
        "did you mean \"RS256\"?",
        ":5:25: issuers.corp.algorithms[1]: found \"HS256\"; expected public-key algorithms only",
        ":6:13: issuers.corp.leeway: found \"1h\"; expected a duration",
        ":7:17: issuers.corp.jwks.uri: found http; expected https, or allow_http: true",
        "issuers.corp.headers.host: found \"host\": this header is reserved",
        "issuers.corp.headers.x_user: found \"x_user\", which is easily taken for \"x-user\"",
        "issuers.other.issuer: found the issuer of \"corp\" again",
        "issuers.other.audiences: found an empty list",
        ":14:26: rules[0].match.path.prefix: found \"/a/../b\"",
        ":15:23: rules[0].require.issuers[0]: found issuer \"crop\"; expected one of: corp, \
         other; did you mean \"corp\"?",
        ":16:12: rules[1].require: `require: none` without `match` allows every request",
    ] {
        assert!(err.contains(part), "missing: {part}\nin:\n{err}");
    }
    assert_eq!(err.lines().count(), 13, "{err}");
}

#[test]
fn yaml_errors_have_their_place() {
    for (name, config, place) in [
        (
            "duplicate",
            "issuers:\n  corp: {}\n  corp: {}\n",
            "watchword.yaml:3:3: ",
        ),
        ("broken", "issuers: [\n", "watchword.yaml:"),
        ("empty", "", "watchword.yaml:1:1: "),
    ] {
        let (code, _, err) = check(name, config, KEYS);
        assert_eq!(code, Some(1), "{name}");
        assert!(err.starts_with(place), "{name}: {err}");
        assert_eq!(err.lines().count(), 1, "{name}: {err}");
    }
}

#[test]
fn key_files_are_looked_into() {
    let (code, _, err) = check("weak", GOOD, r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#);
    assert_eq!(code, Some(1));
    assert!(
        err.contains(
            ":5:18: issuers.corp.jwks.file: not usable as a key set: no usable \
                          key: shared secret"
        ),
        "{err}"
    );
}

#[test]
fn a_short_secret_is_said_to_be_short() {
    let config = GOOD.replace("jwks: {file: keys.json}", "secret_file: keys.json");
    let config = config.replace("audiences", "algorithms: [HS256]\n    audiences");
    let (_, _, err) = check("short-secret", &config, "short");
    let expected = "corp.secret_file: a secret for HS256 must have at least 32 bytes; expected a";
    assert!(err.contains(expected), "{err}");
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let output = watchword(&["check-config", "no-such-file.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("no-such-file.yaml: No such file"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_admin_listener_is_off_unless_it_has_an_address() {
    let admin = |server: &str| {
        Config::parse(&format!("{server}{GOOD}"), Path::new("w.yaml"))
            .map(|config| config.server.admin)
            .map_err(|problems| problems.to_string())
    };
    assert_eq!(admin(""), Ok(None));
    let on = admin("server: {admin: {address: '127.0.0.1:9193'}}\n");
    assert_eq!(on, Ok(Some(([127, 0, 0, 1], 9193).into())));
    assert_eq!(
        admin("server: {admin: {}}\n"),
        Err(
            "w.yaml:1:17: server.admin: found no \"address\"; expected the setting \"address\""
                .to_owned()
        )
    );
    assert_eq!(
        admin("server: {admin: {address: here}}\n"),
        Err(
            "w.yaml:1:27: server.admin.address: found \"here\"; expected an address such as \
             \"127.0.0.1:9193\""
                .to_owned()
        )
    );
}

#[test]
fn every_issuer_is_required_unless_it_is_not() {
    let text = "\
issuers:
  corp: {issuer: a, any_audience: true, jwks: {file: k}}
  partner: {issuer: b, any_audience: true, jwks: {file: k}, required: false}
";
    let config = Config::parse(text, Path::new("w.yaml")).unwrap();
    let issuers = config.policy.issuers().iter();
    let required: Vec<_> = issuers
        .map(|issuer| (&*issuer.name, issuer.required))
        .collect();
    assert_eq!(required, [("corp", true), ("partner", false)]);
}

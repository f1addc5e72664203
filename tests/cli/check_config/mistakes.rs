//! Likely mistakes in valid files: an error if they are never right, else a warning. `--strict`
//! fails on warnings, and their section can accept them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::{folder, text, watchword};

use super::{GOOD, KEYS};

/// Exit codes without and with `--strict`, and standard error without the folder's name.
fn check(name: &str, config: &str) -> (i32, i32, String) {
    let folder = folder(name, &[("watchword.yaml", config), ("keys.json", KEYS)]);
    run(&folder)
}

fn run(folder: &Path) -> (i32, i32, String) {
    let file = folder.join("watchword.yaml");
    let file = file.to_str().unwrap();
    let (plain, strict) = (
        watchword(&["check-config", file]),
        watchword(&["check-config", "--strict", file]),
    );
    let place = format!("{}/", folder.display());
    (
        plain.status.code().unwrap(),
        strict.status.code().unwrap(),
        text(&plain.stderr).replace(&place, ""),
    )
}

/// The rules, after good issuers.
fn with_rules(rules: &str) -> String {
    let (head, _) = GOOD.split_once("rules:").unwrap();
    format!("{head}rules:\n{rules}\n")
}

/// An error, with its position and the fix.
fn is_refused(name: &str, config: &str, parts: &[&str]) {
    let (plain, _, err) = check(name, config);
    assert_eq!(plain, 1, "{name}: {config}\n{err}");
    for part in parts {
        assert!(err.contains(part), "{name}: missing {part:?} in:\n{err}");
    }
}

/// A warning, with its position, the fix and its code; and none if its section accepts it.
fn is_warned_of(name: &str, config: &str, code: &str, parts: &[&str]) {
    let (plain, strict, err) = check(name, config);
    assert_eq!((plain, strict), (0, 1), "{name}: {config}\n{err}");
    for part in parts {
        assert!(err.contains(part), "{name}: missing {part:?} in:\n{err}");
    }
    assert!(
        err.trim_end().ends_with(&format!("[{code}]")),
        "{name}: {err}"
    );
    let accepted = format!("accept_warnings: {{{code}: a reason}}\n{config}");
    let (plain, strict, err) = check(name, &accepted);
    assert_eq!(
        (plain, strict, err.as_str()),
        (0, 0, ""),
        "{name}, accepted"
    );
}

#[test]
fn a_path_in_the_syntax_of_another_proxy_is_named() {
    let rule = |path: &str| {
        with_rules(&format!(
            "- match: {{path: {{{path}}}}}\n  require: {{scopes: [admin]}}\n- {{}}"
        ))
    };
    is_warned_of(
        "star-prefix",
        &rule("prefix: /admin*"),
        "literal_star",
        &[
            "watchword.yaml:7:26: warning: rules[0].match.path.prefix: found \"/admin*\"; \
             expected glob: \"/admin*/**\"",
        ],
    );
    is_warned_of(
        "star-exact",
        &rule("exact: /admin/*"),
        "literal_star",
        &[
            "watchword.yaml:7:25: warning: rules[0].match.path.exact: found \"/admin/*\"; \
             expected glob: \"/admin/*\"",
        ],
    );
    is_refused(
        "braces",
        &rule("glob: '/users/{id}'"),
        &[
            "watchword.yaml:7:24: rules[0].match.path.glob: found \"/users/{id}\"",
            "glob: \"/users/*\"",
        ],
    );
    is_warned_of(
        "colon",
        &rule("glob: /users/:id"),
        "path_template",
        &[
            "watchword.yaml:7:24: warning: rules[0].match.path.glob: found \"/users/:id\"",
            "glob: \"/users/*\"",
        ],
    );
    is_warned_of(
        "regex",
        &rule("glob: '/admin/.*'"),
        "path_regex",
        &["watchword.yaml:7:24", "no pattern is a regular"],
    );
    let (plain, strict, err) = check("paths", &rule("glob: '/users/*/orders/**'"));
    assert_eq!((plain, strict, err.as_str()), (0, 0, ""));
}

#[test]
fn a_lower_case_or_unregistered_method_is_named() {
    let rule = |methods: &str| {
        with_rules(&format!(
            "- match: {{methods: [{methods}]}}\n  require: {{scopes: [write]}}\n- {{}}"
        ))
    };
    is_refused(
        "lower",
        &rule("GET, post"),
        &["watchword.yaml:7:26: rules[0].match.methods[1]: found \"post\"; expected \"POST\""],
    );
    is_warned_of(
        "unknown",
        &rule("POTS"),
        "unknown_method",
        &[
            "watchword.yaml:7:21: warning: rules[0].match.methods[0]: found \"POTS\"",
            "such as \"POST\"",
        ],
    );
    let (_, strict, err) = check("methods", &rule("PURGE, PROPFIND"));
    assert_eq!((strict, err.as_str()), (0, ""));
}

#[test]
fn a_rule_that_earlier_ones_hide_is_named() {
    for (name, rules, hider) in [
        (
            "wider",
            "- match: {path: {prefix: /a}}\n- match: {path: {prefix: /a/b}}\n  require: {scopes: \
             [x]}",
            "rules[0] decides",
        ),
        (
            "same",
            "- match: {path: {exact: /a}}\n- match: {path: {exact: /a}}\n  require: {scopes: [x]}",
            "rules[0] decides",
        ),
        (
            "glob",
            "- match: {path: {glob: '/**'}}\n- match: {path: {prefix: /a}}\n  require: {scopes: \
             [x]}",
            "rules[0] decides",
        ),
        (
            "all",
            "- {}\n- match: {path: {prefix: /a}}\n  require: {scopes: [x]}",
            "rules[0] decides",
        ),
        (
            "host",
            "- match: {hosts: ['*.example']}\n- match: {hosts: [a.example], methods: [GET]}\n  \
             require: {scopes: [x]}",
            "rules[0] decides",
        ),
        (
            "two",
            "- match: {methods: [GET]}\n- match: {methods: [POST]}\n- match: {methods: [GET, \
             POST], path: {prefix: /a}}\n  require: {scopes: [x]}",
            "rules[0] and rules[1] decide",
        ),
    ] {
        is_refused(
            name,
            &with_rules(rules),
            &[hider, "move this rule up, or remove it"],
        );
    }
    for (name, rules) in [
        (
            "slash",
            "- match: {path: {exact: /a}}\n- match: {path: {exact: /a/}}\n  require: {scopes: [x]}",
        ),
        (
            "case",
            "- match: {path: {prefix: /b}}\n- match: {path: {prefix: /B/c}}\n  require: {scopes: \
             [x]}",
        ),
    ] {
        is_refused(
            name,
            &with_rules(rules),
            &["because rules[0] refuses its requests as other spellings of its own"],
        );
    }
    for (name, rules) in [
        (
            "narrower-first",
            "- match: {path: {prefix: /a/b}}\n- match: {path: {prefix: /a}}\n- {}",
        ),
        (
            "other-methods",
            "- match: {methods: [GET], path: {prefix: /a}}\n- match: {path: {prefix: /a}}",
        ),
        (
            "other-host",
            "- match: {hosts: [a.example]}\n- match: {hosts: [a.example, b.example]}",
        ),
        (
            "other-port",
            "- match: {hosts: ['a.example:80']}\n- match: {hosts: ['a.example:81']}",
        ),
        (
            "context",
            "- match: {context: {a: b}, path: {prefix: /a}}\n- match: {path: {prefix: /a}}",
        ),
    ] {
        let (plain, strict, err) = check(name, &with_rules(rules));
        assert_eq!((plain, strict, err.as_str()), (0, 0, ""), "{name}");
    }
}

#[test]
fn a_claim_or_header_the_wrong_way_round_is_named() {
    let headers = |headers: &str| {
        GOOD.replace(
            "    jwks:",
            &format!("    headers: {{{headers}}}\n    jwks:"),
        )
    };
    is_warned_of(
        "swapped",
        &headers("sub: x-auth-subject"),
        "swapped_header",
        &[
            "watchword.yaml:5:20: warning: issuers.corp.headers.sub: found the claim \
             \"x-auth-subject\"",
            "\"x-auth-subject\": sub",
        ],
    );
    is_refused(
        "jsonpath",
        &headers("x-user: $.sub"),
        &["watchword.yaml:5:23: issuers.corp.headers.x-user: found \"$.sub\"; expected \"sub\""],
    );
    is_warned_of(
        "wrapped",
        &headers("x-user: claims.sub"),
        "claim_syntax",
        &["watchword.yaml:5:23", "expected \"sub\""],
    );
    is_warned_of(
        "url",
        &headers("x-user: 'https://example.com/roles'"),
        "claim_syntax",
        &["expected a list, [\"https://example.com/roles\"]"],
    );
    let claims = |claims: &str| with_rules(&format!("- {{require: {{claims: {{{claims}}}}}}}"));
    is_warned_of(
        "any",
        &claims("any_of: [admin, owner]"),
        "operator_as_claim",
        &[
            "rules[0].require.claims.any_of",
            "a list of values means any of them",
        ],
    );
    is_refused(
        "claim-path",
        &claims("$.department: it"),
        &["found \"$.department\"; expected \"department\""],
    );
    is_refused(
        "any-in",
        &claims("role: {any_of: [admin]}"),
        &["rules[0].require.claims.role"],
    );
    let (_, strict, err) = check(
        "claims",
        &headers("x-user: sub, x-roles: realm_access.roles"),
    );
    assert_eq!((strict, err.as_str()), (0, ""));
}

#[test]
fn an_issuer_or_url_that_cannot_be_one_is_named() {
    let issuer = |issuer: &str| GOOD.replace("https://idp.example.com", issuer);
    is_refused(
        "tenant",
        &issuer("'https://login.microsoftonline.com/{tenantid}/v2.0'"),
        &[
            "watchword.yaml:3:13: issuers.corp.issuer: found",
            "without placeholders",
        ],
    );
    is_refused(
        "star",
        &issuer("'https://*.example.com'"),
        &["watchword.yaml:3:13: issuers.corp.issuer", "wildcards"],
    );
    is_refused(
        "metadata-issuer",
        &issuer("https://idp.example.com/.well-known/openid-configuration"),
        &["expected the issuer, such as \"https://idp.example.com\""],
    );
    is_warned_of(
        "common",
        &issuer("https://login.microsoftonline.com/common/v2.0"),
        "issuer_placeholder",
        &["the tenant's id"],
    );
    let uri = GOOD.replace(
        "{file: keys.json}",
        "{uri: 'https://idp.example.com/.well-known/openid-configuration'}",
    );
    is_refused(
        "metadata",
        &uri,
        &[
            "watchword.yaml:5:17: issuers.corp.jwks.uri: found the URL of metadata",
            "discovery in place of uri",
        ],
    );
    let audience = GOOD.replace("[orders-api]", "['*']");
    is_warned_of(
        "audience",
        &audience,
        "wildcard_audience",
        &["watchword.yaml:4:17", "any_audience: true accepts all"],
    );
}

#[test]
fn a_demand_that_demands_nothing_is_refused() {
    for (name, rules, part) in [
        (
            "claims",
            "- {require: {claims: {}}}",
            "rules[0].require.claims: found an empty mapping",
        ),
        (
            "context",
            "- {match: {context: {}}}",
            "rules[0].match.context: found an empty mapping",
        ),
        (
            "scopes",
            "- {require: {scopes: []}}",
            "rules[0].require.scopes: found an empty list",
        ),
        (
            "hosts",
            "- {match: {hosts: []}}",
            "rules[0].match.hosts: found an empty list",
        ),
        (
            "methods",
            "- {match: {methods: []}}",
            "rules[0].match.methods: found an empty list",
        ),
        (
            "values",
            "- {require: {claims: {a: []}}}",
            "rules[0].require.claims.a: found an empty list",
        ),
        (
            "contains",
            "- {require: {claims: {a: {contains_all: []}}}}",
            "rules[0].require.claims.a.contains_all: found an empty list",
        ),
        (
            "path",
            "- {match: {path: {}}}",
            "rules[0].match.path: `path` takes exactly one of",
        ),
        (
            "open",
            "- {match: {path: {prefix: /}}, require: none}",
            "rules[0].require: `require: none` for every path allows every request",
        ),
    ] {
        is_refused(name, &with_rules(rules), &[part]);
    }
    // Any valid token is a demand.
    let (_, strict, err) = check("any-token", &with_rules("- {require: {}}"));
    assert_eq!((strict, err.as_str()), (0, ""));
}

#[test]
fn a_secret_that_others_may_read_or_write_is_warned_of() {
    let config = GOOD.replace("jwks: {file: keys.json}", "secret_file: secret.key");
    let secret = "0123456789abcdef0123456789abcdef";
    let folder = folder(
        "modes",
        &[("watchword.yaml", &config), ("secret.key", secret)],
    );
    let set_mode = |mode| {
        fs::set_permissions(folder.join("secret.key"), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (mode, what) in [
        (0o644, "others may read"),
        (0o604, "others may read"),
        (0o620, "its group or others may write"),
        (0o666, "its group or others may write"),
    ] {
        set_mode(mode);
        let (plain, strict, err) = run(&folder);
        assert_eq!((plain, strict), (0, 1), "{err}");
        let found = format!(
            "watchword.yaml:5:18: warning: issuers.corp.secret_file: found a file with mode \
             {mode:04o}, which {what}; "
        );
        assert!(err.contains(&found), "{err}");
    }
    for mode in [0o600, 0o400, 0o640] {
        set_mode(mode);
        assert_eq!(run(&folder), (0, 0, String::new()));
    }
    // As Kubernetes mounts it.
    let version = folder.join("..2026_11_28");
    fs::create_dir_all(&version).unwrap();
    fs::rename(folder.join("secret.key"), version.join("secret.key")).unwrap();
    std::os::unix::fs::symlink("..2026_11_28", folder.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/secret.key", folder.join("secret.key")).unwrap();
    for (mode, strict) in [(0o644, 0), (0o666, 1)] {
        set_mode(mode);
        assert_eq!(run(&folder).1, strict, "{mode:o}");
    }
}

#[test]
fn a_certificate_out_of_date_is_named() {
    for (name, from, to, expected) in [
        ("expired", 2001, 2002, "that expired at"),
        ("early", 4000, 4001, "that is not valid until"),
        ("valid", 2001, 4000, ""),
    ] {
        let (certificate, key) = self_signed(from, to);
        let config = format!(
            "server: {{grpc: {{tls: {{certificate: tls.crt, private_key: tls.key}}}}}}\n{GOOD}"
        );
        let files = [
            ("watchword.yaml", &*config),
            ("keys.json", KEYS),
            ("tls.crt", &certificate),
            ("tls.key", &key),
        ];
        let folder = folder(name, &files);
        fs::set_permissions(folder.join("tls.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let (plain, strict, err) = run(&folder);
        assert_eq!(plain, 0, "{err}");
        let warned = err.contains(&format!(
            "server.grpc.tls.certificate: found a certificate {expected}"
        )) && err.contains("[expired_certificate]");
        assert_eq!(
            (strict == 1, warned),
            (!expected.is_empty(), !expected.is_empty()),
            "{name}: {err}"
        );
    }
}

fn self_signed(from: i32, to: i32) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["watchword.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_warning_is_accepted_where_it_stands_and_nowhere_else() {
    let two = "- match: {path: {glob: /a/:id}}\n  accept_warnings: {path_template: the segment is \
               :id}\n- match: {path: {glob: /b/:id}}";
    let (plain, strict, err) = check("accepted", &with_rules(two));
    assert_eq!((plain, strict), (0, 1), "{err}");
    assert!(
        err.contains("rules[1].match.path.glob") && !err.contains("rules[0]"),
        "{err}"
    );
    is_refused(
        "unknown-code",
        &with_rules("- {accept_warnings: {path_templates: why}}"),
        &[
            "rules[0].accept_warnings.path_templates: found warning \"path_templates\"",
            "did you mean \"path_template\"?",
        ],
    );
    is_refused(
        "no-reason",
        &with_rules("- {accept_warnings: {path_template: ' '}}"),
        &["found no reason"],
    );
}

#[test]
fn scope_with_a_character_that_no_scope_can_have_is_refused() {
    for (name, scope) in [
        ("scope-space", "two words"),
        ("scope-quote", "quo\"te"),
        ("scope-backslash", "back\\slash"),
        ("scope-accent", "caf\u{e9}"),
    ] {
        let scope = serde_json::to_string(scope).unwrap();
        let config = with_rules(&format!("- require: {{scopes: [{scope}]}}"));
        is_refused(name, &config, &["require.scopes[0]: found"]);
    }
    let config = with_rules("- require: {scopes: ['!#[]~']}");
    assert_eq!(check("scope-visible", &config).0, 0);
}

/// Nothing but the form is wrong, so the message shows it.
#[test]
fn a_section_of_the_wrong_form_is_answered_with_the_right_one() {
    let issuer =
        |settings: &str| format!("issuers:\n  corp:\n    issuer: https://a\n    {settings}\n");
    let uri = "{uri: \"https://idp.example.com/keys\"}";
    for (name, config, part) in [
        (
            "list",
            "issuers: [{issuer: a}]\n".to_owned(),
            "found a list; expected a mapping such as {NAME: ".to_owned(),
        ),
        (
            "jwks",
            issuer("jwks: https://a/keys"),
            format!("found a string; expected a mapping such as {uri}"),
        ),
        (
            "audience",
            issuer("audiences: api"),
            "found a string; expected a list such as [ONE, TWO]".to_owned(),
        ),
        (
            "jwks-uri",
            issuer("jwks_uri: https://a/keys"),
            format!("did you mean \"jwks: {uri}\"?"),
        ),
        (
            "path",
            with_rules("- match: {path: /a}"),
            "expected a mapping such as {prefix: /admin}".to_owned(),
        ),
        (
            "prefix",
            with_rules("- match: {prefix: /a}"),
            "did you mean \"path: {prefix: …}\"?".to_owned(),
        ),
    ] {
        is_refused(name, &config, &[&part]);
    }
}

#[test]
fn a_misspelt_setting_is_not_missing_as_well() {
    let config = "issuers: {corp: {isuer: a, any_audience: true, jwks: {file: k}}}\n";
    let (_, _, err) = check("misspelt", config);
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.contains("did you mean \"issuer\"?"), "{err}");
    is_refused(
        "missing",
        "issuers: {corp: {jwks: {file: k}}}\n",
        &["no \"issuer\""],
    );
}

/// A line of the log has a bound, and a refused reload must get one.
#[test]
fn messages_are_short_whatever_the_file_holds() {
    let long = "z".repeat(200_000);
    let config = format!("mode: {long}\n? {long}\n: 1\nissuers: {{{long}: {{}}}}\n");
    let (_, _, err) = check("long", &config);
    assert!(err.len() < 20_000, "{} bytes", err.len());
    let lines: Vec<String> = (0..200)
        .map(|n| format!("k{n}: {}", &long[..900]))
        .collect();
    let many = lines.join("\n");
    let (_, _, err) = check("many", &many);
    assert!(
        err.len() < 32_000 && err.contains("more problems"),
        "{} bytes",
        err.len()
    );
}

#[test]
fn a_syntax_error_repeats_nothing_of_the_file() {
    let config = GOOD.replace("jwks: {", "jwks: {headers: {x-key: 12e345678}, ");
    let (_, _, err) = check("not-finite", &config);
    assert!(!err.contains("345678"), "{err}");
    assert!(err.contains("a number that is not finite"), "{err}");
}

#[test]
fn an_issuer_has_a_printable_name() {
    for name in ["''", r#""a\u202eb""#, &"n".repeat(65)] {
        let config = GOOD
            .replace("corp:", &format!("{name}:"))
            .replace("[corp]", "[x]");
        is_refused(
            "issuer-name",
            &config,
            &["a name of 1 to 64 printable characters"],
        );
    }
}

#[test]
fn a_syntax_error_is_said_in_words_for_authors_and_has_its_place_once() {
    let anchor = |n: usize, element: &str| format!("a{n}: &a{n} [{}]\n", [element; 10].join(","));
    let mut bomb = anchor(0, "x");
    bomb.extend((1..7).map(|n| anchor(n, &format!("*a{}", n - 1))));
    for (config, expected) in [
        (
            "issuers:\n  corp:\n\t issuer: a\n",
            "3:3: cannot read the YAML: tabs disallowed",
        ),
        (
            "issuers: [\n",
            "1:10: cannot read the YAML: unclosed bracket",
        ),
        (
            "a: 1\nb: 1\na: 1\n",
            "3:1: found the key \"a\" twice; expected it once",
        ),
        (
            "a: 1\n---\na: 1\n",
            "3:1: found a second document; expected one",
        ),
        ("a: {~: 1}\n", "1:5: found an empty key; expected a name"),
        ("a: &a [*a]\n", "1:8: found an alias inside the value"),
        (
            "a: !!seq b\n",
            "1:10: found the tag \"!!seq\"; expected none",
        ),
        (
            &("[".repeat(40) + &"]".repeat(40)),
            "1:33: found more than 32 nested mappings and lists",
        ),
        (
            &bomb,
            "6:14: the file has too many values, those of its aliases counted each time",
        ),
    ] {
        let (_, _, err) = check("syntax", config);
        let place = format!("watchword.yaml:{expected}");
        assert!(err.starts_with(&place), "{expected}: {err}");
        for part in ["line ", "mapping of settings", "budget", "Options"] {
            assert!(!err.contains(part), "{err}");
        }
    }
}

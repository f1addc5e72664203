//! Area `config`: bad configurations, which `Config::parse` and the command refuse.

use std::path::{Path, PathBuf};

use watchword::config::Config;
use watchword_test_support::secrets::SECRETS;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::emitted::PROBLEMS;
use super::process;
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, corp};

pub(crate) mod issuers;
pub(crate) mod reloads;
pub(crate) mod size;

pub(crate) const ROWS: &[Row] = &[
    row!("CFG-03", unknown_and_duplicate_keys_are_errors),
    row!("CFG-11", open_door_must_be_said),
    row!("CFG-12", first_rule_wins),
];

/// The text as a configuration, or its problems as text.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("case.yaml");
    Config::parse(text, &file).map_err(|problems| {
        let problems = problems.to_string();
        SECRETS.scan(PROBLEMS, problems.as_bytes());
        problems
    })
}

/// The text is refused with these words and a position in the file.
pub(crate) fn refuse(case: &mut Case, what: &str, text: &str, words: &[&str]) {
    match parse(text) {
        Ok(_) => case.holds(&format!("{what}: refused\n{text}"), false),
        Err(problems) => {
            case.holds(
                &format!("{what}: a position in {problems}"),
                positioned("case.yaml", &problems),
            );
            for word in words {
                case.holds(
                    &format!("{what}: {word:?} in {problems}"),
                    problems.contains(word),
                );
            }
        }
    }
}

/// The command refuses it too: exit code 1, and a line with file, line and column.
fn command_refuses(case: &mut Case, name: &str, text: &str, words: &[&str]) {
    let file = format!("{name}.yaml");
    let (_, output): (PathBuf, _) = process::check_config(&file, text);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    case.equal(
        &format!("{name}: exit code, {said}"),
        output.status.code(),
        Some(1),
    );
    case.holds(
        &format!("{name}: a position in {said}"),
        positioned(&file, &said),
    );
    for word in words {
        case.holds(&format!("{name}: {word:?} in {said}"), said.contains(word));
    }
}

/// True if some line reads `…FILE:LINE:COLUMN: …`.
fn positioned(file: &str, text: &str) -> bool {
    text.lines().any(|line| {
        let Some((_, rest)) = line.split_once(&format!("{file}:")) else {
            return false;
        };
        let mut parts = rest.splitn(3, ':');
        let mut number = || {
            parts
                .next()
                .is_some_and(|part| part.parse::<u32>().is_ok_and(|number| number > 0))
        };
        number() && number()
    })
}

/// A configuration of one issuer with this line among its settings.
fn with_line(line: &str) -> String {
    Settings::of(corp().line(line)).text()
}

fn with_rules(rules: &str) -> String {
    Settings::of(corp()).rules(rules).text()
}

fn accepted(case: &mut Case, what: &str, text: &str) {
    let parsed = parse(text);
    case.holds(
        &format!("{what} is accepted: {:?}", parsed.as_ref().err()),
        parsed.is_ok(),
    );
}

fn unknown_and_duplicate_keys_are_errors(case: &mut Case) {
    let good = Settings::of(corp()).text();
    accepted(case, "the baseline", &good);
    let misspelt = good.replace("audiences:", "audience:");
    refuse(
        case,
        "audience",
        &misspelt,
        &["audience", "did you mean", "audiences"],
    );
    command_refuses(
        case,
        "misspelt",
        &misspelt,
        &["audience", "did you mean", "audiences"],
    );
    for line in [
        "unknown: 1",
        "Issuer: x",
        "jwks_uri: x",
        "leway: 1s",
        "forward-token: true",
    ] {
        refuse(case, line, &with_line(line), &["unknown", "expected"]);
    }
    for top in [
        "rule: []",
        "default: allow",
        "failure_mode_allow: true",
        "Server: {}",
    ] {
        refuse(case, top, &format!("{good}{top}\n"), &["unknown"]);
    }
    for rules in [
        "- {match: {path: {prefx: /a}}}",
        "- {match: {paths: {prefix: /a}}}",
        "- {require: {issuer: [corp]}}",
        "- {require: {scope: [a]}}",
        "- {action: allow}",
        "- {require: nothing}",
        "- {require: {claims: {a: {contain: x}}}}",
    ] {
        refuse(case, rules, &with_rules(rules), &[]);
    }
    for line in [
        "audiences: [other]",
        "issuer: https://other.example",
        "jwks: {file: x}",
    ] {
        let twice = with_line(line);
        refuse(case, &format!("{line} again"), &twice, &["twice"]);
        command_refuses(case, "duplicate", &twice, &["twice"]);
    }
    refuse(
        case,
        "issuers again",
        &format!("{good}issuers: {{}}\n"),
        &["twice"],
    );
}

fn open_door_must_be_said(case: &mut Case) {
    let doors = [
        "- {require: none}",
        "- {match: {}, require: none}",
        "- {match: {path: {prefix: /}}, require: none}",
        "- {match: {path: {glob: '/**'}}, require: none}",
        "- {match: {path: {prefix: /admin/}}}\n- {require: none}",
    ];
    for rules in doors {
        refuse(
            case,
            rules,
            &with_rules(rules),
            &["none", "insecure_allow_all"],
        );
        let said = rules.replace("require: none", "require: none, insecure_allow_all: true");
        accepted(case, &said, &with_rules(&said));
    }
    command_refuses(
        case,
        "open-door",
        &with_rules("- {require: none}"),
        &["none", "insecure_allow_all"],
    );
    accepted(
        case,
        "a part of it",
        &with_rules("- {match: {path: {prefix: /public/}}, require: none}"),
    );
    for top in [
        "default: allow",
        "default_action: allow",
        "allow_by_default: true",
    ] {
        refuse(
            case,
            top,
            &format!("{}{top}\n", Settings::of(corp()).text()),
            &["unknown"],
        );
    }
    let site = Site::start(&Settings::of(corp()).rules("- {match: {path: {prefix: /a/}}}"));
    let call = Call::get("/b").token(tokens::good());
    case.denies(&site, "what no rule matches", &call, 403, "policy_denied");
}

/// Documented: rules are tried in their order, and the first that matches is the only one that
/// counts.
fn first_rule_wins(case: &mut Case) {
    let rules = "\
- {name: exact, match: {path: {exact: /a/b}}}
- {name: method, match: {path: {prefix: /a/}, methods: [POST]}}
- {name: host, match: {path: {prefix: /a/}, hosts: [b.example]}}
- {name: prefix, match: {path: {prefix: /a/}}}
- {name: glob, match: {path: {glob: /x/*/y}}}
- {name: open, match: {path: {prefix: /x/}}, require: none}
- {name: rest, require: {scopes: [admin]}}";
    let site = Site::start(&Settings::of(corp()).rules(rules));
    let get = |path: &str| Call::get(path).token(tokens::good());
    for (call, wanted) in [
        (get("/a/b"), "exact"),
        (get("/a/b").method("POST"), "exact"),
        (get("/a/c").method("POST"), "method"),
        (get("/a/c").host("b.example"), "host"),
        (get("/a/c").method("POST").host("b.example"), "method"),
        (get("/a/c"), "prefix"),
        (get("/x/1/y"), "glob"),
        (get("/x/1/z"), "open"),
    ] {
        let outcome = case.allows(&site, wanted, &call);
        case.equal("rule", outcome.rule(), wanted);
    }
    let outcome = case.denies(&site, "rest", &get("/z"), 403, "insufficient_scope");
    case.equal("rule", outcome.rule(), "rest");
    case.denies(
        &site,
        "glob, no token",
        &Call::get("/x/1/y"),
        401,
        "token_missing",
    );
    let mut reversed: Vec<&str> = rules.lines().rev().collect();
    refuse(
        case,
        "the rest before all others",
        &with_rules(&reversed.join("\n")),
        &["rules[1]", "rules[0] decides"],
    );
    reversed.remove(0);
    refuse(
        case,
        "a wider one before a narrower one",
        &with_rules(&reversed.join("\n")),
        &["because rules[2] decides all of its requests"],
    );
}

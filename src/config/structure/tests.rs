use super::{Loss, Structure};
use crate::config::document::Document;

const USED: &str = "\
server:
  realm: a
issuers:
  corp:
    issuer: a
    audiences: [a, b]
    jwks: {file: k}
rules:
- match: {path: {prefix: /public}}
  require: none
- name: admin
  match:
    path: {prefix: /admin}
  require:
    issuers: [corp]
    scopes: [admin, root]
- require: {issuers: [corp]}
";

fn structure(text: &str) -> Structure {
    Structure::of(&Document::parse(text).unwrap(), text)
}

#[test]
fn every_beginning_of_a_file_that_is_cut_between_lines_lacks_something() {
    let used = structure(USED);
    let lines: Vec<&str> = USED.split_inclusive('\n').collect();
    for count in 1..lines.len() {
        let text = lines[..count].concat();
        // A key without a value is an error of its own.
        if Document::parse(&text).is_err() || text.trim_end().ends_with(':') {
            continue;
        }
        let cut = structure(&text);
        let loss = used.weakened_in(&cut).or(used.cut_off_in(&cut));
        let loss = loss.or(used.shortened_in(&cut));
        assert!(loss.is_some(), "after {count} lines");
    }
    assert_eq!(used.weakened_in(&used), None);
    assert_eq!(used.cut_off_in(&used), None);
    assert_eq!(used.shortened_in(&used), None);
}

/// A file that grows is cut off like any other.
#[test]
fn a_longer_file_that_is_cut_off_is_noticed_wherever_it_is_cut() {
    let used = structure(USED);
    let assets = "\
- name: assets
  require: none
  match:
    methods: [GET]
    path: {prefix: /assets}
- match: {path: {prefix: /x}}
  require: {scopes: [x]}
";
    let (head, rest) = USED.split_at(USED.rfind("- require").unwrap());
    let grown = format!("{head}{assets}{rest}");
    let changed = used
        .cut_off_in(&structure(&grown))
        .or(used.shortened_in(&structure(&grown)));
    assert_eq!(changed, None);
    for cut in head.len()..grown.len() {
        let text = &grown[..cut];
        let Ok(document) = Document::parse(text) else {
            continue;
        };
        let cut = Structure::of(&document, text);
        let loss = used.weakened_in(&cut).or(used.cut_off_in(&cut));
        let loss = loss.or(used.shortened_in(&cut));
        assert!(loss.is_some(), "{text}");
    }
}

#[test]
fn a_last_rule_that_demands_less_is_cut_off_and_not_only_shorter() {
    let used = structure(USED);
    let head = USED.strip_suffix("- require: {issuers: [corp]}\n").unwrap();
    let without = |line: &str| structure(&head.replace(line, ""));
    let loss = used.cut_off_in(&without("    scopes: [admin, root]\n"));
    assert_eq!(loss, Some(Loss::End("rules[1].require.scopes".to_owned())));
    assert_eq!(used.cut_off_in(&structure(head)), None);
    let open = used.cut_off_in(&structure(&format!(
        "{head}- match: {{path: {{prefix: /x}}}}\n"
    )));
    assert_eq!(open, Some(Loss::LastRequire(2)));
    let torn = structure(USED.trim_end());
    assert_eq!(used.cut_off_in(&torn), Some(Loss::LineBreak));
}

/// A limit of an issuer or of callers, say, may be what is missing.
#[test]
fn a_lost_rule_or_issuer_makes_a_file_shorter_and_any_other_setting_cuts_it_off() {
    const USED: &str = "\
rules: [{require: {issuers: [corp]}}]
issuers:
  corp:
    issuer: a
    types: [at+jwt]
  shop:
    issuer: b
server:
  grpc:
    address: a
    callers: {}
";
    let lines: Vec<&str> = USED.split_inclusive('\n').collect();
    let first = |count: usize| structure(&lines[..count].concat());
    let end = |setting: &str| Some(Loss::End(setting.to_owned()));
    for (count, lost) in [
        (4, "issuers.corp.types"),
        (7, "server"),
        (10, "server.grpc.callers"),
    ] {
        assert_eq!(first(11).cut_off_in(&first(count)), end(lost));
    }
    assert_eq!(first(7).cut_off_in(&first(5)), None);
    assert_eq!(first(7).shortened_in(&first(5)), end("issuers.shop"));
}

#[test]
fn what_goes_in_the_middle_or_comes_at_the_end_is_no_loss() {
    let used = structure(USED);
    for changed in [
        USED.replace("server:\n  realm: a\n", ""),
        USED.replace("- match: {path: {prefix: /public}}\n  require: none\n", ""),
        USED.replace("    issuers: [corp]\n    scopes", "    scopes"),
        format!("{USED}- match: {{path: {{prefix: /x}}}}\n  require: none\n"),
        format!("{USED}mode: shadow\n"),
        USED.replace("audiences: [a, b]", "audiences: [a]"),
    ] {
        let new = structure(&changed);
        assert_eq!(used.weakened_in(&new), None, "{changed}");
        assert_eq!(used.cut_off_in(&new), None, "{changed}");
        assert_eq!(used.shortened_in(&new), None, "{changed}");
    }
}

#[test]
fn rules_and_requirements_go_only_where_that_is_said() {
    let used = structure(USED);
    let (head, _) = USED.split_once("rules:").unwrap();
    assert_eq!(used.weakened_in(&structure(head)), Some(Loss::Rules));
    let said = structure(&format!("{head}rules: any_valid_token\n"));
    assert_eq!(used.weakened_in(&said), None);
    let moved = "- name: admin\n  match: {path: {prefix: /admin}}\n- require: {issuers: [corp]}\n";
    let lacking = structure(&format!("{head}rules:\n{moved}"));
    assert_eq!(used.weakened_in(&lacking), Some(Loss::Require(0)));
    let said = moved.replace("/admin}}\n", "/admin}}\n  require: {}\n");
    assert_eq!(
        used.weakened_in(&structure(&format!("{head}rules:\n{said}"))),
        None
    );
    // One that never had a requirement needs none.
    let bare = structure(&format!(
        "{head}rules:\n- match: {{path: {{prefix: /a}}}}\n"
    ));
    assert_eq!(bare.weakened_in(&bare), None);
}

#[test]
fn the_first_setting_that_is_missing_is_named() {
    let used = structure(USED);
    let cut = USED.strip_suffix("- require: {issuers: [corp]}\n").unwrap();
    let loss = used.shortened_in(&structure(cut));
    assert_eq!(loss, Some(Loss::End("rules[2]".to_owned())));
}

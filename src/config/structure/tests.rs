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
    Structure::of(&Document::parse(text).unwrap())
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
        assert!(loss.is_some(), "after {count} lines");
    }
    assert_eq!(used.weakened_in(&used), None);
    assert_eq!(used.cut_off_in(&used), None);
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
    let cut = USED.split("    scopes").next().unwrap();
    let loss = used.cut_off_in(&structure(cut)).unwrap();
    assert_eq!(loss, Loss::End("rules[2]".to_owned()));
    let one = used.cut_off_in(&structure(
        &USED.replace("[admin, root]\n- require: {issuers: [corp]}", "[admin]"),
    ));
    assert_eq!(one, Some(Loss::End("rules[2]".to_owned())));
}

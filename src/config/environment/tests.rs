//! References in whole configurations.

use std::path::Path;

use serde_json::Value as Json;

use crate::config::{Config, environment::escaped};

/// Everything that may stand in a configuration, much of it in this file only.
const FULL: &str = include_str!("tests/full.yaml");

const SMALL: &str = "\
issuers:
  corp:
    issuer: ${ISSUER}
    audiences: [orders-api]
    jwks: {file: k}
";

/// Parses with these variables, each with the same value.
fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let lookup = |name: &str| {
        let variable = variables.iter().find(|(known, _)| *known == name)?;
        Some(variable.1.into())
    };
    Config::parse_in(text, Path::new("w.yaml"), &lookup).map_err(|problems| problems.to_string())
}

fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    match parse(text, variables) {
        Ok(_) => panic!("accepted: {text}"),
        Err(problems) => problems,
    }
}

#[test]
fn values_of_variables_take_their_places() {
    let text = format!("{SMALL}    headers: {{x-user: '${{CLAIM:-sub}}'}}\n");
    let config = parse(&text, &[("ISSUER", "https://idp.example.com")]).unwrap();
    let issuer = &config.policy.issuers()[0];
    assert_eq!(&*issuer.expectations.issuer, "https://idp.example.com");
}

#[test]
fn numbers_and_switches_are_read_from_text() {
    let text = "\
server: {max_token_size: '${SIZE}'}
token_cache:
  max_entries: ${CACHE:-17}
issuers:
  corp:
    issuer: a
    any_audience: ${ANY}
    jwks: {file: k}
";
    let config = parse(text, &[("SIZE", "4096"), ("ANY", "true")]).unwrap();
    assert_eq!(config.server.max_token_size, 4096);
    assert_eq!(config.token_cache_entries, 17);
    let size = "w.yaml:1:26: server.max_token_size: found the value of ${SIZE}; expected a whole \
                number from 256 to 65536";
    let any =
        "w.yaml:7:19: issuers.corp.any_audience: found the value of ${ANY}; expected true or false";
    for (variables, problem) in [
        ([("SIZE", "4096 "), ("ANY", "true")], size),
        ([("SIZE", "-1"), ("ANY", "true")], size),
        ([("SIZE", "4096"), ("ANY", "yes")], any),
        ([("SIZE", "4096"), ("ANY", "")], any),
    ] {
        let problems = refused(text, &variables);
        assert!(problems.contains(problem), "{variables:?}: {problems}");
    }
    let partly = text.replace("${CACHE:-17}", "1${CACHE:-7}");
    for (cache, found) in [
        (None, "\"17\""),
        (Some(("CACHE", "")), "the value of ${CACHE}"),
        (Some(("CACHE", "8")), "the value of ${CACHE}"),
    ] {
        let mut variables = vec![("SIZE", "4096"), ("ANY", "true")];
        variables.extend(cache);
        let problems = refused(&partly, &variables);
        let problem = format!("token_cache.max_entries: found {found}; expected");
        assert!(problems.contains(&problem), "{problems}");
    }
}

#[test]
fn text_stays_text_where_text_is_allowed() {
    let text = format!("{SMALL}rules: [{{require: {{claims: {{active: '${{ACTIVE}}'}}}}}}]\n");
    let variables = [("ISSUER", "a"), ("ACTIVE", "true")];
    let shown = shown(&text, &variables);
    assert!(
        shown.contains("active: \"true\"") || shown.contains("active: 'true'"),
        "{shown}"
    );
}

fn shown(text: &str, variables: &[(&str, &str)]) -> String {
    let lookup = |name: &str| {
        let variable = variables.iter().find(|(known, _)| *known == name)?;
        Some(variable.1.into())
    };
    let config = Config::build(text, Path::new("w.yaml"), &lookup, false).unwrap();
    crate::config::effective::yaml(config.effective).unwrap()
}

#[test]
fn a_value_never_becomes_structure_and_keys_are_left_alone() {
    let hostile = "a\nrules: [{require: none, insecure_allow_all: true}]\n#";
    let config = parse(SMALL, &[("ISSUER", hostile)]).unwrap();
    assert_eq!(&*config.policy.issuers()[0].expectations.issuer, hostile);
    assert_eq!(config.policy.rules().iter().count(), 0);
    let config = parse(SMALL, &[("ISSUER", "${ISSUER}")]).unwrap();
    assert_eq!(
        &*config.policy.issuers()[0].expectations.issuer,
        "${ISSUER}"
    );
    let key = "issuers: {'${NAME}': {issuer: a, any_audience: true, jwks: {file: k}}}";
    let config = parse(key, &[("NAME", "corp")]).unwrap();
    assert_eq!(&*config.policy.issuers()[0].name, "${NAME}");
}

#[test]
fn what_cannot_be_followed_has_its_place_and_hides_no_other_problem() {
    let text = "\
issuers:
  corp:
    issuer: a
    audiences: [\"${UNSET}\", '${bad-name}']
    jwks: {file: 'k${'}
    leeway: 1h
";
    assert_eq!(
        refused(text, &[]),
        "\
w.yaml:4:17: issuers.corp.audiences[0]: found ${UNSET}, which is not set; \
    expected a variable of the environment, or a default: ${UNSET:-default}
w.yaml:4:29: issuers.corp.audiences[1]: found \"${\" without the name of a variable behind it; \
    expected ${NAME} or ${NAME:-default}, with letters, digits and _ in the name; or $$ for a $
w.yaml:5:18: issuers.corp.jwks.file: found \"${\" without \"}\"; expected ${NAME}, or $$ for a $
w.yaml:6:13: issuers.corp.leeway: found \"1h\"; expected a duration such as \"30s\", from 0s to 5m"
    );
    let problems = refused(SMALL, &[]);
    assert!(
        problems.starts_with("w.yaml:3:13: issuers.corp.issuer: found ${ISSUER}, which is not set")
    );
    assert_eq!(problems.lines().count(), 1, "{problems}");
}

#[test]
fn what_comes_from_the_environment_has_a_limit() {
    let value = "x".repeat(1024);
    let text = |times: usize| {
        let audiences = vec!["\"${V}\""; times].join(",");
        format!("issuers: {{a: {{issuer: i, jwks: {{file: k}}, audiences: [{audiences}]}}}}")
    };
    assert!(parse(&text(1024), &[("V", &value)]).is_ok());
    let problems = refused(&text(1025), &[("V", &value)]);
    assert!(
        problems.contains("found a value that is too large"),
        "{problems}"
    );
}

#[test]
fn the_full_configuration_is_good() {
    parse(FULL, &[]).unwrap();
}

/// Sets each scalar of the full configuration in turn, as if it came from the environment.
#[test]
fn no_message_repeats_a_value_of_the_environment() {
    let full: Json = serde_saphyr::from_str(FULL).unwrap();
    let mut paths = Vec::new();
    scalars(&full, &mut String::new(), &mut paths);
    assert!(paths.len() > 60, "{}", paths.len());
    let mut refused = 0;
    for path in &paths {
        let mut config = full.clone();
        *config.pointer_mut(path).unwrap() = "${MARK}".into();
        for value in [
            "7f3a \"9c1e\\",
            "http://7f3a:9c1e@host/",
            "/7f3a/../9c1e",
            "7f3a..9c1e",
            "97531",
            "97531h",
            "https://169.254.97.53/?97531",
            "https:// 97531",
        ] {
            let Err(problems) = parse(&config.to_string(), &[("MARK", value)]) else {
                continue;
            };
            refused += 1;
            for part in ["7f3a", "9c1e", "9753", "97.53"] {
                assert!(!problems.contains(part), "{path} {value}: {problems}");
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

fn scalars(value: &Json, path: &mut String, found: &mut Vec<String>) {
    let mut within = |step: &str, value| {
        let length = path.len();
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        scalars(value, path, found);
        path.truncate(length);
    };
    match value {
        Json::Object(members) => {
            for (name, value) in members {
                within(name, value);
            }
        }
        Json::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                within(&index.to_string(), value);
            }
        }
        _ => found.push(path.clone()),
    }
}

#[test]
fn a_message_about_another_setting_does_not_repeat_it_either() {
    let text = "\
server: {token_from: [{header: '${HEADER}'}]}
issuers:
  corp:
    issuer: a
    any_audience: true
    headers: {x-secret-name: sub}
    jwks: {uri: 'https://a.example', max_stale: 97m, max_cache_duration: 90s, \
           cache_duration: '${CACHE}'}
";
    let problems = refused(text, &[("HEADER", "x-secret-name"), ("CACHE", "96m")]);
    assert!(
        problems.contains("found the header \"${HEADER}\", in which tokens"),
        "{problems}"
    );
    let limit =
        "`max_cache_duration` (90s) is shorter than `cache_duration` (the value of ${CACHE})";
    assert!(problems.contains(limit), "{problems}");
}

#[test]
fn escaped_text_reads_as_it_was() {
    for text in ["a$b", "$", "$$", "${A}", "a$b${", "^/$|$$", "$}{"] {
        let config = format!(
            "issuers: {{a: {{issuer: {}, any_audience: true, jwks: {{file: k}}}}}}",
            Json::from(escaped(text.to_owned()))
        );
        let config = parse(&config, &[]).unwrap();
        assert_eq!(&*config.policy.issuers()[0].expectations.issuer, text);
    }
}

//! The Dockerfile describes the image that the script makes. This reads it, because there may be no
//! Docker to run it.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::maker::{IMAGE, fresh, repository};

#[test]
fn user_entrypoint_command_directory_and_ports_are_those_of_the_script() {
    let config = &IMAGE.config()["config"];
    assert_eq!(json!(one("USER")), config["User"]);
    assert_eq!(json!(one("WORKDIR")), config["WorkingDir"]);
    assert_eq!(list("ENTRYPOINT"), config["Entrypoint"]);
    assert_eq!(list("CMD"), config["Cmd"]);
    let exposed = one("EXPOSE");
    let ports = exposed
        .split(' ')
        .map(|port| (format!("{port}/tcp"), json!({})));
    assert_eq!(Value::Object(ports.collect()), config["ExposedPorts"]);
}

#[test]
fn labels_are_those_of_the_script() {
    let arguments: BTreeMap<String, String> = last_stage()
        .into_iter()
        .filter(|(word, _)| word == "ARG")
        .map(|(_, rest)| {
            let (name, value) = rest.split_once('=').unwrap_or((&rest, ""));
            (name.to_owned(), value.to_owned())
        })
        .collect();
    assert_eq!(arguments["VERSION"], env!("CARGO_PKG_VERSION"));
    let labels = IMAGE.config()["config"]["Labels"].clone();
    let text = one("LABEL");
    let parts: Vec<&str> = text.split('"').collect();
    let mut found = BTreeMap::new();
    for pair in parts.chunks_exact(2) {
        found.insert(
            pair[0].trim().trim_end_matches('=').to_owned(),
            pair[1].to_owned(),
        );
    }
    assert_eq!(found.len(), labels.as_object().unwrap().len());
    for (name, value) in found {
        match value.strip_prefix('$') {
            // The caller sets CREATED, REVISION and SOURCE.
            Some(variable) => {
                assert!(arguments.contains_key(variable), "{variable}");
                assert!(name.ends_with(&variable.to_lowercase()), "{name}={value}");
            }
            None => assert_eq!(json!(value), labels[&name]),
        }
    }
}

#[test]
fn files_are_those_that_the_script_writes() {
    let copied: Vec<String> = last_stage()
        .into_iter()
        .filter(|(word, _)| word == "COPY")
        .map(|(_, rest)| rest)
        .collect();
    assert_eq!(
        copied,
        [
            "--from=build /image/base/ /",
            "--from=build /image/program/ /"
        ]
    );
    let whole = text();
    assert!(whole.contains("helm/image/build.py --rootfs --output /image "));
    assert!(whole.contains("--target \"$(cat /triple)\" --source \"$SOURCE\""));
}

#[test]
fn last_stage_is_built_from_scratch() {
    let stage = last_stage();
    assert_eq!(stage[0], ("FROM".to_owned(), "scratch".to_owned()));
    assert!(
        stage.iter().all(|(word, _)| word != "RUN" && word != "ENV"),
        "{stage:?}"
    );
}

/// Docker sends to the builder what `.dockerignore` lets through.
#[test]
fn all_that_cargo_and_the_script_read_goes_to_the_builder() {
    let ignore = std::fs::read_to_string(repository(".dockerignore")).unwrap();
    let kept: Vec<&str> = ignore
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "proto",
        "helm/image",
        "LICENSE",
        "tests/support/Cargo.toml",
    ] {
        assert!(kept.contains(&name), "{name}");
    }
    let context = fresh("context");
    for name in kept {
        assert!(repository(name).exists(), "{name} is not there");
        let folder = context.join(name);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(repository(name)).arg(folder);
        assert!(copy.status().unwrap().success(), "{name}");
    }
    // A target or a member of the workspace that Cargo misses stops every build.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--locked", "--offline"]);
    let output = cargo
        .args(["--format-version", "1"])
        .current_dir(context)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn text() -> String {
    std::fs::read_to_string(repository("Dockerfile")).unwrap()
}

/// The instructions of the last stage, each joined into one line as Docker joins them.
fn last_stage() -> Vec<(String, String)> {
    let text = text();
    let (_, stage) = text.rsplit_once("\nFROM ").unwrap();
    let joined = format!("FROM {stage}").replace("\\\n", "");
    let lines = joined
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// The arguments of an instruction that occurs once.
fn one(instruction: &str) -> String {
    let mut found = last_stage()
        .into_iter()
        .filter(|(word, _)| word == instruction);
    let (_, rest) = found.next().unwrap_or_else(|| panic!("no {instruction}"));
    assert!(found.next().is_none(), "{instruction} twice");
    rest
}

fn list(instruction: &str) -> Value {
    serde_json::from_str(&one(instruction)).expect("the form of a JSON list")
}

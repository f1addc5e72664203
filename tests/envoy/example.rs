//! The files of `examples/envoy`, and the bootstrap of `examples/kubernetes/sidecar`, exactly as
//! users get them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchword::config::Config;
use watchword_test_support::{build_folder, envoy};

use crate::world::World;

on_each_envoy!(
    envoy_accepts_the_example_and_calls_nothing_in_it_deprecated,
    envoy_refuses_an_unknown_setting
);

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/envoy")
        .join(file)
}

/// Asks Envoy to validate this configuration: true if it accepts, and its output.
pub(crate) fn validate(world: &World, config: &Path) -> (bool, String) {
    let binary = envoy::binary(world.place.version()).expect("this world's Envoy");
    let run = Command::new(binary)
        .args(["--mode", "validate", "--config-path"])
        .arg(config)
        .output();
    let run = run.expect("Envoy runs");
    (
        run.status.success(),
        String::from_utf8_lossy(&run.stderr).into_owned(),
    )
}

async fn envoy_accepts_the_example_and_calls_nothing_in_it_deprecated(world: &World) {
    let (valid, log) = validate(world, &world.shipped);
    assert!(valid, "{log}");
    assert!(
        !log.contains("[warning]") && !log.to_lowercase().contains("deprecated"),
        "{log}"
    );
}

async fn envoy_refuses_an_unknown_setting(world: &World) {
    let text = fs::read_to_string(&world.shipped).expect("the example");
    let mistyped = text.replace("failure_mode_allow:", "failure_mode_alow:");
    let config = build_folder().join(format!(
        "mistyped-{:?}-{}.yaml",
        world.place,
        std::process::id()
    ));
    fs::write(&config, mistyped).expect("a file");
    let (valid, log) = validate(world, &config);
    fs::remove_file(&config).expect("the file");
    assert!(!valid && log.contains("failure_mode_alow"), "{log}");
}

#[test]
fn watchword_accepts_the_policy_of_the_example() {
    assert_eq!(problems(|text| text), None);
}

#[test]
fn watchword_refuses_an_unknown_setting_in_the_policy() {
    let problems = problems(|text| text.replace("audiences:", "audience:")).expect("a problem");
    assert!(
        problems.contains("watchword.yaml") && problems.contains("audience"),
        "{problems}"
    );
}

/// Watchword's errors in the policy after this edit.
fn problems(edit: fn(String) -> String) -> Option<String> {
    let policy = example("watchword.yaml");
    let text = edit(fs::read_to_string(&policy).expect("the example"));
    Config::parse(&text, &policy)
        .err()
        .map(|problems| problems.to_string())
}

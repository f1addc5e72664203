//! The inputs of `check-config`: one or several files, standard input, the environment.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::{GOOD, KEYS};
use crate::{folder, text};

/// Runs in this folder with this input.
fn check(folder: &std::path::Path, files: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchword"))
        .arg("check-config")
        .args(files)
        .current_dir(folder)
        .env("WATCHWORD_TEST_FILE", "keys.json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that has seen enough reads no more.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn a_file_is_named_with_or_without_the_option_of_other_commands() {
    let folder = folder("option", &[("a.yaml", GOOD), ("keys.json", KEYS)]);
    for arguments in [&["a.yaml"][..], &["-c", "a.yaml"], &["--config", "a.yaml"]] {
        let good = check(&folder, arguments, b"");
        let expected = "a.yaml: good (issuers: 1, rules: 2)\n";
        assert_eq!(text(&good.stdout), expected, "{arguments:?}");
    }
    assert_eq!(check(&folder, &[], b"").status.code(), Some(2));
}

#[test]
fn a_dash_is_standard_input_with_paths_from_the_current_folder() {
    let folder = folder("stdin", &[("keys.json", KEYS)]);
    let good = check(&folder, &["-"], GOOD.as_bytes());
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    assert_eq!(text(&good.stdout), "<stdin>: good (issuers: 1, rules: 2)\n");
    let bad = GOOD.replace("keys.json", "other.json");
    let bad = check(&folder, &["-"], bad.as_bytes());
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        text(&bad.stderr).starts_with("<stdin>:5:18: issuers.corp.jwks.file: cannot read "),
        "{}",
        text(&bad.stderr)
    );
}

#[test]
fn standard_input_has_the_limits_of_a_file() {
    let folder = folder("stdin-limits", &[]);
    for (input, found) in [
        (vec![b'#'; 2 << 20], "longer than 1048576 bytes"),
        (
            "é: a\nb: é".bytes().chain(*b"\xe9\n").collect(),
            "<stdin>:2:5: found a byte that is not valid UTF-8; expected UTF-8",
        ),
        (
            b"\xff\xfea\0".to_vec(),
            "<stdin>: found UTF-16; expected UTF-8",
        ),
        (
            b"\xfe\xff\0a".to_vec(),
            "<stdin>: found UTF-16; expected UTF-8",
        ),
    ] {
        let output = check(&folder, &["-"], &input);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains(found),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn one_bad_file_of_several_fails_and_all_are_looked_at() {
    let files = [
        ("a.yaml", GOOD),
        ("b.yaml", "issuers: {}\n"),
        ("c.yaml", GOOD),
        ("keys.json", KEYS),
    ];
    let folder = folder("several", &files);
    let output = check(&folder, &["a.yaml", "b.yaml", "c.yaml"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "a.yaml: good (issuers: 1, rules: 2)\nc.yaml: good (issuers: 1, rules: 2)\n"
    );
    assert!(
        text(&output.stderr).starts_with("b.yaml:1:10: "),
        "{}",
        text(&output.stderr)
    );
    let output = check(&folder, &["a.yaml", "c.yaml"], b"");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_environment_of_the_process_is_used() {
    let folder = folder("process-environment", &[("keys.json", KEYS)]);
    let config = GOOD.replace("{file: keys.json}", "{file: \"${WATCHWORD_TEST_FILE}\"}");
    let output = check(&folder, &["-"], config.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let unset = config.replace("_FILE}", "_UNSET}");
    let output = check(&folder, &["-"], unset.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(
            "5:18: issuers.corp.jwks.file: found ${WATCHWORD_TEST_UNSET}, which is not set"
        ),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn why_a_file_cannot_be_used_is_said_without_its_name() {
    let folder = folder("environment-cause", &[("keys.json", "{}")]);
    let config = GOOD.replace("{file: keys.json}", "{file: \"${WATCHWORD_TEST_FILE}\"}");
    let problems = check(&folder, &["-"], config.as_bytes());
    let problems = text(&problems.stderr);
    assert!(
        problems.contains("found the value of ${WATCHWORD_TEST_FILE}: not usable as a key set"),
        "{problems}"
    );
    assert!(!problems.contains("keys.json"), "{problems}");
}

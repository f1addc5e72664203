//! The inputs of `validate`, and arguments that it refuses.

use super::{World, none, run};
use crate::text;

#[test]
fn a_token_comes_as_an_argument_or_on_standard_input_with_or_without_bearer() {
    let world = World::new("validate-input");
    let token = world.token(&none());
    let orders = ["--path", "/orders"];
    let (bearer, line) = (format!("Bearer {token}"), format!("Bearer {token}\r\n"));
    let ways: [(&[&str], &str); 5] = [
        (&[&token], ""),
        (&[&bearer], ""),
        (&["Bearer", &token], ""),
        (&["-"], &line),
        (&[], &token),
    ];
    for (arguments, input) in ways {
        let output = world.run(&[&orders, arguments].concat(), input);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    let output = world.run(&[&orders[..], &[&token, &token]].concat(), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("DENY 401 token_malformed"));
}

#[test]
fn input_that_is_no_token_is_not_read_to_its_end() {
    let world = World::new("validate-endless");
    let input = "a".repeat(3 * 1024 * 1024);
    let output = world.run(&[], &input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "standard input has more than 1048576 bytes, which is no token\n"
    );
    let output = world.run(&["--path", "/orders"], &input[..1024 * 1024]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("DENY 401 token_too_large"));
}

#[test]
fn bytes_that_are_not_text_are_judged() {
    let world = World::new("validate-bytes");
    let arguments = [
        "validate",
        "-c",
        "watchword.yaml",
        "--path",
        "/orders",
        "--at",
        "1800000000",
    ];
    let output = run(&world.folder, &arguments, b"\xff\x00\x1b[2J");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("DENY 401 token_malformed"));
}

#[test]
fn where_there_is_no_verdict_the_exit_code_is_2_and_nothing_is_printed() {
    let world = World::new("validate-no-verdict");
    std::fs::write(world.folder.join("bad.yaml"), "issuers: {}\n").unwrap();
    let token = world.token(&none());
    let cases: [(&[&str], &str); 6] = [
        (
            &["-c", "bad.yaml"],
            "bad.yaml:1:10: issuers: found an empty mapping",
        ),
        (&["-c", "none.yaml"], "none.yaml"),
        (&[], "--config <FILE>"),
        (&["-c", "watchword.yaml", "--at", "noon"], "a time such as"),
        (&["-c", "watchword.yaml", "--context", "zone"], "KEY=VALUE"),
        (
            &["-c", "watchword.yaml", "--server", "http://a/b"],
            "--server takes the address",
        ),
    ];
    for (arguments, part) in cases {
        let arguments = [&["validate"], arguments].concat();
        let output = run(&world.folder, &arguments, token.as_bytes());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part), "{error}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn times_are_taken_by_rfc_3339_too() {
    let world = World::new("validate-at");
    let token = world.token(&none());
    for (at, code) in [
        ("2027-01-15T09:04:00+01:00", 0),
        ("2027-01-15T08:06:00Z", 1),
    ] {
        let arguments = [
            "validate",
            "-c",
            "watchword.yaml",
            "--path",
            "/orders",
            "--at",
            at,
        ];
        let output = run(&world.folder, &arguments, token.as_bytes());
        assert_eq!(output.status.code(), Some(code), "{at}");
    }
}

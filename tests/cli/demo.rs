//! `demo` needs nothing but the program.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::{run, text};

#[test]
fn the_demo_shows_a_table_and_exits_with_success() {
    // Taken or not, by this test or by somebody else, the port is not needed.
    let _taken = TcpListener::bind("127.0.0.1:9191");
    let demo = Command::new(env!("CARGO_BIN_EXE_watchword"))
        .args(["demo", "--once"])
        .output()
        .unwrap();
    let out = text(&demo.stdout);
    assert!(demo.status.success(), "{out}{}", text(&demo.stderr));
    assert!(out.starts_with("127.0.0.1:9191 cannot be used"), "{out}");
    assert!(
        out.ends_with("15 calls, each with the expected verdict.\n"),
        "{out}"
    );
    for reason in [
        "allowed",
        "anonymous",
        "token_malformed",
        "token_missing",
        "token_expired",
        "audience_mismatch",
        "signature_invalid",
        "alg_not_allowed",
        "issuer_not_allowed",
        "insufficient_scope",
        "request_malformed",
    ] {
        assert!(out.contains(reason), "no {reason} in {out}");
    }
    assert!(out.contains("x-auth-subject: alice"), "{out}");
    assert!(!out.contains('\u{1b}'), "colours in a pipe: {out}");
}

/// Runs the command that a running demo prints, and asks about the token by its configuration.
#[test]
fn the_demo_says_how_to_make_more_tokens_and_they_are_allowed() {
    let folder = crate::folder("demo-key", &[]);
    let generate = ["keys", "generate", "--type", "p-256", "--out", "demo.jwk"];
    assert!(run(&folder, &generate, b"").status.success());
    let mut demo = Command::new(env!("CARGO_BIN_EXE_watchword"))
        .args(["demo", "--key", "demo.jwk"])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Serving."))
        .collect();
    demo.kill().unwrap();
    demo.wait().unwrap();
    let command = lines
        .iter()
        .find(|line| line.starts_with("watchword token mint"));
    let command = command.unwrap().split(' ').skip(1);
    let token = run(&folder, &command.collect::<Vec<&str>>(), b"").stdout;
    let config = lines.iter().skip_while(|line| *line != "server:");
    let config: Vec<&str> = config.map(String::as_str).collect();
    std::fs::write(folder.join("demo.yaml"), config.join("\n")).unwrap();
    let validate = ["validate", "-c", "demo.yaml", "--path", "/admin/users"];
    let shown = text(&run(&folder, &validate, &token).stdout);
    assert!(shown.starts_with("ALLOW allowed"), "{shown}");
    let shown = text(&run(&folder, &validate, &token[..token.len() - 3]).stdout);
    assert!(shown.starts_with("DENY 401 signature_invalid"), "{shown}");
}

#[test]
fn the_demo_takes_only_a_key_for_its_algorithm() {
    let folder = crate::folder("demo-other-key", &[]);
    let generate = ["keys", "generate", "--type", "ed25519", "--out", "demo.jwk"];
    assert!(run(&folder, &generate, b"").status.success());
    let demo = run(&folder, &["demo", "--once", "--key", "demo.jwk"], b"");
    assert_eq!(
        text(&demo.stderr),
        "--key: found OKP Ed25519; expected a P-256 key, of `keys generate --type p-256`\n"
    );
}

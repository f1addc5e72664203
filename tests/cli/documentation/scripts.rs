//! The commands of docs/testing-with-tokens.md run, one after the other.

use std::path::Path;
use std::process::Command;

use super::{blocks, root};
use crate::{folder, text};

#[test]
fn the_commands_for_tests_with_tokens_run() {
    let page = std::fs::read_to_string(root().join("docs/testing-with-tokens.md")).unwrap();
    let config = blocks(&page, "yaml").concat();
    let folder = folder("documented-tokens", &[("watchword.yaml", &config)]);
    // These two need a server, or are one.
    let is_local = |line: &&str| !line.starts_with("curl") && !line.starts_with("watchword demo");
    let script = blocks(&page, "sh").concat();
    let script: Vec<&str> = script.lines().filter(is_local).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_watchword")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let run = Command::new("sh")
        .args(["-eu", "-c", &script.join("\n")])
        .env("PATH", format!("{}:{path}", program.display()))
        .current_dir(&folder)
        .output()
        .unwrap();
    let (shown, error) = (text(&run.stdout), text(&run.stderr));
    assert!(run.status.success(), "{shown}\n{error}");
    assert!(shown.contains("ALLOW allowed"), "{shown}");
    assert!(shown.contains("A signed token (JWS)"), "{shown}");
    assert_eq!(error, "");
}

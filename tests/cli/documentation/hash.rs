//! The commands of docs/decision-log.md by which an operator finds a hashed claim.

use std::process::Command;

use aws_lc_rs::hmac;
use watchword_test_support::say;

use super::{blocks, root};
use crate::{folder, text};

/// Tools that the commands need, and that a machine may lack.
fn is_installed(tool: &str) -> bool {
    let mut shell = Command::new("sh");
    let found = shell.args(["-c", &format!("command -v {tool}")]).output();
    found.unwrap().status.success()
}

#[test]
fn the_documented_command_prints_the_hash_of_a_claim() {
    if !["openssl", "xxd"].into_iter().all(is_installed) {
        say("skipped: openssl or xxd is not installed");
        return;
    }
    let page = std::fs::read_to_string(root().join("docs/decision-log.md")).unwrap();
    let script = blocks(&page, "sh").concat();
    let folder = folder("documented-hash", &[]);
    let run = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(&folder)
        .output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));

    let key = std::fs::read(folder.join("hash.key")).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.trim_ascii_end());
    let tag = hmac::sign(&key, b"alice");
    let hex: Vec<String> = tag.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(text(&run.stdout).trim_end(), hex.concat());
}

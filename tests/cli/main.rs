//! The commands, run as processes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod check_config;
mod config_schema;
mod demo;
mod documentation;
mod half_written;
mod print_config;
mod serve;
mod validate;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

fn watchword(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchword"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A new folder for a test, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("cli")
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        let path = folder.join(file);
        std::fs::write(&path, content).unwrap();
        // Some are secrets.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

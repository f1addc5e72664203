//! Python packages for tests: wheels of exact versions and hashes, from the package index that
//! `pip` is set up for, installed once below the build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build_folder;

/// The folder of this name with the pinned packages of this file. They are installed first if it is
/// missing.
///
/// # Errors
/// One line: Python or pip is missing, the index cannot be reached, or it has no wheel for this
/// machine.
///
/// # Panics
/// A wheel does not have the pinned hash.
pub fn installed(name: &str, pins: &Path) -> Result<PathBuf, String> {
    made_once(name, |draft| pip_install(name, pins, draft))
}

/// The folder of this name, which is made first if it is missing. It is made under another name and
/// then renamed, so that no other test process sees half of it.
///
/// # Errors
/// Those of `make`.
pub fn made_once(
    name: &str,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let place = build_folder().join(name);
    if place.exists() {
        return Ok(place);
    }
    let draft = build_folder().join(format!("{name}.{}", std::process::id()));
    let outcome = make(&draft);
    if outcome.is_ok() && !place.exists() {
        // If another process was faster, its copy is as good.
        let _ = fs::rename(&draft, &place);
    }
    let _ = fs::remove_dir_all(&draft);
    outcome.map(|()| place)
}

fn pip_install(name: &str, pins: &Path, target: &Path) -> Result<(), String> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--no-deps", "--no-compile", "--require-hashes"])
        .args(["--only-binary", ":all:", "--retries", "2", "--requirement"])
        .arg(pins)
        .arg("--target")
        .arg(target);
    succeed(pip).map_err(|problem| {
        assert!(!problem.contains("DO NOT MATCH"), "{problem}");
        let last = problem.lines().last().unwrap_or_default();
        format!("pip cannot fetch {name}: {last}")
    })
}

/// Runs a command that must succeed.
///
/// # Errors
/// The command and its output.
pub fn succeed(mut command: Command) -> Result<(), String> {
    let asked = format!("{command:?}");
    match command.output() {
        Err(error) => Err(format!("{asked}: {error}")),
        Ok(output) if !output.status.success() => Err(format!(
            "{asked}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
        Ok(_) => Ok(()),
    }
}

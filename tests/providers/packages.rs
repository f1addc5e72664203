//! The packages of npm that the provider needs.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use watchword_test_support::harness::is_ci;
use watchword_test_support::{repository, say, wheels};

/// The oldest release of Node.js that these tests were run with.
const OLDEST_NODE: u32 = 20;

/// The folder with the program and the list of its packages.
pub(crate) fn sources() -> PathBuf {
    repository("tests/providers/oidc-provider")
}

/// The folder with the packages, which are installed first if they are not there. `None` where
/// that cannot be done, after one line that says why.
///
/// # Panics
/// A package does not have the pinned hash. With `CI=true`: there is Node.js, but the packages
/// cannot be installed.
pub(crate) fn installed() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let folder = find_node().and_then(|()| {
            let folder = install();
            assert!(!is_ci() || folder.is_ok(), "CI=true, but {folder:?}");
            folder
        });
        folder
            .map_err(|reason| say(format_args!("skipped: {reason} (tests/providers)")))
            .ok()
    });
    FOLDER.as_deref()
}

fn find_node() -> Result<(), String> {
    let output = Command::new("node").arg("--version").output();
    let output = output.map_err(|_| "there is no Node.js".to_owned())?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = found.trim_start_matches('v').split('.').next();
    let major = major.and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST_NODE) {
        Ok(())
    } else {
        Err(format!(
            "found Node.js {found}; expected {OLDEST_NODE} or newer"
        ))
    }
}

fn install() -> Result<PathBuf, String> {
    let files = ["package.json", "package-lock.json"];
    let texts = files.map(|name| fs::read_to_string(sources().join(name)).expect("a list"));
    let mut digest = DefaultHasher::new();
    texts.hash(&mut digest);
    wheels::made_once(&format!("oidc-provider-{:x}", digest.finish()), |draft| {
        fs::create_dir_all(draft).map_err(|error| error.to_string())?;
        for (name, text) in files.iter().zip(&texts) {
            fs::write(draft.join(name), text).map_err(|error| error.to_string())?;
        }
        let mut npm = Command::new("npm");
        // None of the packages needs a script to be installed.
        npm.current_dir(draft).args(["ci", "--ignore-scripts"]);
        npm.args(["--no-audit", "--no-fund", "--fetch-retries", "2"]);
        wheels::succeed(npm).map_err(|problem| {
            assert!(!problem.contains("EINTEGRITY"), "{problem}");
            let mut lines = problem.lines();
            let line = lines.find(|line| line.starts_with("npm error"));
            let line = line.unwrap_or("it does not run");
            format!("npm cannot fetch oidc-provider: {line}")
        })
    })
}

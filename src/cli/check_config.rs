//! `watchword check-config`

mod envoy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::{Config, Problems};
use crate::escape::Escaped;

use super::{complain, say};

/// How standard input is named in messages.
const STDIN: &str = "<stdin>";

/// With `strict`, a warning counts as a problem.
pub(super) fn run(files: &[PathBuf], strict: bool) -> ExitCode {
    let bad = files.iter().filter(|file| !is_good(file, strict)).count();
    if bad > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints what Envoy needs to ask this configuration's server, and nothing else.
pub(super) fn print_envoy(files: &[PathBuf], strict: bool) -> ExitCode {
    let [file] = files else {
        complain("--envoy: found several files; expected one");
        return ExitCode::FAILURE;
    };
    match check(file).1 {
        Ok(config) if !warn(&config, file, strict) => ExitCode::FAILURE,
        Ok(config) => {
            say(envoy::snippet(&config).trim_end());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            complain(&problems.to_string());
            ExitCode::FAILURE
        }
    }
}

fn is_good(file: &Path, strict: bool) -> bool {
    let (name, checked) = check(file);
    match checked {
        Ok(config) => {
            if !warn(&config, name, strict) {
                return false;
            }
            let issuers = config.policy.issuers().len();
            let rules = config.policy.rules().iter().count();
            let warnings = match config.warnings.len() {
                0 => String::new(),
                some => format!(", warnings: {some}"),
            };
            say(&format!(
                "{}: good (issuers: {issuers}, rules: {rules}{warnings})",
                Escaped(&name.to_string_lossy())
            ));
            true
        }
        Err(problems) => {
            complain(&problems.to_string());
            false
        }
    }
}

/// Prints the warnings; whether they are no problem.
fn warn(config: &Config, name: &Path, strict: bool) -> bool {
    for warning in &config.warnings {
        complain(&warning.to_string());
    }
    let warnings = config.warnings.len();
    let fails = strict && warnings > 0;
    if fails {
        complain(&format!(
            "{}: {warnings} warnings (--strict)",
            name.display()
        ));
    }
    !fails
}

fn check(file: &Path) -> (&Path, Result<Config, Problems>) {
    if file.as_os_str() == "-" {
        let name = Path::new(STDIN);
        return (name, Config::check_from(std::io::stdin().lock(), name));
    }
    (file, Config::check(file))
}

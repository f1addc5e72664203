//! `watchword check-config`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::{Config, Problems};

use super::{complain, say};

/// How standard input is named in messages.
const STDIN: &str = "<stdin>";

pub(super) fn run(files: &[PathBuf]) -> ExitCode {
    let bad = files.iter().filter(|file| !is_good(file)).count();
    if bad > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn is_good(file: &Path) -> bool {
    let (name, checked) = check(file);
    match checked {
        Ok(config) => {
            let issuers = config.policy.issuers().len();
            let rules = config.policy.rules().iter().count();
            say(&format!(
                "{}: good (issuers: {issuers}, rules: {rules})",
                name.display()
            ));
            true
        }
        Err(problems) => {
            complain(&problems.to_string());
            false
        }
    }
}

fn check(file: &Path) -> (&Path, Result<Config, Problems>) {
    if file.as_os_str() == "-" {
        let name = Path::new(STDIN);
        return (name, Config::check_from(std::io::stdin().lock(), name));
    }
    (file, Config::check(file))
}

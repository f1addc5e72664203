//! `watchword check-config`

mod envoy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::{Config, Problems, Warning};
use crate::escape::Escaped;

use super::{exit_code, print_error, print_line};

const STDIN: &str = "<stdin>";

/// Checks files. `strict` treats a warning as an error; `envoy` prints the settings for Envoy.
pub(super) fn run(files: &[PathBuf], strict: bool, envoy: bool) -> ExitCode {
    if !envoy {
        let bad = files.iter().filter(|file| !is_good(file, strict));
        return exit_code(bad.count() == 0);
    }
    let [file] = files else {
        print_error("--envoy: found several files; expected one");
        return ExitCode::FAILURE;
    };
    let accepted = accepted(file, strict);
    if let Some((_, config)) = &accepted {
        print_line(envoy::snippet(config).trim_end());
    }
    exit_code(accepted.is_some())
}

fn is_good(file: &Path, strict: bool) -> bool {
    let Some((name, config)) = accepted(file, strict) else {
        return false;
    };
    let issuers = config.policy.issuers().len();
    let rules = config.policy.rules().iter().count();
    let warnings = match config.warnings.len() {
        0 => String::new(),
        some => format!(", warnings: {some}"),
    };
    print_line(&format!(
        "{}: good (issuers: {issuers}, rules: {rules}{warnings})",
        Escaped(&name.to_string_lossy())
    ));
    true
}

/// Prints problems and warnings. `None` if there are problems, or warnings that `strict` forbids.
fn accepted(file: &Path, strict: bool) -> Option<(&Path, Config)> {
    let (name, checked) = check(file);
    match checked {
        Ok(config) => {
            print_warnings(&config.warnings);
            let found = config.warnings.len();
            if strict && found > 0 {
                let name = name.to_string_lossy();
                print_error(&format!(
                    "{}: --strict allows no warnings; found {found}",
                    Escaped(&name)
                ));
                return None;
            }
            Some((name, config))
        }
        Err(problems) => {
            print_error(&problems.to_string());
            print_warnings(problems.warnings());
            None
        }
    }
}

fn print_warnings(warnings: &[Warning]) {
    for warning in warnings {
        print_error(&warning.to_string());
    }
}

fn check(file: &Path) -> (&Path, Result<Config, Problems>) {
    if file.as_os_str() == "-" {
        let name = Path::new(STDIN);
        return (name, Config::check_from(std::io::stdin().lock(), name));
    }
    (file, Config::check(file))
}

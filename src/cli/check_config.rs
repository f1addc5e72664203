//! `watchword check-config`

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;

use super::{complain, say};

pub(super) fn run(file: &Path) -> ExitCode {
    match Config::check(file) {
        Ok(config) => {
            let issuers = config.policy.issuers().len();
            let rules = config.policy.rules().iter().count();
            say(&format!(
                "{}: good (issuers: {issuers}, rules: {rules})",
                file.display()
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => {
            complain(&problems.to_string());
            ExitCode::FAILURE
        }
    }
}

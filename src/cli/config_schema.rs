//! `watchword config-schema`

use std::process::ExitCode;

use crate::config;

use super::say;

pub(super) fn run(markdown: bool) -> ExitCode {
    let text = if markdown {
        config::reference()
    } else {
        format!("{:#}", config::schema())
    };
    say(text.trim_end());
    ExitCode::SUCCESS
}

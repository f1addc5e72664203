//! `watchword config-schema`

use std::process::ExitCode;

use crate::config;

use super::print_line;

pub(super) fn run(markdown: bool) -> ExitCode {
    let text = if markdown {
        config::reference()
    } else {
        format!("{:#}", config::schema())
    };
    print_line(text.trim_end());
    ExitCode::SUCCESS
}

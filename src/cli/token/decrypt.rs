//! `watchword token decrypt`: prints the content of an encrypted token.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::escape::escape_lines;

use super::super::{input, print_line};
use super::decryption::FileKeys;

#[derive(Args)]
pub(in crate::cli) struct DecryptArguments {
    /// A file of private or shared keys; may be given several times
    #[arg(long, required = true, value_name = "FILE", allow_hyphen_values = true)]
    key: Vec<PathBuf>,
    /// The token; `-`, or none, reads it from standard input, which other users cannot see
    // Several words, so that a token without quotes is judged, and not printed in an error.
    #[arg(value_name = "TOKEN")]
    token: Vec<String>,
}

/// Writes the content as it is; to a terminal, escaped.
pub(super) fn run(arguments: &DecryptArguments) -> anyhow::Result<ExitCode> {
    let keys = FileKeys::read(&arguments.key)?;
    let token = input::token(&arguments.token)?;
    let token = std::str::from_utf8(&token).context("found bytes; expected the text of a token")?;
    let (content, _) = keys.decrypt(token)?;
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        drop(out);
        print_line(&escape_lines(&String::from_utf8_lossy(&content)));
        return Ok(ExitCode::SUCCESS);
    }
    let written = out.write_all(&content).and_then(|()| out.flush());
    written.context("standard output cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

//! `watchword keys`: makes and shows keys. No private part is ever shown.

mod generate;
mod inspect;
mod public;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a private key or a shared secret
    Generate(generate::GenerateArguments),
    /// Print the public halves of keys as a JWK set, for those who verify or encrypt
    Public(KeyFiles),
    /// Show a table of keys, without private parts; exit 0 if all can be used, 1 if not
    Inspect(KeyFiles),
}

#[derive(Args)]
pub(super) struct KeyFiles {
    /// Files of keys, private or public: PEM, a JWK, or a JWK set; `-` is standard input
    // A key in PEM in place of a file must not count as an option: the error would show the key.
    #[arg(required = true, value_name = "FILE", allow_hyphen_values = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(command: &KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Generate(arguments) => generate::run(arguments),
        KeysCommand::Public(KeyFiles { files }) => public::run(files),
        KeysCommand::Inspect(KeyFiles { files }) => Ok(inspect::run(files)),
    }
}

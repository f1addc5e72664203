//! `watchword token`: makes and shows tokens, for tests. Nothing here verifies a token.

mod claims;
mod decrypt;
mod decryption;
mod encrypt;
mod encryption;
mod inspect;
mod mint;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Sign a token for a test; it expires within 720h
    Mint(mint::MintArguments),
    /// Show what a token says, without verifying it
    Inspect(inspect::InspectArguments),
    /// Encrypt a token, or any other text, to a key
    Encrypt(encrypt::EncryptArguments),
    /// Print the content of an encrypted token, without verifying it
    Decrypt(decrypt::DecryptArguments),
}

pub(super) fn run(command: &TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Mint(arguments) => mint::run(arguments),
        TokenCommand::Inspect(arguments) => inspect::run(arguments),
        TokenCommand::Encrypt(arguments) => encrypt::run(arguments),
        TokenCommand::Decrypt(arguments) => decrypt::run(arguments),
    }
}

//! `watchword token encrypt`: encrypts a token, or any other text, to a key. White space around the
//! text, and `Bearer ` before it, are removed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::{input, print_bytes};
use super::encryption::TokenRecipient;

#[derive(Args)]
pub(in crate::cli) struct EncryptArguments {
    /// The file of the key to encrypt to, public, private or shared
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    to: PathBuf,
    /// The key of the file, by its kid or thumbprint; the kid of a key that has none
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// The key management algorithm; without it, the key's own, or the usual one for its type
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// The content encryption; without it, `A256GCM` if it suits the key
    #[arg(long, value_name = "ENC")]
    enc: Option<String>,
    /// The media type of the content; without it, `JWT` for a signed token
    #[arg(long, value_name = "TYPE")]
    cty: Option<String>,
    /// The token; `-`, or none, reads it from standard input, which other users cannot see
    // Several words, so that a token without quotes is taken, and not printed in an error.
    #[arg(value_name = "TOKEN")]
    token: Vec<String>,
}

pub(super) fn run(arguments: &EncryptArguments) -> anyhow::Result<ExitCode> {
    let EncryptArguments { kid, alg, enc, .. } = arguments;
    let [kid, alg, enc] = [kid, alg, enc].map(Option::as_deref);
    let recipient = TokenRecipient::read(&arguments.to, kid, alg, enc)?;
    let content = input::token(&arguments.token)?;
    let is_signed =
        content.split(|byte| *byte == b'.').count() == 3 && crate::jose::is_token_text(&content);
    let cty = arguments.cty.as_deref().or(is_signed.then_some("JWT"));
    let token = recipient.encrypt(&content, cty)?;
    print_bytes(token.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

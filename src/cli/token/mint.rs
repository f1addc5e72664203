//! `watchword token mint`: signs a token for a test.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::clock::Clock;

use super::super::signing::TokenSigner;
use super::super::{key_files, print_bytes};
use super::claims::ClaimOptions;
use super::encryption::TokenRecipient;

#[derive(Args)]
pub(in crate::cli) struct MintArguments {
    /// The file of the private key or shared secret that signs; `-` is standard input
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    key: PathBuf,
    /// The key of the file, by its kid or thumbprint; the kid of a key that has none
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// The signature algorithm; without it, the key's own, or the usual one for its type
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
    /// The media type in the header
    #[arg(long, value_name = "TYPE", default_value = "JWT")]
    typ: String,
    #[command(flatten)]
    claims: ClaimOptions,
    /// Encrypt the token to the key of this file, public, private or shared
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    encrypt_to: Option<PathBuf>,
    /// That key, by its kid or thumbprint; the kid of a key that has none
    #[arg(
        long,
        value_name = "KID",
        allow_hyphen_values = true,
        requires = "encrypt_to"
    )]
    encrypt_kid: Option<String>,
    /// The key management algorithm; without it, the key's own, or the usual one for its type
    #[arg(long, value_name = "ALG", requires = "encrypt_to")]
    encrypt_alg: Option<String>,
    /// The content encryption; without it, `A256GCM` if it suits the key
    #[arg(long, value_name = "ENC", requires = "encrypt_to")]
    enc: Option<String>,
}

pub(super) fn run(arguments: &MintArguments) -> anyhow::Result<ExitCode> {
    let key = key_files::choose_private(&arguments.key, arguments.kid.as_deref())?;
    let signer = TokenSigner::new(key, arguments.alg.as_deref()).context("--key")?;
    let claims = arguments.claims.json(Clock::system().now())?;
    let recipient = recipient(arguments)?;
    let mut token = signer.sign(&arguments.typ, &claims)?;
    if let Some(recipient) = recipient {
        let encrypted = recipient.encrypt(token.as_bytes(), Some("JWT"));
        token = encrypted.context("--encrypt-to")?;
    }
    print_bytes(token.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn recipient(arguments: &MintArguments) -> anyhow::Result<Option<TokenRecipient>> {
    let Some(file) = &arguments.encrypt_to else {
        return Ok(None);
    };
    let (kid, alg) = (&arguments.encrypt_kid, &arguments.encrypt_alg);
    let [kid, alg, enc] = [kid, alg, &arguments.enc].map(Option::as_deref);
    let recipient = TokenRecipient::read(file, kid, alg, enc);
    recipient.map(Some).context("--encrypt-to")
}

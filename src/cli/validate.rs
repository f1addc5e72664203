//! `watchword validate`: explains the verdict on a token.

mod hint;
mod json;
mod keys;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::authenticator::{IssuerKeys, Snapshot};
use crate::clock::Clock;
use crate::config::Config;
use crate::explain::{explain, issuer_of};
use crate::policy::IssuerId;
use crate::request::Request;
use crate::token::{Denial, UnixTime};

use super::{exit_code, input, print_error};

/// The exit code if there is no verdict.
const NO_VERDICT: u8 = 2;

#[derive(clap::Args)]
pub(super) struct ValidateArguments {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// The token; `-`, or none, reads it from standard input, which other users cannot see
    // Several words, so that a token without quotes is judged, and not printed in an error.
    #[arg(value_name = "TOKEN")]
    token: Vec<String>,
    /// Judge at this time instead of now: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<UnixTime>,
    /// The host of the request that rules see
    #[arg(long, value_name = "HOST", default_value = "")]
    host: String,
    /// Its path, with the query if there is one
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// Its method
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// A context extension of the proxy; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    context: Vec<(String, String)>,
    /// Use the keys of the running server with this admin listener, instead of fetching them
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ValidateArguments) -> ExitCode {
    validate(arguments).unwrap_or_else(|error| {
        print_error(&format!("{error:#}"));
        ExitCode::from(NO_VERDICT)
    })
}

fn validate(arguments: &ValidateArguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    let server = arguments.server.as_deref().map(keys::of_server);
    let server = server.transpose()?;
    let token = input::token(&arguments.token)?;
    let mut snapshot = Snapshot::new(config.policy.clone());
    let mut failure = None;
    let issuer = issuer_of(&config.policy, &token);
    // Claims in an encrypted token may need no keys.
    let has_keys = |id: &IssuerId| config.sources.iter().any(|(issuer, _)| issuer == id);
    if let Some(id) = issuer.filter(has_keys) {
        match keys::of_issuer(&config, id, server.as_ref()) {
            Ok(keys) => {
                snapshot = snapshot.with_keys(&[id], Some(&IssuerKeys::lasting(keys)));
            }
            Err(error) => failure = Some(error),
        }
    }
    let now = arguments.at.unwrap_or_else(|| Clock::system().now());
    let request = request(arguments);
    let explanation = explain(&snapshot, &request, &token, now);
    if let Some(failure) = failure {
        if explanation.denial == Some(Denial::JwksUnavailable) {
            return Err(failure);
        }
        print_error(&format!("{failure:#}; the verdict does not depend on them"));
    }
    if explanation.denial == Some(Denial::Internal) {
        bail!("a fault of Watchword: please report it");
    }
    let denial = explanation.denial.as_ref();
    let hint = denial.and_then(|denial| hint::hint(denial, &config.policy, &request));
    if arguments.json {
        json::print(&explanation, hint, now);
    } else {
        report::print(&explanation, &request, hint, now);
    }
    Ok(exit_code(explanation.denial.is_none()))
}

fn request(arguments: &ValidateArguments) -> Request<'_> {
    let context = arguments.context.iter();
    Request {
        method: arguments.method.as_bytes(),
        path: arguments.path.as_bytes(),
        host: arguments.host.as_bytes(),
        context: context
            .map(|(key, value)| (key.as_bytes(), value.as_bytes()))
            .collect(),
        ..Request::default()
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

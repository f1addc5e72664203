//! `watchword demo`: sample calls over real gRPC against an embedded issuer.

mod calls;
mod decryption;
mod issuer;
mod table;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::app::{App, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::explain::plain;

use super::serve::{Signals, serve};
use super::{block_on, exit_code, key_files, print_line};

use decryption::DecryptionFile;
use issuer::{DemoIssuer, ISSUER};

/// The preferred address; if it is taken, a free port is used.
const ADDRESS: &str = "127.0.0.1:9191";
const ANY_PORT: &str = "127.0.0.1:0";

/// `key` is the file of the issuer's key, instead of a new one.
pub(super) fn run(once: bool, key: Option<&Path>) -> anyhow::Result<ExitCode> {
    let now = Clock::system().now();
    let issuer = match key {
        None => DemoIssuer::new(now)?,
        Some(file) => DemoIssuer::with_key(key_files::choose_private(file, None)?, now)?,
    };
    let decryption = DecryptionFile::create()?;
    block_on(async {
        let mut signals = Signals::new()?;
        let app = start(&issuer, &decryption).await?;
        app.ready().await;
        let expected = show(&app, &issuer, &decryption).await?;
        if !once {
            invite(&app, &issuer, key)?;
            return serve(app, None, &mut signals).await;
        }
        app.stop().await;
        Ok(exit_code(expected))
    })
}

async fn start(issuer: &DemoIssuer, decryption: &DecryptionFile) -> anyhow::Result<App> {
    let config = |address| {
        let text = issuer.config(address, Some(decryption.path()));
        Config::parse(&text, Path::new("demo.yaml")).context("the demo's own configuration")
    };
    match App::start(config(ADDRESS)?, Clock::system()).await {
        Err(StartError::Listen { source, .. }) => {
            print_line(&format!(
                "{ADDRESS} cannot be used ({source}); taking a free port."
            ));
            Ok(App::start(config(ANY_PORT)?, Clock::system()).await?)
        }
        started => Ok(started?),
    }
}

/// Makes the calls and prints the table. Returns true if every verdict is as expected.
async fn show(app: &App, issuer: &DemoIssuer, decryption: &DecryptionFile) -> anyhow::Result<bool> {
    let (version, address) = (env!("CARGO_PKG_VERSION"), app.address());
    print_line(&format!("Watchword {version} listens on {address}.\n"));
    let results = calls::make(address, issuer, decryption).await?;
    table::print(&results);
    let surprises = results.iter().filter(|result| !result.is_expected());
    let (all, surprises) = (results.len(), surprises.count());
    print_line(&match surprises {
        0 => format!("\n{all} calls, each with the expected verdict."),
        _ => format!("\n{surprises} of {all} calls did not have the expected verdict."),
    });
    Ok(surprises == 0)
}

fn invite(app: &App, issuer: &DemoIssuer, key: Option<&Path>) -> anyhow::Result<()> {
    let token = issuer.sample_token()?;
    let address = app.address();
    print_line(&format!("\nA token, valid for an hour:\n\n{token}\n"));
    print_line(&more_tokens(key));
    print_line("Ask about it with grpcurl, from the folder that holds proto/:\n");
    let request = format!(
        "{{\"attributes\":{{\"request\":{{\"http\":{{\"method\":\"GET\",\"path\":\"/orders\",\"headers\":\
         {{\"authorization\":\"Bearer {token}\"}}}}}}}}}}"
    );
    print_line(&format!(
        "grpcurl -plaintext -import-path proto -proto envoy/service/auth/v3/external_auth.proto \
         -d '{request}' {address} envoy.service.auth.v3.Authorization/Check\n"
    ));
    print_line(
        "The configuration, as `watchword serve -c FILE` takes it, without the key for encrypted \
         tokens, which ends with the demo:\n",
    );
    print_line(&issuer.config(&address.to_string(), None));
    print_line("Serving. Stop with Ctrl-C.");
    Ok(())
}

/// The way to further tokens: with a new key, nobody else can sign them.
fn more_tokens(key: Option<&Path>) -> String {
    let Some(file) = key else {
        return "To make other tokens, give the demo a key of yours:\n\n\
                watchword keys generate --type p-256 --out demo.jwk\n\
                watchword demo --key demo.jwk\n"
            .to_owned();
    };
    let file = plain(&file.to_string_lossy());
    format!(
        "Other tokens, such as this one for the scope admin:\n\n\
         watchword token mint --key {file} --iss {ISSUER} --sub bob --aud orders-api \
         --claim scope=admin --expires 1h\n"
    )
}

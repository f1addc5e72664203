//! Asks Watchword whether the bearer of a token may pass. Exit code 0: allowed; 1: denied; 2: there is no verdict.
//!
//! [`may_pass`] is what to copy: it fails closed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;

use watchword_v1::token_validation_client::TokenValidationClient;
use watchword_v1::validate_response::Verdict;
use watchword_v1::{Allow, Demand, Deny, Request, ValidateRequest, ValidateResponse};

/// What the build made of `proto/watchword/v1/token_validation.proto`; README.md says how your build makes it.
#[allow(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    reason = "generated"
)]
mod watchword_v1 {
    include!(concat!(env!("OUT_DIR"), "/client/watchword.v1.rs"));
}

/// Asks Watchword whether the bearer of a token may pass.
#[derive(Parser)]
struct Options {
    /// The token. "-": it is read from standard input, where other users of the machine do not see it.
    #[arg(default_value = "-")]
    token: String,
    /// Watchword's address: <http://host:port> or <unix:/path/to/socket>.
    #[arg(long, default_value = "http://127.0.0.1:9191")]
    address: String,
    /// The path and query of the request that the token came with. Rules apply to requests: without --host, --path and
    /// --method, none does.
    #[arg(long)]
    path: Option<String>,
    /// The request's host.
    #[arg(long)]
    host: Option<String>,
    /// The request's method.
    #[arg(long)]
    method: Option<String>,
    /// A scope that the token must have, beside what the rule asks for. May be repeated.
    #[arg(long)]
    scope: Vec<String>,
    /// An audience; the token must name one of them, beside one of the issuer's. May be repeated.
    #[arg(long)]
    audience: Vec<String>,
    /// A file with the secret that Watchword asks of its callers.
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// The longest wait for a verdict, in seconds.
    #[arg(long, default_value_t = 1.0)]
    timeout: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    match ask(&options).await {
        Ok(response) => report(&response),
        // Watchword cannot be reached, is too slow, or does not know this caller: nobody has said that the bearer may pass.
        Err(error) => {
            eprintln!("no verdict: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Who may pass. Everything but an explicit allow is a refusal: denials, an error in the place of a response, and a response
/// whose verdict is of a kind that this client does not know yet.
fn may_pass(response: &ValidateResponse) -> Option<&Allow> {
    match &response.verdict {
        Some(Verdict::Allow(allow)) => Some(allow),
        Some(Verdict::Deny(_)) | None => None,
    }
}

async fn ask(options: &Options) -> anyhow::Result<ValidateResponse> {
    let timeout = Duration::try_from_secs_f64(options.timeout)?;
    let mut request = tonic::Request::new(question(options)?);
    // Watchword answers before this time is over, or not at all.
    request.set_timeout(timeout);
    if let Some(file) = &options.secret_file {
        request
            .metadata_mut()
            .insert("x-watchword-secret", secret(file)?);
    }
    let endpoint = Endpoint::from_shared(options.address.clone())?;
    let answer = async {
        // A service makes one client when it starts, with `connect_lazy`, and clones it for each call.
        let mut client = TokenValidationClient::connect(endpoint).await?;
        anyhow::Ok(client.validate(request).await?.into_inner())
    };
    // Connecting takes time too.
    tokio::time::timeout(timeout, answer)
        .await
        .context("no answer in time")?
}

fn question(options: &Options) -> anyhow::Result<ValidateRequest> {
    let token = match options.token.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?,
        token => token.to_owned(),
    };
    let token = token.trim().to_owned();
    // Without it, Watchword would look for a token in the request's headers.
    anyhow::ensure!(!token.is_empty(), "there is no token");
    let facts = [&options.method, &options.path, &options.host];
    let request = facts.iter().any(|fact| fact.is_some()).then(|| Request {
        method: options.method.clone().unwrap_or_default(),
        path: options.path.clone().unwrap_or_default(),
        host: options.host.clone().unwrap_or_default(),
        ..Request::default()
    });
    let demanded = !options.scope.is_empty() || !options.audience.is_empty();
    let demand = demanded.then(|| Demand {
        scopes: options.scope.clone(),
        audiences: options.audience.clone(),
    });
    Ok(ValidateRequest {
        token,
        request,
        demand,
    })
}

fn secret(file: &Path) -> anyhow::Result<MetadataValue<Ascii>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut secret: MetadataValue<Ascii> = text.trim().parse()?;
    // Never shown in logs, nor kept by HTTP/2's compression of headers.
    secret.set_sensitive(true);
    Ok(secret)
}

fn report(response: &ValidateResponse) -> ExitCode {
    if let Some(allow) = may_pass(response) {
        report_allow(allow, response);
        return ExitCode::SUCCESS;
    }
    let Some(Verdict::Deny(deny)) = &response.verdict else {
        eprintln!("no verdict: it is of an unknown kind");
        return ExitCode::from(2);
    };
    report_deny(deny, &response.rule);
    ExitCode::FAILURE
}

/// What comes from the token is printed with quotes and escapes: it may hold anything.
fn report_allow(allow: &Allow, response: &ValidateResponse) {
    println!("allow");
    if let Some(shadowed) = &response.shadowed {
        // Only the server's shadow mode lets this pass. Nobody is known: there is no subject.
        println!("shadowed: {}", shadowed.code);
    }
    print_fact("rule", &response.rule);
    if allow.anonymous {
        println!("anonymous");
    }
    print_fact("issuer", &allow.issuer_name);
    print_fact("subject", &allow.subject);
    if let Some(time) = &allow.expires_at {
        println!("expires: {time}");
    }
    // For the request that is handed on: remove first, then set in the place of what the client sent.
    for name in &allow.headers_to_remove {
        println!("remove: {name}");
    }
    for header in &allow.headers {
        println!("set: {}: {}", header.name, header.value);
    }
}

fn report_deny(deny: &Deny, rule: &str) {
    println!("deny");
    println!("reason: {}: {}", deny.code, deny.message);
    print_fact("rule", rule);
    println!("http status: {}", deny.http_status);
    if !deny.www_authenticate.is_empty() {
        println!("www-authenticate: {}", deny.www_authenticate);
    }
    if deny.retry_after_seconds > 0 {
        println!("retry after: {} s", deny.retry_after_seconds);
    }
}

fn print_fact(name: &str, fact: &str) {
    if !fact.is_empty() {
        println!("{name}: {fact:?}");
    }
}

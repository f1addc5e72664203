//! The command line: one file a subcommand.

mod check_config;
mod demo;
mod health;
mod serve;

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A gRPC sidecar that answers: may the bearer of this token pass, and who is it?
#[derive(Parser)]
#[command(name = "watchword", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer Envoy's `ext_authz` Check and gRPC health checks
    Serve {
        /// The configuration file
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Show sample calls against an embedded issuer, then keep serving for you to try
    Demo {
        /// Exit after the table; non-zero if a verdict is not the expected one
        #[arg(long)]
        once: bool,
    },
    /// Check a configuration file; exit 0 if it is good, 1 with every problem if not
    CheckConfig {
        /// The configuration file
        file: PathBuf,
    },
    /// Ask a server for its health; exit 0 if it is SERVING
    Health {
        /// Host and port of its gRPC listener
        #[arg(default_value = "127.0.0.1:9191")]
        address: String,
    },
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve { config } => serve::run(&config),
        Command::Demo { once } => demo::run(once),
        Command::CheckConfig { file } => Ok(check_config::run(&file)),
        Command::Health { address } => health::run(&address),
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Runs a future on a runtime with a thread a core.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(future);
    // A name lookup or a disk that hangs must not keep the process from its end.
    runtime.shutdown_background();
    outcome
}

/// Writes a line to standard output. A reader that has gone away is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}

/// Writes a line to standard error.
fn complain(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

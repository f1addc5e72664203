//! The command line: one file a subcommand.

mod check_config;
mod config_schema;
mod demo;
mod health;
mod serve;
mod validate;

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::escape::escape_lines;

/// A gRPC sidecar that answers: may the bearer of this token pass, and who is it?
#[derive(Parser)]
#[command(name = "watchword", version)]
struct Cli {
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
        /// Print the configuration in effect, with defaults filled in and secrets masked, and exit
        #[arg(long)]
        print_config: bool,
    },
    /// Show sample calls against an embedded issuer, then keep serving for you to try
    Demo {
        /// Exit after the table; non-zero if a verdict is not the expected one
        #[arg(long)]
        once: bool,
    },
    /// Check configuration files; exit 0 if they are good, 1 with every problem if not
    CheckConfig {
        /// The configuration files; `-` is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Treat warnings as errors
        #[arg(long)]
        strict: bool,
        /// Print the Envoy settings for one configuration, as YAML
        #[arg(long)]
        envoy: bool,
    },
    /// Print the JSON Schema of configuration files, for editors
    ConfigSchema {
        /// Print the reference of all settings instead
        #[arg(long)]
        markdown: bool,
    },
    /// Explain how a token is judged; exit 0 if it may pass, 1 if not, 2 if that cannot be told
    Validate(validate::ValidateArguments),
    /// Ask a server for its health; exit 0 if it is SERVING
    Health(health::HealthArguments),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve {
            config,
            print_config: true,
        } => Ok(serve::print_config(&config)),
        Command::Serve { config, .. } => serve::run(&config),
        Command::Demo { once } => demo::run(once),
        Command::CheckConfig {
            files,
            envoy: true,
            strict,
        } => Ok(check_config::print_envoy(&files, strict)),
        Command::CheckConfig { files, strict, .. } => Ok(check_config::run(&files, strict)),
        Command::ConfigSchema { markdown } => Ok(config_schema::run(markdown)),
        Command::Validate(arguments) => Ok(validate::run(&arguments)),
        Command::Health(arguments) => health::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        print_error(&format!("{error:#}"));
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
fn print_line(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}

/// Writes lines to standard error. They may repeat what anybody wrote.
fn print_error(lines: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", escape_lines(lines));
}

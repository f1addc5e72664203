//! The command line: one file per subcommand.

mod check_config;
mod config_schema;
mod demo;
mod health;
mod input;
mod key_files;
mod keys;
mod new_file;
mod serve;
mod signing;
mod token;
mod validate;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
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
        /// Only for the error message
        #[arg(hide = true, value_parser = file_without_option)]
        file: Option<String>,
    },
    /// Show sample calls against an embedded issuer, then keep serving for you to try
    Demo {
        /// Exit after the table; non-zero if a verdict is not the expected one
        #[arg(long)]
        once: bool,
        /// Sign with the P-256 key of this file, so that `token mint` can make more tokens
        #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
        key: Option<PathBuf>,
    },
    /// Check configuration files; exit 0 if they are good, 1 with every problem if not
    CheckConfig {
        /// The configuration files; `-` is standard input
        #[arg(required_unless_present = "config", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The same, spelled as for the other commands
        #[arg(short, long, value_name = "FILE")]
        config: Vec<PathBuf>,
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
    /// Explain the verdict on a token; exit 0 if it is allow, 1 if it is deny, 2 if there is none
    Validate(validate::ValidateArguments),
    /// Make and show keys, for tests and for tokens that are encrypted to a service
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Make, show, encrypt and decrypt tokens, for tests
    #[command(subcommand)]
    Token(Box<token::TokenCommand>),
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
            ..
        } => serve::print_config(&config),
        Command::Serve { config, .. } => serve::run(&config),
        Command::Demo { once, key } => demo::run(once, key.as_deref()),
        Command::CheckConfig {
            files,
            config,
            strict,
            envoy,
        } => Ok(check_config::run(&[config, files].concat(), strict, envoy)),
        Command::ConfigSchema { markdown } => Ok(config_schema::run(markdown)),
        Command::Validate(arguments) => Ok(validate::run(&arguments)),
        Command::Keys(command) => keys::run(&command),
        Command::Token(command) => token::run(&command),
        Command::Health(arguments) => health::run(&arguments),
    };
    let outcome = outcome.unwrap_or_else(|error| {
        print_error(&format!("{error:#}"));
        ExitCode::FAILURE
    });
    // A script must not take a part of the output for all of it.
    if LOST_OUTPUT.load(Ordering::Relaxed) {
        print_error("standard output cannot be written");
        return ExitCode::FAILURE;
    }
    outcome
}

fn file_without_option(file: &str) -> Result<String, String> {
    Err(format!(
        "name the file with -c: `watchword serve -c {file}`"
    ))
}

fn exit_code(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a future on a runtime with one thread per core.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(future);
    // A name lookup or a disk that hangs must not delay the end of the process.
    runtime.shutdown_background();
    outcome
}

/// Set once a line of standard output is lost for another reason than that its reader has gone.
static LOST_OUTPUT: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard output. A lost line is reported when the command ends.
fn print_line(line: &str) {
    let written = writeln!(anstream::stdout().lock(), "{line}");
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST_OUTPUT.store(true, Ordering::Relaxed);
    }
}

/// Writes a line that must not be lost, such as a new key, to standard output.
fn print_bytes(line: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(line).and_then(|()| out.write_all(b"\n"));
    let written = written.and_then(|()| out.flush());
    written.context("standard output cannot be written")
}

/// Writes lines to standard error, escaped, because they may repeat text of strangers.
fn print_error(lines: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", escape_lines(lines));
}

//! Log lines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat, LogLevel};

/// Sends log lines to standard error. To be called once, by a command that serves.
pub fn start_logging(config: LogConfig) {
    let level = match config.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // Other crates may log what they handle, tokens in headers included, so only our own lines go
    // below `info`.
    let others = if matches!(config.level, LogLevel::Error | LogLevel::Warn) {
        level
    } else {
        "info"
    };
    // The verifier says again, as an error, what our own line says with the source and the certificate.
    let filter = format!("{others},watchword={level},rustls_platform_verifier=off");
    let filter = EnvFilter::new(filter);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where lines cannot be written, telling so on standard error would panic.
        .log_internal_errors(false)
        .with_ansi(colours);
    // Fails only where logging was started before.
    let _ = match config.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_target(false)
            .try_init(),
    };
}

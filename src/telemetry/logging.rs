//! The operational log, on standard error.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, LazyLock};

use prometheus_client::metrics::counter::Counter;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat, LogLevel};

use super::escaped_lines::EscapedLines;
use super::log_limits::{LogLimits, SUPPRESSED, WindowTimer};
use super::{FLUSH_TIMEOUT, LineWriter, line_writer, panics};

/// Lines that were not written. There is one operational log in a process, and so one count.
pub(super) static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// The operational log, to be held for as long as lines are to be written. Dropping it reports suppressed lines and
/// waits for unwritten ones, for a second at most.
#[derive(Debug)]
#[must_use]
pub struct LogGuard {
    lines: Arc<LineWriter>,
    timer: Option<WindowTimer>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        // It reports what was suppressed.
        drop(self.timer.take());
        // What is late then is lost.
        self.lines.flush(FLUSH_TIMEOUT);
    }
}

/// Sends log lines to standard error, within [`LogLimits`], and panics to the log. To be called once, by a command that serves.
///
/// # Errors
/// Where there can be no thread that writes.
pub fn start_logging(config: &LogConfig) -> io::Result<LogGuard> {
    let lines = Arc::new(LineWriter::start(
        line_writer::unbuffered(&io::stderr())?,
        DROPPED.clone(),
    )?);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let limits = LogLimits::new(SUPPRESSED.clone());
    // Fails only where logging was started before.
    let _ = log_subscriber(config, lines.clone(), colours)
        .with(limits.clone())
        .try_init();
    panics::log_panics();
    let timer = Some(WindowTimer::start(limits)?);
    Ok(LogGuard { lines, timer })
}

/// The operational log as [`start_logging`] writes it, to anywhere, without limits.
#[must_use]
pub fn log_subscriber<W>(
    config: &LogConfig,
    writer: W,
    colours: bool,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter(config.level))
        .with_writer(EscapedLines::new(writer, colours))
        // Where lines cannot be written, telling so on standard error would panic.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false);
    match config.format {
        LogFormat::Text => Box::new(subscriber.finish()),
        LogFormat::Json => Box::new(subscriber.json().flatten_event(true).finish()),
    }
}

fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // Other crates may log what they handle, tokens in headers included, so only our own lines go
    // below `info`.
    let others = if matches!(level, "error" | "warn") {
        level
    } else {
        "info"
    };
    // The verifier says again, as an error, what our own line says with the source and the certificate. TLS itself has
    // a warning for whatever a stranger sends.
    let quiet = "rustls=error,rustls_platform_verifier=off";
    EnvFilter::new(format!("{others},watchword={level},{quiet}"))
}

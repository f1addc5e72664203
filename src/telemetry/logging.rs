//! The operational log, on standard error.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, LazyLock};

use prometheus_client::metrics::counter::Counter;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat, LogLevel};

use super::escaped_lines::EscapedLines;
use super::log_limits::{LogLimits, SUPPRESSED};
use super::{FLUSH_TIMEOUT, LineWriter, line_writer, panics};

/// Counts dropped lines. A process has one operational log, hence one count.
pub(super) static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Keeps the operational log open. Dropping it reports suppressed lines, and waits at most a second
/// for unwritten ones.
#[must_use]
pub(crate) struct LogGuard {
    lines: Arc<LineWriter>,
    limits: LogLimits,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        // Reports suppressed lines.
        self.limits.end_window();
        self.lines.flush(FLUSH_TIMEOUT);
    }
}

/// Sends log lines to standard error, within [`LogLimits`], and panics to the log. Must be called
/// once.
pub(crate) fn start_logging(config: &LogConfig) -> io::Result<LogGuard> {
    let stderr = line_writer::unbuffered(&io::stderr())?;
    let lines = Arc::new(LineWriter::start(stderr, DROPPED.clone())?);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let limits = LogLimits::new(SUPPRESSED.clone());
    // Fails only if logging was started before.
    let _ = log_subscriber(config, lines.clone(), colours)
        .with(limits.clone())
        .try_init();
    panics::log_panics();
    limits.start_timer()?;
    Ok(LogGuard { lines, limits })
}

/// The operational log as in `start_logging`, but for any writer and without limits.
#[must_use]
pub fn log_subscriber<W>(
    config: &LogConfig,
    writer: W,
    colours: bool,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = level_filter(config.level);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(EscapedLines::new(writer, colours))
        // If lines cannot be written, reporting that on standard error would panic.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false);
    match config.format {
        LogFormat::Text => Box::new(subscriber.finish().with(targets(level))),
        LogFormat::Json => {
            let subscriber = subscriber.json().flatten_event(true).finish();
            Box::new(subscriber.with(targets(level)))
        }
    }
}

fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn targets(level: LevelFilter) -> Targets {
    // Other crates may log what they handle, tokens in headers included, so only our own lines go
    // below `info`.
    Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("watchword", level)
        // The verifier repeats, as an error, what our own line says with source and certificate.
        .with_target("rustls_platform_verifier", LevelFilter::OFF)
        // rustls warns of anything that a stranger sends.
        .with_target("rustls", LevelFilter::ERROR)
}

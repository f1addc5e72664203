//! `watchword serve`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry;

use super::{block_on, complain};

pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems.to_string());
            return Ok(ExitCode::FAILURE);
        }
    };
    telemetry::start_logging(config.log);
    block_on(async {
        let mut signals = Signals::new()?;
        let app = App::start(config, Clock::system()).await?;
        serve(app, &mut signals).await
    })
}

/// Serves until a signal comes.
pub(super) async fn serve(mut app: App, signals: &mut Signals) -> anyhow::Result<ExitCode> {
    let signal = tokio::select! {
        signal = signals.next() => signal,
        cause = app.ended() => bail!("the server ended by itself: {cause}"),
    };
    info!(signal, "stopping");
    Ok(if app.stop().await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The signals that ask the process to stop; caught from here on.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            terminate,
            interrupt,
        })
    }

    /// Waits for one, and names it.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

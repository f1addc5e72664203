//! `watchword serve`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::jwks::Source;
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
    warn_of_unused_proxy(&config);
    block_on(async {
        let mut signals = Signals::new()?;
        let app = App::start(config, Clock::system()).await?;
        serve(app, &mut signals).await
    })
}

/// Who sets such a variable expects it to be used.
fn warn_of_unused_proxy(config: &Config) {
    let goes_without = |source: &Source| match source {
        Source::Fetched(source) => source.origin.is_remote() && source.access.proxy.is_none(),
        Source::Fixed(_) => false,
    };
    let variables = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let mut variables = variables.into_iter();
    let set = variables.find(|variable| std::env::var_os(variable).is_some());
    let unused = config
        .sources
        .iter()
        .any(|(_, source)| goes_without(source));
    if let (Some(variable), true) = (set, unused) {
        warn!(
            variable,
            "keys are not fetched through the environment's proxy: see jwks.proxy"
        );
    }
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

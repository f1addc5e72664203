//! `watchword serve`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::app::{App, Completeness, Follower, ReloadError};
use crate::clock::Clock;
use crate::config::Config;
use crate::jwks::Source;
use crate::telemetry::{self, CONFIGURATION};

use super::{block_on, print_error, print_line};

pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            print_error(&problems.to_string());
            return Ok(ExitCode::FAILURE);
        }
    };
    let follower = Follower::new(file, &config);
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => bail!("it changed just now: {problems}"),
    };
    let mut log = None;
    let outcome = block_on(async {
        // Before the first line is written: its file may be at its greatest size.
        let mut signals = Signals::new()?;
        log = Some(telemetry::start_logging(&config.log)?);
        warn_of_unused_proxy(&config);
        let app = App::start(config, Clock::system()).await?;
        serve(app, Some(follower), &mut signals).await
    });
    // After the runtime, whose tasks may write lines to the end.
    drop(log);
    outcome
}

/// Prints the configuration in effect, or what is wrong with it.
pub(super) fn print_config(file: &Path) -> ExitCode {
    match Config::effective(file) {
        Ok(text) => {
            print_line(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            print_error(&problems.to_string());
            ExitCode::FAILURE
        }
    }
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

/// Serves until a signal asks for the end, where a second one ends the drain early; takes changes of the configuration into use where one is followed.
pub(super) async fn serve(
    mut app: App,
    mut follower: Option<Follower>,
    signals: &mut Signals,
) -> anyhow::Result<ExitCode> {
    let signal = loop {
        let trigger = tokio::select! {
            request = signals.next() => match request {
                SignalRequest::Stop(signal) => break signal,
                SignalRequest::Reload => ReloadTrigger::Signal,
            },
            () = changed(follower.as_mut()) => ReloadTrigger::Change,
            cause = app.ended() => bail!("the server ended by itself: {cause}"),
        };
        let Some(follower) = &mut follower else {
            continue;
        };
        tokio::select! {
            signal = signals.stop() => break signal,
            () = reload(&mut app, follower, trigger) => {}
        }
    };
    info!(signal, "stopping");
    tokio::select! {
        () = app.drain() => {}
        signal = signals.stop() => info!(signal, "stopping now"),
    }
    Ok(if app.stop().await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Who wants a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReloadTrigger {
    Signal,
    Change,
}

async fn changed(follower: Option<&mut Follower>) {
    match follower {
        Some(follower) => follower.changed().await,
        None => std::future::pending().await,
    }
}

async fn reload(app: &mut App, follower: &mut Follower, trigger: ReloadTrigger) {
    let refusal = match try_reload(app, follower, trigger).await {
        Ok(ReloadOutcome::InUse) => {
            info!(target: CONFIGURATION, "the configuration was reloaded");
            None
        }
        // The next looks find it when it has settled.
        Ok(ReloadOutcome::Unsettled) => return,
        Err(refusal) => Some(refusal),
    };
    // What could not be used may be later, when a file that it names has come, or a key server; that it still cannot is no
    // news.
    let is_news = trigger == ReloadTrigger::Signal || !app.was_refused(refusal.as_deref());
    if let Some(refusal) = &refusal
        && is_news
    {
        error!(
            target: CONFIGURATION,
            "the configuration is not reloaded, and the one in use stays: {refusal}"
        );
    }
    if is_news {
        app.note_reload(refusal);
    }
}

/// Why a reload that a signal asked for did not come about.
const UNSETTLED: &str = "its files are being written; send SIGHUP again when they are complete";

/// What became of a configuration that is not refused.
enum ReloadOutcome {
    InUse,
    /// It changed while it was read.
    Unsettled,
}

async fn try_reload(
    app: &mut App,
    follower: &mut Follower,
    trigger: ReloadTrigger,
) -> Result<ReloadOutcome, String> {
    if trigger == ReloadTrigger::Signal && !follower.settle().await {
        return Err(UNSETTLED.to_owned());
    }
    let loaded = follower.load().await.map_err(|problems| {
        follower.look_again();
        problems.to_string()
    })?;
    let Some(config) = loaded else {
        // Without `reload.watch`, nobody looks again.
        return match trigger {
            ReloadTrigger::Signal => Err(UNSETTLED.to_owned()),
            ReloadTrigger::Change => Ok(ReloadOutcome::Unsettled),
        };
    };
    follower.adopt(&config);
    let (interval, completeness) = (config.reload, completeness(follower, &config, trigger));
    match app.reload(config, completeness).await {
        Ok(()) => {
            follower.keep_time(interval);
            Ok(ReloadOutcome::InUse)
        }
        Err(error) => {
            if !matches!(error, ReloadError::NeedsRestart(_)) {
                follower.look_again();
            }
            Err(error.to_string())
        }
    }
}

/// A SIGHUP says that the file is complete.
fn completeness(follower: &Follower, config: &Config, trigger: ReloadTrigger) -> Completeness {
    if trigger == ReloadTrigger::Signal || config.has_end_marker || follower.is_replaced_whole() {
        Completeness::Complete
    } else {
        Completeness::Unknown
    }
}

/// What a signal asks for.
enum SignalRequest {
    /// The end, by the signal of this name.
    Stop(&'static str),
    Reload,
}

/// `SIGXFSZ`, by which Linux ends a process that writes past its limit on the size of files (`RLIMIT_FSIZE`).
const FILE_SIZE_EXCEEDED: SignalKind = SignalKind::from_raw(25);

/// The signals that ask something of the process; caught from here on. So is the one for files that are too large: such a
/// write fails, with nothing but that line lost.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hang_up = signal(SignalKind::hangup())?;
        // The handler stays when this is dropped, and a write that it interrupts fails with EFBIG.
        drop(signal(FILE_SIZE_EXCEEDED)?);
        Ok(Self {
            terminate,
            interrupt,
            hang_up,
        })
    }

    async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.terminate.recv() => SignalRequest::Stop("SIGTERM"),
            _ = self.interrupt.recv() => SignalRequest::Stop("SIGINT"),
            _ = self.hang_up.recv() => SignalRequest::Reload,
        }
    }

    /// Waits for one that asks for the end, and names it.
    async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

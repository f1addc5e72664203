//! `watchword serve`

mod signals;
mod summary;

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use tracing::{error, info, warn};

use crate::app::{App, Completeness, Follower, ReloadError, Settled};
use crate::clock::Clock;
use crate::config::Config;
use crate::jwks::Source;
use crate::telemetry::{self, CONFIGURATION};

use super::{block_on, exit_code, print_line};

use signals::SignalRequest;
pub(super) use signals::Signals;

const PROXY_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let follower = Follower::new(file, &Config::load(file)?);
    // Loaded after the follower's first look, so that no change is missed.
    let config = Config::load(file)?;
    let mut log = None;
    let outcome = block_on(async {
        // Before the first line: the log's file may have reached its maximum size.
        let mut signals = Signals::new()?;
        log = Some(telemetry::start_logging(&config.log)?);
        info!(
            version = env!("CARGO_PKG_VERSION"),
            configuration = %file.display(),
            "starting: {}", summary::of(&config)
        );
        warn_of_unused_proxy(&config);
        let app = App::start(config, Clock::system()).await?;
        serve(app, Some(follower), &mut signals).await
    });
    // After the runtime, whose tasks may log until it ends.
    drop(log);
    outcome
}

pub(super) fn print_config(file: &Path) -> anyhow::Result<ExitCode> {
    print_line(Config::effective(file)?.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn warn_of_unused_proxy(config: &Config) {
    let ignores_proxy = |(_, source): &(_, Source)| match source {
        Source::Fetched(source) => source.origin.is_remote() && source.access.proxy.is_none(),
        Source::Fixed(_) => false,
    };
    let mut variables = PROXY_VARIABLES.into_iter();
    let set = variables.find(|variable| std::env::var_os(variable).is_some());
    if let Some(variable) = set
        && config.sources.iter().any(ignores_proxy)
    {
        warn!(
            variable,
            "keys are not fetched through the environment's proxy: see jwks.proxy"
        );
    }
}

/// Serves until a signal asks for the end; a second one ends the drain. Changes of a configuration
/// that is followed take effect meanwhile.
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
    info!(
        signal,
        "stopping: {}",
        summary::of_stop(app.drain_time(), app.shutdown_timeout())
    );
    tokio::select! {
        () = app.drain() => {}
        signal = signals.stop() => info!(signal, "stopping now"),
    }
    Ok(exit_code(app.stop().await))
}

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
        Ok(Some(changed)) => {
            log_reload(&changed);
            None
        }
        // The follower finds it again when it has settled.
        Ok(None) => return,
        Err(refusal) => Some(refusal),
    };
    // A refused configuration is tried again, because files and key servers may come back. The same
    // refusal is logged once.
    if trigger == ReloadTrigger::Change && app.was_refused(refusal.as_deref()) {
        return;
    }
    if let Some(refusal) = &refusal {
        // The log would escape line breaks.
        let refusal = refusal.replace('\n', "; ");
        error!(
            target: CONFIGURATION,
            "the configuration is not reloaded, and the one in use stays: {refusal}"
        );
    }
    app.note_reload(refusal);
}

fn log_reload(changed: &str) {
    if changed.is_empty() {
        info!(
            target: CONFIGURATION,
            "the configuration was reloaded: settings are the same, except for secrets and the \
             files that it names"
        );
    } else {
        info!(target: CONFIGURATION, changed, "the configuration was reloaded");
    }
}

/// The refusal of a reload that a signal asked for.
const UNSETTLED: &str = "its files are being written; send SIGHUP again when they are complete";

/// Names the changed settings. `None` if the files changed while they were read.
async fn try_reload(
    app: &mut App,
    follower: &mut Follower,
    trigger: ReloadTrigger,
) -> Result<Option<String>, String> {
    let is_asked_for = trigger == ReloadTrigger::Signal;
    let settled = if is_asked_for {
        Some(follower.settle().await)
    } else {
        None
    };
    if settled == Some(Settled::TimedOut) {
        return Err(UNSETTLED.to_owned());
    }
    let loaded = follower.load().await.map_err(|problems| {
        follower.look_again();
        problems.to_string()
    })?;
    let Some(config) = loaded else {
        // Without `reload.watch`, nothing else tries again.
        return if is_asked_for {
            Err(UNSETTLED.to_owned())
        } else {
            Ok(None)
        };
    };
    follower.adopt(&config);
    // SIGHUP vouches for the content at that moment, not for later writes.
    let signal_vouches = settled == Some(Settled::Unchanged);
    let is_complete = signal_vouches || config.has_end_marker || follower.is_replaced_whole();
    let completeness = if is_complete {
        Completeness::Complete
    } else {
        Completeness::Unknown
    };
    let interval = config.reload;
    match app.reload(config, completeness).await {
        Ok(()) => Ok(Some(follower.in_use(interval))),
        Err(error) => {
            if !matches!(error, ReloadError::NeedsRestart(_)) {
                follower.look_again();
            }
            Err(error.to_string())
        }
    }
}

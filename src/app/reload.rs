//! Another configuration for a server that runs: taken as a whole, or not at all.

use std::time::Duration;

use tracing::warn;

use crate::config::Config;
use crate::grpc::State;
use crate::listen::{LoadedTls, TlsError, TlsFiles, load_tls};
use crate::telemetry::CONFIGURATION;
use crate::token::UnixTime;

use super::{App, ReloadError};

/// The completeness of a configuration's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The file is complete.
    Complete,
    /// It may be half written.
    Unknown,
}

/// The time for which a configuration must have been shorter than the one in use, until it counts
/// as whole.
pub(super) const SHORTER_FOR: Duration = Duration::from_secs(60);

impl App {
    /// Judges by another configuration from now on, and shows its certificate; see
    /// [`super::Engine::reload`].
    ///
    /// One by which rules would become weaker is refused unless it says so. One that ends earlier
    /// than the configuration in use may be half written, and is refused unless its file is known
    /// to be complete. If only whole rules or issuers are missing, it is taken when it has stayed
    /// so for a minute.
    ///
    /// # Errors
    /// [`ReloadError`]; the configuration in use stays.
    pub async fn reload(
        &mut self,
        config: Config,
        completeness: Completeness,
    ) -> Result<(), ReloadError> {
        self.refuse_incomplete(&config, completeness)?;
        if let Some(setting) = self.config.restart.first_changed_in(&config.restart) {
            return Err(ReloadError::NeedsRestart(setting.to_owned()));
        }
        let loaded = load_tls_files(config.server.grpc.tls.clone()).await?;
        self.engine.reload(&config).await?;
        let expiry = loaded.as_ref().and_then(|loaded| loaded.expiry);
        if let (Some(tls), Some(loaded)) = (&self.tls, loaded) {
            tls.replace(loaded);
        }
        report_configuration(&config, expiry, &self.engine.state);
        self.config = config;
        Ok(())
    }

    fn refuse_incomplete(
        &mut self,
        config: &Config,
        completeness: Completeness,
    ) -> Result<(), ReloadError> {
        let used = &self.config.structure;
        let shorter_since = self.shorter_since.take();
        if let Some(loss) = used.weakened_in(&config.structure) {
            return Err(ReloadError::Weaker(loss));
        }
        if completeness == Completeness::Complete {
            return Ok(());
        }
        if let Some(loss) = used.cut_off_in(&config.structure) {
            return Err(ReloadError::CutOff(loss));
        }
        let Some(loss) = used.shortened_in(&config.structure) else {
            return Ok(());
        };
        let now = self.engine.state.clock.moment();
        let since = match shorter_since {
            Some((structure, since)) if structure == config.structure => since,
            _ => now,
        };
        if now < since + SHORTER_FOR {
            self.shorter_since = Some((config.structure.clone(), since));
            return Err(ReloadError::Shorter(loss));
        }
        Ok(())
    }

    /// Returns true if the last reload was refused for this very reason.
    pub(crate) fn was_refused(&self, refusal: Option<&str>) -> bool {
        let last = self.engine.state.reloads.snapshot().last;
        let last = last.and_then(|last| last.refusal);
        refusal.is_some() && last.as_deref() == refusal
    }

    /// Records a reload, and why it was refused, for operators.
    pub(crate) fn note_reload(&self, refusal: Option<String>) {
        let state = &self.engine.state;
        let (metrics, now) = (&state.telemetry.metrics, state.clock.now());
        match &refusal {
            None => metrics.config_accepted(now),
            Some(_) => metrics.config_refused(),
        }
        state.reloads.record(now, refusal);
    }
}

/// Reads the files of TLS in a thread of their own: a disk that hangs must not keep signals from
/// being heard.
pub(super) async fn load_tls_files(files: Option<TlsFiles>) -> Result<Option<LoadedTls>, TlsError> {
    let Some(files) = files else {
        return Ok(None);
    };
    match tokio::task::spawn_blocking(move || load_tls(&files)).await {
        Ok(loaded) => loaded.map(Some),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

pub(super) fn report_configuration(config: &Config, expiry: Option<UnixTime>, state: &State) {
    let metrics = &state.telemetry.metrics;
    state.reloads.set_warnings(&config.warnings);
    for warning in &config.warnings {
        let code = warning.code.name();
        warn!(target: CONFIGURATION, code, "{warning}");
    }
    metrics.set_warnings(&config.warnings);
    let shadow = config.policy.shadow_rules();
    metrics.set_shadow(config.policy.is_all_shadow() || !shadow.is_empty());
    if config.policy.is_all_shadow() {
        warn!(target: CONFIGURATION, "SHADOW MODE: nothing is denied, whatever the rules say");
    } else if !shadow.is_empty() {
        warn!(
            target: CONFIGURATION,
            rules = shadow.join(", "),
            "SHADOW MODE: what these rules deny passes"
        );
    }
    if let Some(expiry) = expiry {
        metrics.certificate_expires("grpc", expiry);
    }
}

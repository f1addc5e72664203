//! Another configuration for a server that runs: taken as a whole, or not at all.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tracing::warn;

use crate::config::Config;
use crate::grpc::State;
use crate::listen::{TlsError, TlsFiles, certificate_expiry, load_tls};
use crate::telemetry::CONFIGURATION;
use crate::token::UnixTime;

use super::{App, ReloadError};

/// The completeness of a configuration's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It is.
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
    /// than the configuration in use may be half written: it is taken when it has stayed so for a
    /// minute, or at once if its file is known to be complete.
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
        let loaded = load(config.server.grpc.tls.clone()).await?;
        self.engine.reload(&config).await?;
        let expiry = loaded.as_ref().and_then(|loaded| loaded.1);
        if let (Some(tls), Some((loaded, _))) = (&self.tls, loaded) {
            tls.replace(loaded);
        }
        announce(&config, expiry, &self.engine.state);
        self.config = config;
        Ok(())
    }

    fn refuse_incomplete(
        &mut self,
        config: &Config,
        completeness: Completeness,
    ) -> Result<(), ReloadError> {
        let used = &self.config.structure;
        if let Some(loss) = used.weakened_in(&config.structure) {
            self.shorter_since = None;
            return Err(ReloadError::Weaker(loss));
        }
        if completeness == Completeness::Unknown
            && let Some(loss) = used.cut_off_in(&config.structure)
        {
            self.shorter_since = None;
            return Err(ReloadError::CutOff(loss));
        }
        let loss = used.shortened_in(&config.structure);
        let Some(loss) = loss.filter(|_| completeness == Completeness::Unknown) else {
            self.shorter_since = None;
            return Ok(());
        };
        let now = self.engine.state.clock.moment();
        let (structure, since) = self
            .shorter_since
            .get_or_insert_with(|| (config.structure.clone(), now));
        if *structure != config.structure {
            (*structure, *since) = (config.structure.clone(), now);
        }
        if now < *since + SHORTER_FOR {
            return Err(ReloadError::Shorter(loss));
        }
        self.shorter_since = None;
        Ok(())
    }

    /// Returns true if the last reload was refused for this very reason.
    #[must_use]
    pub fn was_refused(&self, refusal: Option<&str>) -> bool {
        let last = self.engine.state.reloads.snapshot().last;
        let last = last.and_then(|last| last.refusal);
        refusal.is_some() && last.as_deref() == refusal
    }

    /// Lets operators know of a reload, and why it was refused, where it was.
    pub fn note_reload(&self, refusal: Option<String>) {
        let state = &self.engine.state;
        let (metrics, now) = (&state.telemetry.metrics, state.clock.now());
        match &refusal {
            None => metrics.config_accepted(now),
            Some(_) => metrics.config_refused(),
        }
        state.reloads.record(now, refusal);
    }
}

/// The TLS settings of a listener, and the time at which its certificate expires.
pub(super) type Loaded = (Arc<ServerConfig>, Option<UnixTime>);

/// Reads the files of TLS in a thread of their own: a disk that hangs must not keep signals from
/// being heard.
pub(super) async fn load(files: Option<TlsFiles>) -> Result<Option<Loaded>, TlsError> {
    let Some(files) = files else {
        return Ok(None);
    };
    let load = move || load_tls(&files).map(|loaded| Some((loaded, certificate_expiry(&files))));
    match tokio::task::spawn_blocking(load).await {
        Ok(loaded) => loaded,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Tells of what should not go unseen.
pub(super) fn announce(config: &Config, expiry: Option<UnixTime>, state: &State) {
    let metrics = &state.telemetry.metrics;
    state.reloads.set_warnings(&config.warnings);
    for warning in &config.warnings {
        let code = warning.code().name();
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

//! What became of reloads, and what is to be said of the configuration in use.

use std::sync::{Mutex, PoisonError};

use crate::config::Warning;
use crate::token::UnixTime;

/// The reloads of this process.
#[derive(Debug, Default)]
pub struct ReloadHistory(Mutex<ReloadRecord>);

#[derive(Clone, Debug, Default)]
struct ReloadRecord {
    accepted: u64,
    refused: u64,
    last: Option<LastReload>,
    warnings: Vec<String>,
}

/// The last reload.
#[derive(Clone, Debug)]
pub struct LastReload {
    /// When it was.
    pub at: UnixTime,
    /// Why the configuration was refused, a line a problem; `None`: it is in use.
    pub refusal: Option<String>,
}

impl ReloadHistory {
    /// Notes a reload, and why it was refused, where it was.
    pub fn record(&self, at: UnixTime, refusal: Option<String>) {
        let mut record = self.lock();
        if refusal.is_some() {
            record.refused += 1;
        } else {
            record.accepted += 1;
        }
        record.last = Some(LastReload { at, refusal });
    }

    /// How many were accepted, and how many were refused.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let record = self.lock();
        (record.accepted, record.refused)
    }

    /// The last one; `None`: the configuration is that of the start.
    #[must_use]
    pub fn last(&self) -> Option<LastReload> {
        self.lock().last.clone()
    }

    /// A configuration with these warnings is in use now.
    pub fn set_warnings(&self, warnings: &[Warning]) {
        self.lock().warnings = warnings.iter().map(ToString::to_string).collect();
    }

    /// The warnings of the configuration in use, a line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.lock().warnings.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ReloadRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

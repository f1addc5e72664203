//! The results of reloads, and the warnings of the configuration in use, for operators.

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
    /// The time.
    pub at: UnixTime,
    /// The problems, one per line; `None` if the configuration was accepted.
    pub refusal: Option<String>,
}

impl ReloadHistory {
    /// Records a reload, and the reason of a refusal.
    pub fn record(&self, at: UnixTime, refusal: Option<String>) {
        let mut record = self.lock();
        if refusal.is_some() {
            record.refused += 1;
        } else {
            record.accepted += 1;
        }
        record.last = Some(LastReload { at, refusal });
    }

    /// The numbers of accepted and of refused reloads.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let record = self.lock();
        (record.accepted, record.refused)
    }

    /// The last one; `None` before the first.
    #[must_use]
    pub fn last(&self) -> Option<LastReload> {
        self.lock().last.clone()
    }

    /// Replaces the warnings by those of the configuration in use.
    pub fn set_warnings(&self, warnings: &[Warning]) {
        self.lock().warnings = warnings.iter().map(ToString::to_string).collect();
    }

    /// The warnings of the configuration in use, one line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.lock().warnings.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ReloadRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

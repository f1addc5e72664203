//! The results of reloads, and the warnings of the configuration in use, for operators.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Warning;
use crate::token::UnixTime;

/// Records the reloads of this process.
#[derive(Debug, Default)]
pub(crate) struct ReloadHistory(Mutex<ReloadRecord>);

/// The reloads so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReloadRecord {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) last: Option<LastReload>,
    /// The warnings of the configuration in use, one line each.
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct LastReload {
    pub(crate) at: UnixTime,
    /// The problems, one per line; `None` if the configuration was accepted.
    pub(crate) refusal: Option<String>,
}

impl ReloadHistory {
    /// Records a reload, and the reason of a refusal.
    pub(crate) fn record(&self, at: UnixTime, refusal: Option<String>) {
        let mut record = self.lock();
        match refusal {
            None => record.accepted += 1,
            Some(_) => record.refused += 1,
        }
        record.last = Some(LastReload { at, refusal });
    }

    /// Replaces the warnings by those of the configuration in use.
    pub(crate) fn set_warnings(&self, warnings: &[Warning]) {
        self.lock().warnings = warnings.iter().map(ToString::to_string).collect();
    }

    pub(crate) fn snapshot(&self) -> ReloadRecord {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ReloadRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

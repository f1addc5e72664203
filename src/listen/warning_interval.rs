//! Warnings about events that strangers can cause at any rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Counts events of one kind, and allows one warning about them in each interval.
#[derive(Debug)]
pub(crate) struct WarningInterval {
    interval: Duration,
    since_warning: Mutex<SinceWarning>,
}

#[derive(Debug, Default)]
struct SinceWarning {
    events: u64,
    warned: Option<Stopwatch>,
}

impl WarningInterval {
    /// One warning in this time. The first event warns at once.
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            since_warning: Mutex::default(),
        }
    }

    /// Counts an event. If a warning is due, returns the number of events that it is about.
    pub(crate) fn count(&self) -> Option<u64> {
        let since = self.since_warning.lock();
        let mut since = since.unwrap_or_else(PoisonError::into_inner);
        since.events += 1;
        let is_quiet = |warned: Stopwatch| warned.elapsed() < self.interval;
        if since.warned.is_some_and(is_quiet) {
            return None;
        }
        since.warned = Some(Stopwatch::start());
        Some(std::mem::take(&mut since.events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_about_all_events_since_the_last() {
        let hourly = WarningInterval::new(Duration::from_secs(3600));
        assert_eq!([(); 3].map(|()| hourly.count()), [Some(1), None, None]);
        let past = WarningInterval {
            interval: Duration::ZERO,
            ..hourly
        };
        assert_eq!([(); 2].map(|()| past.count()), [Some(3), Some(1)]);
    }
}

//! Counts connections: those that are open, were evicted, or were never usable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::warn;

use crate::clock::Stopwatch;

/// The shortest time between two log lines about evictions.
const QUIET: Duration = Duration::from_secs(10);

/// Counts the connections of a listener.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    pub(super) open: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) never_opened: AtomicU64,
}

impl ConnectionCounts {
    /// Connections that are open, or in their handshake.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that were evicted because there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Connections that ended before they were usable: handshakes that failed or took too long.
    #[must_use]
    pub fn never_opened(&self) -> u64 {
        self.never_opened.load(Ordering::Relaxed)
    }
}

/// Logs evictions, one line for many.
#[derive(Debug, Default)]
pub(super) struct EvictionLog {
    last: Option<Stopwatch>,
}

impl EvictionLog {
    pub(super) fn record(&mut self, counts: &ConnectionCounts, limit: usize) {
        let refused = counts.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if self.last.is_none_or(|last| last.elapsed() >= QUIET) {
            self.last = Some(Stopwatch::start());
            warn!(
                limit,
                refused, "too many connections: the least used one is closed for each new one"
            );
        }
    }
}

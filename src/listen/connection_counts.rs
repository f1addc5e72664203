//! Counts connections: those that are open, were evicted, or were never usable.

use std::sync::atomic::{AtomicU64, Ordering};

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

//! Counts the events of schedules.

use std::fmt;
use std::time::Duration;

/// The events of schedules, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(super) requests: usize,
    pub(super) allowed: usize,
    pub(super) unavailable: usize,
    pub(super) cancelled: usize,
    pub(super) waited: usize,
    pub(super) fetches: usize,
    pub(super) failed: usize,
    pub(super) reloads: usize,
    /// Denials of tokens whose key was published.
    pub(super) missed: usize,
    /// The longest time for which a good server's tokens of a published key were denied.
    pub(super) longest_gap: Duration,
    pub(super) simulated: Duration,
}

impl Tally {
    /// Returns true if each kind of event happened that the schedules are for.
    pub(crate) fn has_all_kinds(&self) -> bool {
        let kinds = [
            self.allowed,
            self.unavailable,
            self.cancelled,
            self.waited,
            self.failed,
            self.missed,
        ];
        kinds.iter().all(|count| *count > 0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.allowed += other.allowed;
        self.unavailable += other.unavailable;
        self.cancelled += other.cancelled;
        self.waited += other.waited;
        self.fetches += other.fetches;
        self.failed += other.failed;
        self.reloads += other.reloads;
        self.missed += other.missed;
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        self.simulated += other.simulated;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answers ({} allowed, {} of them after waiting for their key; {} jwks_unavailable), \
             {} cancelled, {} fetches ({} failed), {} reloads, {} denials of published keys (for \
             at most {:?} by a good server with a budget), {} simulated hours",
            self.requests,
            self.allowed,
            self.waited,
            self.unavailable,
            self.cancelled,
            self.fetches,
            self.failed,
            self.reloads,
            self.missed,
            self.longest_gap,
            self.simulated.as_secs() / 3600
        )
    }
}

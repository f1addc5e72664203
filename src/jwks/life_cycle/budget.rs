//! The budget of fetches that tokens and operators may cause.

use std::time::Duration;

use crate::clock::Moment;

/// The starts of the last two fetches that tokens or operators caused. Scheduled fetches are none
/// of them.
///
/// The next may start a cool-down after the last. If the last brought other keys, it may start a
/// cool-down after the one before it: two rotations within a cool-down are both noticed, and an
/// issuer whose replicas take turns to answer with different sets causes at most two fetches in any
/// cool-down.
#[derive(Debug, Default)]
pub(super) struct FetchBudget {
    last: Option<Moment>,
    before_last: Option<Moment>,
    /// True if the last one brought other keys.
    changed: bool,
}

impl FetchBudget {
    pub(super) fn permits_from(&self, cooldown: Duration) -> Moment {
        let counted = if self.changed {
            self.before_last
        } else {
            self.last
        };
        counted.map_or(Moment::default(), |start| start + cooldown)
    }

    pub(super) fn spend(&mut self, now: Moment) {
        self.before_last = self.last.replace(now);
        self.changed = false;
    }

    pub(super) fn note_change(&mut self) {
        self.changed = true;
    }
}

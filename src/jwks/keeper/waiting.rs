//! A request that waits for a fetch.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::jose::KeySet;

use super::Keeper;

/// What a request that needs a key is to do.
pub enum Seeking {
    /// Be judged again: other keys are there.
    Renewed,
    /// Wait for a fetch.
    Wait(Waiting),
    /// Take the answer that it has.
    Refused,
}

/// A request that may wait for a fetch.
pub struct Waiting {
    pub(super) keeper: Arc<Keeper>,
    pub(super) kid: u64,
    pub(super) had: Option<Arc<KeySet>>,
    pub(super) ended: watch::Receiver<u64>,
}

impl Waiting {
    /// Waits for the fetch, as long as the source lets a request wait, and no longer than `patience`. Whether there are
    /// other keys then, so that judging again makes sense.
    pub async fn renewed(mut self, patience: Option<Duration>) -> bool {
        let keeper = &self.keeper;
        let wait = keeper.source.timing.wait;
        let wait = patience.map_or(wait, |patience| patience.min(wait));
        let fetched = tokio::select! { biased;
            ended = self.ended.changed() => ended.is_ok(),
            () = keeper.tools.clock.sleep(wait) => false,
        };
        let now = keeper.now();
        let mut state = keeper.state();
        let renewed = state.differs_from(self.had.as_ref());
        if fetched && !renewed && state.record.failure.is_none() {
            state.life.note_absent(self.kid, now);
        }
        renewed
    }
}

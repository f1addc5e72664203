//! A request that waits for a fetch.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Moment;
use crate::jose::KeySet;

use super::super::Timing;
use super::Keeper;

/// The time that a request has for all its waits together.
#[derive(Clone, Copy, Debug)]
pub struct CallTime {
    /// When it was first judged.
    pub judged_at: Moment,
    /// How long the call could go on then; `None` for a call without a deadline.
    pub time_left: Option<Duration>,
}

/// What a request that needs a key is to do.
pub enum KeyRequest {
    /// Be judged again: other keys are there.
    KeysChanged,
    /// Wait for a fetch.
    Wait(KeyWait),
    /// Take the answer that it has.
    Refused,
}

/// A request that may wait for a fetch.
pub struct KeyWait {
    pub(super) keeper: Arc<Keeper>,
    pub(super) had: Option<Arc<KeySet>>,
    pub(super) ended: watch::Receiver<u64>,
    pub(super) until: Moment,
    pub(super) is_for_next: bool,
}

impl CallTime {
    /// The end of the request's time at a source.
    pub(super) fn end(self, timing: &Timing) -> Moment {
        self.judged_at + timing.wait.of_call(self.time_left, timing.timeout)
    }
}

impl KeyWait {
    /// Whether the fetch starts after it was asked for. A key that such a fetch does not bring is not published.
    #[must_use]
    pub fn is_for_next_fetch(&self) -> bool {
        self.is_for_next
    }

    /// Waits for the end of the fetch, within the request's time. Whether there are other keys then.
    pub async fn keys_changed(mut self) -> bool {
        tokio::select! { biased;
            // An error means that nobody fetches any more, which ends the wait too.
            _ = self.ended.changed() => {}
            () = self.keeper.tools.clock.sleep_until(self.until) => {}
        }
        self.keeper.state().differs_from(self.had.as_ref())
    }
}

//! A request for a key that is not there, and its wait for a fetch.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Clock, Moment};
use crate::jose::KeySet;

use super::key_source::Published;

/// The time of a call. All its waits for keys share it.
#[derive(Clone, Copy, Debug)]
pub struct CallTime {
    /// The moment at which the call was first judged.
    pub judged_at: Moment,
    /// The time for which the caller still waited then; `None` for a call without a deadline.
    pub time_left: Option<Duration>,
}

/// The answer to a request for a key.
pub enum KeyRequest {
    /// The source has other keys by now: judge the call again.
    KeysChanged,
    /// A fetch may bring the key: wait for it, then judge the call again.
    Wait(KeyWait),
    /// No fetch ends within the call's time: the denial stands.
    Refused,
}

/// A wait for the end of a fetch.
pub struct KeyWait {
    pub(super) published: watch::Receiver<Published>,
    pub(super) fetches_ended: u64,
    pub(super) tried: Option<Arc<KeySet>>,
    pub(super) clock: Clock,
    pub(super) until: Moment,
    /// True if the fetch starts after the request for the key. A key that such a fetch does not
    /// bring is not published.
    pub(crate) is_for_next_fetch: bool,
}

impl KeyWait {
    /// Waits for the end of the fetch, within the call's time. Returns true if there are other keys
    /// then.
    pub async fn keys_changed(mut self) -> bool {
        let before = self.fetches_ended;
        tokio::select! { biased;
            // An error means that the source has ended, which ends the wait too.
            _ = self.published.wait_for(|now| now.fetches_ended > before) => {}
            () = self.clock.sleep_until(self.until) => {}
        }
        self.published.borrow().differs_from(self.tried.as_ref())
    }
}

//! Waits for a state that another process reaches.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use watchword::clock::Stopwatch;

/// Enough for a slow machine; a few seconds are typical.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Calls `look` until `is_good`, and returns its result. `what` names the state in messages.
///
/// # Errors
/// The state is not reached in time. The message has the last result.
pub(crate) fn try_until<T: Debug>(
    what: &str,
    look: impl Fn() -> T,
    is_good: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let waiting = Stopwatch::start();
    loop {
        let found = look();
        if is_good(&found) {
            return Ok(found);
        }
        if waiting.elapsed() > TIMEOUT {
            return Err(format!("{what}: not after {TIMEOUT:?}; found {found:?}"));
        }
        thread::sleep(POLL);
    }
}

/// The same, but panics if the state is not reached in time.
#[track_caller]
pub(crate) fn until<T: Debug>(what: &str, look: impl Fn() -> T, is_good: impl Fn(&T) -> bool) -> T {
    try_until(what, look, is_good).unwrap_or_else(|problem| panic!("{problem}"))
}

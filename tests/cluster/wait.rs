//! Waiting for what another process does in its own time.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use watchword::clock::Stopwatch;

/// Seconds are enough; a slow machine has more.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Looks until it finds something good, which it returns. `what` is awaited.
///
/// # Errors
/// Nothing good in time: with what was found last.
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
        if waiting.elapsed() > PATIENCE {
            return Err(format!("{what}: not after {PATIENCE:?}; found {found:?}"));
        }
        thread::sleep(POLL);
    }
}

/// As `try_until`.
#[track_caller]
pub(crate) fn until<T: Debug>(what: &str, look: impl Fn() -> T, is_good: impl Fn(&T) -> bool) -> T {
    try_until(what, look, is_good).unwrap_or_else(|problem| panic!("{problem}"))
}

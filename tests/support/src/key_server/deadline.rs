//! A time limit for all waiting: a test that waits in vain fails, and says what it waited for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// The longest that a test waits for anything.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The output of a future, or `None` after this time. A thread measures it: the runtime's own clock
/// may be paused, and then jumps whenever the runtime is idle.
pub async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (ring, alarm) = oneshot::channel();
    let (done, waiting) = mpsc::channel::<()>();
    thread::spawn(move || {
        if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let _ = ring.send(());
        }
    });
    let outcome = tokio::select! {
        biased;
        value = future => Some(value),
        _ = alarm => None,
    };
    drop(done);
    outcome
}

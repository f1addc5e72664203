//! The end of all patience: a test that waits for what never comes fails, and says for what it waited.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long anything may be waited for before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What comes of a future in this time, if anything. The time is a thread's: the runtime's own clock may be paused,
/// and then jumps whenever nothing else is to do.
pub async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (ring, alarm) = oneshot::channel();
    let (done, waiting) = mpsc::channel::<()>();
    thread::spawn(move || {
        if waiting.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
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

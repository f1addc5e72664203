//! The only place that reads a clock. The core is handed the time as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::token::UnixTime;

/// A source of the current time. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at a number of seconds since 1970 until it is set.
    #[must_use]
    pub fn fixed(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds))))
    }

    /// Moves a fixed clock, and all its clones. Has no effect on the system's clock.
    pub fn set(&self, seconds: i64) {
        if let Some(fixed) = &self.0 {
            fixed.store(seconds, Ordering::SeqCst);
        }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Some(fixed) => UnixTime::from_secs(seconds(fixed.load(Ordering::SeqCst))),
            None => system_now(),
        }
    }
}

fn seconds(value: i64) -> f64 {
    let span = Duration::from_secs(value.unsigned_abs()).as_secs_f64();
    if value < 0 { -span } else { span }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
fn system_now() -> UnixTime {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(span) => UnixTime::from_secs(span.as_secs_f64()),
        Err(before) => UnixTime::from_secs(-before.duration().as_secs_f64()),
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

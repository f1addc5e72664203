//! Times, as they are handed to the core.

use std::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, with fractions (RFC 7519 `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UnixTime(f64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0.0);

    /// A time by its seconds since 1970. Checks fail for one that is not a number.
    #[must_use]
    pub const fn from_secs(seconds: f64) -> Self {
        Self(seconds)
    }

    /// This time moved forward.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0 + span.as_secs_f64())
    }

    /// How long this time is after `earlier`; zero where it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or_default()
    }
}

/// A moment on a clock that nobody sets: the time since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Later than every other.
    pub const NEVER: Self = Self(Duration::MAX);

    /// This long after the clock was started.
    #[must_use]
    pub const fn after(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time since the clock was started.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// The time since an earlier moment; zero where that one is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// The current time on both clocks. The wall clock decides when a token expires. The monotonic clock
/// decides when keys are too old: nobody can set it back.
#[derive(Clone, Copy, Debug)]
pub struct CurrentTime {
    /// The time of the wall clock.
    pub unix: UnixTime,
    /// The time since the process's clock was started.
    pub monotonic: Moment,
}

/// The monotonic clock has just been started.
impl From<UnixTime> for CurrentTime {
    fn from(unix: UnixTime) -> Self {
        Self {
            unix,
            monotonic: Moment::default(),
        }
    }
}

//! The times that the core gets as arguments.

use std::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, with fractions (RFC 7519 `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct UnixTime(f64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0.0);

    /// The time at this many seconds since 1970. All checks fail for NaN.
    #[must_use]
    pub const fn from_secs(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Adds a span.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0 + span.as_secs_f64())
    }

    /// The time since `earlier`; zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or_default()
    }
}

/// A time on the monotonic clock: the time since the clock was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    pub(crate) const NEVER: Self = Self(Duration::MAX);

    /// The moment this long after the start of the clock.
    #[must_use]
    pub const fn after(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time since the clock was started.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// The time since `earlier`; zero if that is later.
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

/// The current time on both clocks. The wall clock decides when a token expires. The monotonic
/// clock decides when keys are too old: nobody can set it back.
#[derive(Clone, Copy, Debug)]
pub struct CurrentTime {
    /// The time of the wall clock.
    pub unix: UnixTime,
    pub(crate) monotonic: Moment,
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

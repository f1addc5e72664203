//! The time that a caller gives a call.

use std::time::Duration;

use http::HeaderMap;

use crate::clock::Stopwatch;

#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    arrived: Stopwatch,
    /// `None` if the caller sets no timeout.
    allowed: Option<Duration>,
}

impl Deadline {
    pub(super) fn of(metadata: &HeaderMap) -> Self {
        Self {
            arrived: Stopwatch::start(),
            allowed: time_to_answer(metadata),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.arrived.elapsed()
    }

    /// The time that is left to answer; `None` if the caller sets no timeout.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let allowed = self.allowed?;
        Some(allowed.saturating_sub(self.arrived.elapsed()))
    }

    /// Returns true if the caller no longer waits for the answer.
    pub(super) fn has_passed(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }
}

/// Three quarters of `grpc-timeout`: the rest is for the way here and back. `None` if the header is
/// absent or not up to eight digits and a unit.
fn time_to_answer(metadata: &HeaderMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout / 4 * 3)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_caller_in_a_hurry_is_answered_before_it_gives_up() {
        let of = |text: &'static str| {
            let mut metadata = HeaderMap::new();
            metadata.insert("grpc-timeout", HeaderValue::from_static(text));
            time_to_answer(&metadata)
        };
        assert_eq!(time_to_answer(&HeaderMap::new()), None);
        assert_eq!(of("200m"), Some(Duration::from_millis(150)));
        assert_eq!(of("4S"), Some(Duration::from_secs(3)));
        assert_eq!(
            of("99999999H"),
            Some(Duration::from_secs(99_999_999 * 2700))
        );
        for bad in ["", "m", "200", "-1m", "+1m", "123456789m", "1x", "1.5S"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}

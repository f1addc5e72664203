//! Formats and parses times and spans. The calendar is that of prost-types.

use std::time::Duration;

use prost_types::Timestamp;

use crate::token::UnixTime;

/// Units of a span, largest first, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)];

/// Formats a span by its two largest units: `3m12s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds, span.subsec_millis()) {
        (0, 0) => return "0s".to_owned(),
        (0, millis) => return format!("{millis}ms"),
        _ => {}
    }
    let mut rest = seconds;
    let fitting = UNITS.iter().skip_while(|(_, size)| *size > seconds);
    let parts = fitting.take(2).filter_map(|(unit, size)| {
        let count = rest / size;
        rest %= size;
        (count > 0).then(|| format!("{count}{unit}"))
    });
    parts.collect()
}

/// Formats a time in UTC, by RFC 3339, in whole seconds.
pub(crate) fn instant(time: UnixTime) -> String {
    let seconds = time.since(UnixTime::EPOCH).as_secs();
    let shown = i64::try_from(seconds).map(|seconds| Timestamp { seconds, nanos: 0 }.to_string());
    match shown {
        _ if time < UnixTime::EPOCH => "a time before 1970".to_owned(),
        // A sign precedes years of five digits, which RFC 3339 lacks.
        Ok(shown) if !shown.starts_with('+') => shown,
        _ => format!("{seconds} seconds after 1970"),
    }
}

/// Formats a time relative to now: `expired 3m12s ago at 2026-11-25T22:10:03Z`.
pub(crate) fn relative(time: UnixTime, now: UnixTime, [past, future]: [&str; 2]) -> String {
    let at = instant(time);
    if time <= now {
        format!("{past} {} ago at {at}", span(now.since(time)))
    } else {
        format!("{future} in {} at {at}", span(time.since(now)))
    }
}

/// Parses a time by RFC 3339, or as seconds since 1970; `None` for anything else.
pub(crate) fn parse_instant(text: &str) -> Option<UnixTime> {
    let since_1970 = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        // Without a zone, prost-types reads a time as UTC.
        let zoned = matches!(
            text.as_bytes(),
            [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]
        );
        let Timestamp { seconds, nanos } = text.parse().ok().filter(|_| zoned)?;
        Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?)
    };
    Some(UnixTime::from_secs(since_1970.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{instant, parse_instant, span};
    use crate::token::UnixTime;

    #[test]
    fn a_span_is_written_by_its_two_largest_units() {
        let cases = [
            (0, "0s"),
            (59, "59s"),
            (192, "3m12s"),
            (3600, "1h"),
            (3601, "1h"),
            (90_061, "1d1h"),
            (86_400 * 400, "400d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(350)), "350ms");
    }

    #[test]
    fn a_time_is_read_as_it_is_written_whatever_its_zone() {
        let noon = UnixTime::from_secs(1_800_000_000.0);
        assert_eq!(instant(noon), "2027-01-15T08:00:00Z");
        for text in [
            "1800000000",
            "2027-01-15T08:00:00Z",
            "2027-01-15t08:00:00z",
            "2027-01-15T08:00:00.000Z",
            "2027-01-15T09:30:00+01:30",
            "2027-01-15T00:00:00-08:00",
        ] {
            assert_eq!(parse_instant(text), Some(noon), "{text}");
        }
        let half = parse_instant("2027-01-15T08:00:00.5Z");
        assert_eq!(half, Some(UnixTime::from_secs(1_800_000_000.5)));
    }

    #[test]
    fn what_is_no_time_is_not_read_as_one() {
        for text in [
            "",
            "now",
            "-5",
            "1e9",
            "2027-01-15",
            "2027-01-15T08:00:00",
            "2027-02-30T08:00:00Z",
            "2027-01-15T08:00:00.Z",
            "2027-01-15T08:00:00+1:00",
            "2027-01-15T08:00:00+25:00",
            "2027-01-15T08:00:00+é0:00",
            "ÿ027-01-15T08:00:00Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_are_shown_as_numbers() {
        let far = UnixTime::from_secs(9_007_199_254_740_992.0);
        assert_eq!(instant(far), "9007199254740992 seconds after 1970");
        assert_eq!(instant(UnixTime::from_secs(-1.0)), "a time before 1970");
    }
}

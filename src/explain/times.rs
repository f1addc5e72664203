//! Formats and parses times and spans. The calendar is that of x509-cert, the crate that parses
//! certificates.

use std::time::Duration;

use x509_cert::der::DateTime;

use crate::token::UnixTime;

/// Units of a span, largest first, in seconds.
const UNITS: [(&str, u64); 4] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)];

/// Formats a span by its two largest units: `3m12s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds == 0 {
        let millis = span.subsec_millis();
        return if millis == 0 {
            "0s".to_owned()
        } else {
            format!("{millis}ms")
        };
    }
    let fitting = UNITS.iter().skip_while(|(_, size)| *size > seconds);
    let mut rest = seconds;
    let parts = fitting.take(2).map(|(unit, size)| {
        let count = rest / size;
        rest %= size;
        (count, unit)
    });
    let parts = parts.filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    parts.concat()
}

/// Formats a time in UTC, by RFC 3339, in whole seconds.
#[must_use]
pub fn instant(time: UnixTime) -> String {
    let since = time.since(UnixTime::EPOCH);
    match DateTime::from_unix_duration(since) {
        _ if time < UnixTime::EPOCH => "a time before 1970".to_owned(),
        Ok(time) => time.to_string(),
        Err(_) => format!("{} seconds after 1970", since.as_secs()),
    }
}

/// Formats a time relative to now: `expired 3m12s ago at 2026-11-25T22:10:03Z`.
pub(super) fn relative(time: UnixTime, now: UnixTime, past: &str, future: &str) -> String {
    let at = instant(time);
    if time <= now {
        format!("{past} {} ago at {at}", span(now.since(time)))
    } else {
        format!("{future} in {} at {at}", span(time.since(now)))
    }
}

/// Parses a time by RFC 3339, or as seconds since 1970; `None` for anything else.
#[must_use]
pub fn parse_instant(text: &str) -> Option<UnixTime> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(UnixTime::from_secs(
            Duration::from_secs(seconds).as_secs_f64(),
        ));
    }
    let (local, rest) = text.split_at_checked(19)?;
    let local: DateTime = format!("{}Z", local.to_ascii_uppercase()).parse().ok()?;
    let (fraction, zone) = fraction(rest)?;
    let seconds = local.unix_duration().as_secs_f64() + fraction - offset(zone)?;
    Some(UnixTime::from_secs(seconds))
}

/// Parses an optional fraction of a second; also returns the rest.
fn fraction(text: &str) -> Option<(f64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0.0, text));
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at_checked(digits)?;
    let fraction = format!("0.{digits}").parse().ok()?;
    (!digits.is_empty()).then_some((fraction, zone))
}

/// The offset of a zone from UTC, in seconds.
fn offset(zone: &str) -> Option<f64> {
    let (ahead, rest) = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0.0),
        ("+", rest) => (1.0, rest),
        ("-", rest) => (-1.0, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, below: u8| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u8> = text.parse().ok().filter(|number| *number < below);
        number.filter(|_| digits).map(f64::from)
    };
    Some(ahead * (number(hours, 24)? * 3600.0 + number(minutes, 60)? * 60.0))
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

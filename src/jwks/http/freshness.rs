//! The times of an answer: for how long it is fresh, and when to ask again.
//!
//! No clock is read: a date in an answer is compared to the answer's own `date` (RFC 9111 §5.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName, RETRY_AFTER};

/// The value of a number of seconds that is too large (RFC 9111 §1.2.2).
const MAX_SECONDS: u64 = 1 << 31;
/// A server that asks to be left alone for longer is asked again all the same.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// For how long an answer is fresh by its own account (RFC 9111 §4.2); `None` where it does not
/// say. What cannot be understood makes it stale at once (§4.2.1).
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let lifetime = cache_control(headers).or_else(|| expires(headers))?;
    Some(lifetime.saturating_sub(age(headers)))
}

/// The time for which the server asks for no further request (RFC 9110 §10.2.3), at most one hour.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(text) {
        Some(wait) => wait,
        None => time_between(date(headers, &DATE)?, httpdate::parse_http_date(text).ok()?),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The lifetime that the directives give. `private` and `s-maxage` are not for a cache that serves
/// one party only.
fn cache_control(headers: &HeaderMap) -> Option<Duration> {
    let mut lifetime = None;
    for line in headers.get_all(CACHE_CONTROL) {
        let line = String::from_utf8_lossy(line.as_bytes());
        for directive in directives(&line) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let found = match name.trim().to_ascii_lowercase().as_str() {
                // With field names too (§5.2.2.4): which fields these are makes no difference here.
                "no-store" | "no-cache" => Duration::ZERO,
                "max-age" => seconds(unquoted(value.trim())).unwrap_or_default(),
                _ => continue,
            };
            // Where two differ, one is `no-cache` or `no-store`, or they contradict each other
            // (§4.2.1).
            lifetime = match lifetime {
                None => Some(found),
                Some(before) if before == found => Some(found),
                Some(_) => Some(Duration::ZERO),
            };
        }
    }
    lifetime
}

/// The lifetime that `expires` gives. An unusable one, like the well-known `0`, is in the past
/// (§5.3).
fn expires(headers: &HeaderMap) -> Option<Duration> {
    headers.get(EXPIRES)?;
    let times = date(headers, &DATE).zip(date(headers, &EXPIRES));
    let lifetime = times.map(|(start, end)| time_between(start, end));
    Some(lifetime.unwrap_or_default())
}

/// The time that the answer has spent in other caches. A field that is no number is passed over
/// (§5.1).
fn age(headers: &HeaderMap) -> Duration {
    let text = headers.get(AGE).and_then(|value| value.to_str().ok());
    let first = text.and_then(|text| text.split(',').next());
    first
        .and_then(|text| seconds(text.trim()))
        .unwrap_or_default()
}

/// Splits at commas outside of quoted strings.
fn directives(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |c| {
        let plain = !std::mem::take(&mut escaped);
        match c {
            '"' if plain => quoted = !quoted,
            '\\' if plain && quoted => escaped = true,
            _ => {}
        }
        c == ',' && !quoted
    })
    .map(str::trim)
}

/// Takes the quotes off: numbers in them are read too (§5.2).
fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text)
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = || text.parse::<u64>().unwrap_or(MAX_SECONDS);
    digits.then(|| Duration::from_secs(value().min(MAX_SECONDS)))
}

/// The date in a field; `None` where it is not one, or where two lines differ.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    if lines.any(|line| line != first) {
        return None;
    }
    httpdate::parse_http_date(first.to_str().ok()?.trim()).ok()
}

/// Zero where the end is before the start.
fn time_between(start: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(start).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "date: Sun, 06 Nov 1994 12:00:00 GMT";

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn an_answer_is_fresh_for_as_long_as_it_says() {
        let table: [(&[&str], Option<u64>); 33] = [
            (&[], None),
            (&[NOON], None),
            (&["cache-control: public"], None),
            (&["cache-control: private"], None),
            (&["cache-control: s-maxage=60"], None),
            (&["cache-control: x-max-age=60"], None),
            (&["cache-control: private=\"a, max-age=60\""], None),
            (&["cache-control: x=\"\\\", max-age=60\""], None),
            (&["cache-control: max-age=60"], Some(60)),
            (&["cache-control: MAX-AGE = 60"], Some(60)),
            (&["cache-control: max-age=\"60\""], Some(60)),
            (&["cache-control: public, max-age=60, s-maxage=5"], Some(60)),
            (
                &["cache-control: public", "cache-control: max-age=60"],
                Some(60),
            ),
            (&["cache-control: max-age=60, max-age=60"], Some(60)),
            (&["cache-control: max-age=60, max-age=61"], Some(0)),
            (&["cache-control: max-age=60, no-store"], Some(0)),
            (&["cache-control: no-cache, max-age=60"], Some(0)),
            (
                &["cache-control: no-cache=\"set-cookie\", max-age=60"],
                Some(0),
            ),
            (&["cache-control: max-age=-1"], Some(0)),
            (&["cache-control: max-age=+1"], Some(0)),
            (&["cache-control: max-age=1.5"], Some(0)),
            (&["cache-control: max-age=soon"], Some(0)),
            (&["cache-control: max-age"], Some(0)),
            (
                &["cache-control: max-age=99999999999999999999999"],
                Some(1 << 31),
            ),
            (&["cache-control: max-age=60", "age: 20"], Some(40)),
            (&["cache-control: max-age=60", "age: 61"], Some(0)),
            (&["cache-control: max-age=60", "age: 20, 50"], Some(40)),
            (&["cache-control: max-age=60", "age: old"], Some(60)),
            (&[NOON, "expires: Sun, 06 Nov 1994 12:01:00 GMT"], Some(60)),
            (&[NOON, "expires: Sun, 06 Nov 1994 11:59:00 GMT"], Some(0)),
            (&[NOON, "expires: 0"], Some(0)),
            (&["expires: Sun, 06 Nov 1994 12:01:00 GMT"], Some(0)),
            (&[NOON, "expires: 0", "cache-control: max-age=60"], Some(60)),
        ];
        for (lines, expected) in table {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(fresh_for(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_server_says_when_to_come_again() {
        let table: [(&[&str], Option<u64>); 9] = [
            (&[], None),
            (&["retry-after: 7"], Some(7)),
            (&["retry-after: 3601"], Some(3600)),
            (&["retry-after: 99999999999999999999999"], Some(3600)),
            (&["retry-after: -1"], None),
            (&["retry-after: later"], None),
            (
                &[NOON, "retry-after: Sun, 06 Nov 1994 12:00:30 GMT"],
                Some(30),
            ),
            (
                &[NOON, "retry-after: Sun, 06 Nov 1994 11:00:00 GMT"],
                Some(0),
            ),
            // Without a date there is nothing to compare it to.
            (&["retry-after: Sun, 06 Nov 1994 12:00:30 GMT"], None),
        ];
        for (lines, expected) in table {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers(lines)), expected, "{lines:?}");
        }
    }
}

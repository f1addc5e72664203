//! Settings of the schedule of fetches, and of the life of keys.

use watchword::jwks::Timing;

use super::key_sources::{problems, seconds, source};

fn timing(jwks: &str) -> Timing {
    source(jwks).timing
}

#[test]
fn durations_have_bounds() {
    for (setting, from, to, inside, outside) in [
        (
            "connect_timeout",
            "10ms",
            "1m",
            ["10ms", "1m"],
            ["9ms", "61s"],
        ),
        ("timeout", "100ms", "1m", ["100ms", "1m"], ["99ms", "61s"]),
        (
            "cache_duration",
            "1s",
            "24h",
            ["1s", "24h"],
            ["999ms", "25h"],
        ),
        (
            "min_cache_duration",
            "1s",
            "24h",
            ["1s", "24h"],
            ["0s", "25h"],
        ),
        (
            "max_cache_duration",
            "1s",
            "24h",
            ["1s", "24h"],
            ["0s", "25h"],
        ),
        ("max_stale", "1s", "720h", ["1s", "720h"], ["0s", "721h"]),
        ("cooldown", "1s", "1h", ["1s", "1h"], ["0s", "61m"]),
        ("wait", "0s", "10s", ["0ms", "10s"], ["11s", "10001ms"]),
    ] {
        let expected = format!("expected a duration such as \"30s\", from {from} to {to}");
        for value in outside {
            let text = problems(&format!("{{uri: 'https://a/k', {setting}: {value}}}"));
            assert!(
                text.ends_with(&format!("jwks.{setting}: found {value:?}; {expected}")),
                "{text}"
            );
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        for value in inside {
            let text = problems(&format!("{{uri: 'https://a/k', {setting}: {value}}}"));
            assert!(!text.contains(&expected), "{text}");
        }
    }
}

#[test]
fn durations_that_contradict_one_another_are_problems() {
    let with = |more: &str| problems(&format!("{{uri: 'https://a/k', {more}}}"));
    for (settings, expected) in [
        (
            "min_cache_duration: 11m",
            "5:52: jwks.min_cache_duration: `min_cache_duration` (11m) is longer than \
             `cache_duration` (10m): make `min_cache_duration` shorter, or `cache_duration` longer",
        ),
        (
            "cache_duration: 2h, max_cache_duration: 90m",
            "5:72: jwks.max_cache_duration: `max_cache_duration` (90m) is shorter than \
             `cache_duration` (2h): make `max_cache_duration` longer, or `cache_duration` shorter",
        ),
        (
            "max_cache_duration: 12h, max_stale: 6h",
            "5:68: jwks.max_stale: `max_stale` (6h) is shorter than `max_cache_duration` (12h): \
             make `max_stale` longer, or `max_cache_duration` shorter",
        ),
        (
            "max_stale: 5m",
            "5:43: jwks.max_stale: `max_stale` (5m) is shorter than `cache_duration` (10m): make \
             `max_stale` longer, or `cache_duration` shorter",
        ),
        (
            "connect_timeout: 6s",
            "5:49: jwks.connect_timeout: `connect_timeout` (6s) is longer than `timeout` (5s): \
             make `connect_timeout` shorter, or `timeout` longer",
        ),
        ("connect_timeout: 6s, timeout: 6s", ""),
        ("max_cache_duration: 12h, max_stale: 12h", ""),
        (
            "min_cache_duration: 2h, cache_duration: 2h, max_cache_duration: 2h",
            "",
        ),
    ] {
        assert_eq!(with(settings), expected, "{settings}");
    }
    // What stands in for a setting that cannot be read is not held against the others.
    for settings in [
        "timeout: soon, connect_timeout: 6s",
        "cache_duration: 5, max_cache_duration: 5m",
    ] {
        let text = with(settings);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("expected a "), "{text}");
    }
}

#[test]
fn defaults_give_way_to_what_is_set() {
    let short = timing("{uri: 'https://a/k', cache_duration: 10s}");
    assert_eq!(short.min_cache_duration, seconds(10));
    assert_eq!(short.max_cache_duration, seconds(3600));
    let long = timing("{uri: 'https://a/k', cache_duration: 3h}");
    assert_eq!(long.min_cache_duration, seconds(60));
    assert_eq!(long.max_cache_duration, seconds(3 * 3600));
    let stale = timing("{uri: 'https://a/k', max_stale: 20m}");
    assert_eq!(stale.max_cache_duration, seconds(1200));
    let file = timing("{file: k, max_stale: 1m}");
    assert_eq!(
        (file.cache_duration, file.max_stale),
        (seconds(5), seconds(60))
    );

    let connect = |more: &str| {
        source(&format!("{{uri: 'https://a/k', {more}}}"))
            .access
            .connect_timeout
    };
    assert_eq!(connect("timeout: 1s"), seconds(1));
    assert_eq!(connect("timeout: 1m"), seconds(2));
    assert_eq!(connect("connect_timeout: 5s"), seconds(5));
}

//! When keys are fetched, and how long they live: the durations of `jwks`.

use std::time::Duration;

use crate::jwks::Timing;

use super::super::raw;
use super::super::values::{bounded, written};
use super::{DAY, Section};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// For how long keys are fresh where neither server nor configuration says it.
pub(super) const FRESHNESS: Duration = Duration::from_secs(600);
/// The same for files, which cost little to read.
pub(super) const FILE_FRESHNESS: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
const COOLDOWN: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_millis(100);

/// From the shortest to the longest.
type Bounds = (Duration, Duration);
const CACHE_BOUNDS: Bounds = (SECOND, DAY);
const STALE_BOUNDS: Bounds = (SECOND, Duration::from_secs(30 * 86400));
const COOLDOWN_BOUNDS: Bounds = (SECOND, HOUR);
const WAIT_BOUNDS: Bounds = (Duration::ZERO, Duration::from_secs(10));
const TIMEOUT_BOUNDS: Bounds = (Duration::from_millis(100), MINUTE);
const CONNECT_BOUNDS: Bounds = (Duration::from_millis(10), MINUTE);

/// The settings that every source has that is fetched, and whether each is given.
pub(super) fn fetch_settings(raw: &raw::Jwks) -> [(&'static str, bool); 4] {
    [
        ("cache_duration", raw.cache_duration.is_some()),
        ("max_stale", raw.max_stale.is_some()),
        ("cooldown", raw.cooldown.is_some()),
        ("wait", raw.wait.is_some()),
    ]
}

impl Section<'_, '_> {
    /// The durations of a source, and how long connecting may take. A default gives way to what is set.
    pub(super) fn timing(&mut self, raw: &raw::Jwks, freshness: Duration) -> (Timing, Duration) {
        let known = self.findings.count();
        let cache = raw.cache_duration.as_deref();
        let cache = self.span("cache_duration", cache, freshness, CACHE_BOUNDS);
        let max_stale = raw.max_stale.as_deref();
        let max_stale = self.span("max_stale", max_stale, DAY, STALE_BOUNDS);
        let (min, max) = self.server_may_ask(raw, cache, max_stale);
        let cooldown = raw.cooldown.as_deref();
        let wait = raw.wait.as_deref();
        let timeout = raw.timeout.as_deref();
        let timing = Timing {
            cache_duration: cache,
            min_cache_duration: min,
            max_cache_duration: max,
            max_stale,
            cooldown: self.span("cooldown", cooldown, COOLDOWN, COOLDOWN_BOUNDS),
            wait: self.span("wait", wait, WAIT, WAIT_BOUNDS),
            timeout: self.span("timeout", timeout, TIMEOUT, TIMEOUT_BOUNDS),
        };
        let connect = raw.connect_timeout.as_deref();
        let default = CONNECT.min(timing.timeout);
        let connect = self.span("connect_timeout", connect, default, CONNECT_BOUNDS);
        // What cannot be read would be blamed for the default that stands in for it.
        let jwks = ["issuers", self.name, "jwks"];
        if self.findings.count() == known && !self.findings.is_follow_on(&jwks) {
            self.order(raw, &timing, connect);
        }
        (timing, connect)
    }

    /// The shortest and the longest time for which a server may say that keys are fresh.
    fn server_may_ask(
        &mut self,
        raw: &raw::Jwks,
        cache: Duration,
        max_stale: Duration,
    ) -> (Duration, Duration) {
        let longest = if raw.max_stale.is_some() {
            HOUR.min(max_stale)
        } else {
            HOUR
        };
        let (min, max) = (MINUTE.min(cache), longest.max(cache));
        let min_given = raw.min_cache_duration.as_deref();
        let max_given = raw.max_cache_duration.as_deref();
        (
            self.span("min_cache_duration", min_given, min, CACHE_BOUNDS),
            self.span("max_cache_duration", max_given, max, CACHE_BOUNDS),
        )
    }

    fn span(
        &mut self,
        setting: &str,
        text: Option<&str>,
        default: Duration,
        bounds: Bounds,
    ) -> Duration {
        let path = ["issuers", self.name, "jwks", setting];
        bounded(text, &path, default, bounds, self.findings)
    }

    /// Notes durations that contradict one another. Defaults never do, so each problem is with a setting that is given.
    fn order(&mut self, raw: &raw::Jwks, timing: &Timing, connect: Duration) {
        let cache = ("cache_duration", timing.cache_duration);
        let max = ("max_cache_duration", timing.max_cache_duration);
        self.at_most(("min_cache_duration", timing.min_cache_duration), cache);
        self.at_least(max, cache);
        // Where the default was cut as far as it goes, it is cache_duration.
        let longest = raw.max_cache_duration.as_ref().map_or(cache, |_| max);
        self.at_least(("max_stale", timing.max_stale), longest);
        self.at_most(("connect_timeout", connect), ("timeout", timing.timeout));
    }

    fn at_most(&mut self, (setting, value): Named, (other, limit): Named) {
        if value > limit {
            let (value, limit) = (written(value), written(limit));
            let found = format!("{value}, which is longer than {other} ({limit})");
            self.note(&["jwks", setting], found, format!("at most {limit}"));
        }
    }

    fn at_least(&mut self, (setting, value): Named, (other, limit): Named) {
        if value < limit {
            let (value, limit) = (written(value), written(limit));
            let found = format!("{value}, which is shorter than {other} ({limit})");
            self.note(&["jwks", setting], found, format!("at least {limit}"));
        }
    }
}

/// A duration with the setting that it is from.
type Named<'n> = (&'n str, Duration);

//! When keys are fetched, and how long they live: the durations of `jwks`.

use std::time::Duration;

use crate::jwks::{Timing, Wait};

use super::super::settings;
use super::super::span::Span;
use super::super::values::written;
use super::Section;

/// For how long keys from files are fresh, which cost little to read.
pub(super) const FILE_FRESHNESS: Duration = Duration::from_secs(5);

/// The settings that every source has that is fetched, and whether each is given.
pub(super) fn fetch_settings(raw: &settings::JwksSettings) -> [(&'static str, bool); 4] {
    [
        ("cache_duration", raw.cache_duration.is_some()),
        ("max_stale", raw.max_stale.is_some()),
        ("cooldown", raw.cooldown.is_some()),
        ("wait", raw.wait.is_some()),
    ]
}

impl Section<'_, '_> {
    /// The durations of a source, and how long connecting may take. A default gives way to what is set.
    pub(super) fn timing(
        &mut self,
        raw: &settings::JwksSettings,
        freshness: Duration,
    ) -> (Timing, Duration) {
        let known = self.findings.count();
        let cache = raw.cache_duration.as_deref();
        let cache = self.span("cache_duration", cache, settings::CACHE_DURATION, freshness);
        let max_stale = raw.max_stale.as_deref();
        let max_stale = self.own("max_stale", max_stale, settings::MAX_STALE);
        let (min, max) = self.server_may_ask(raw, cache, max_stale);
        let timing = Timing {
            cache_duration: cache,
            min_cache_duration: min,
            max_cache_duration: max,
            max_stale,
            cooldown: self.own("cooldown", raw.cooldown.as_deref(), settings::COOLDOWN),
            wait: match &raw.wait {
                Some(wait) => Wait::AtMost(self.own("wait", Some(wait), settings::WAIT)),
                None => Wait::WhileCallLasts,
            },
            timeout: self.own("timeout", raw.timeout.as_deref(), settings::TIMEOUT),
        };
        let connect = raw.connect_timeout.as_deref();
        let default = settings::CONNECT_TIMEOUT.default().min(timing.timeout);
        let connect = self.span(
            "connect_timeout",
            connect,
            settings::CONNECT_TIMEOUT,
            default,
        );
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
        raw: &settings::JwksSettings,
        cache: Duration,
        max_stale: Duration,
    ) -> (Duration, Duration) {
        let (shortest, longest) = (settings::MIN_CACHE_DURATION, settings::MAX_CACHE_DURATION);
        let mut default = longest.default();
        if raw.max_stale.is_some() {
            default = default.min(max_stale);
        }
        let (min, max) = (shortest.default().min(cache), default.max(cache));
        let min_given = raw.min_cache_duration.as_deref();
        let max_given = raw.max_cache_duration.as_deref();
        (
            self.span("min_cache_duration", min_given, shortest, min),
            self.span("max_cache_duration", max_given, longest, max),
        )
    }

    /// A setting whose default is always the same.
    fn own(&mut self, setting: &str, text: Option<&str>, span: Span) -> Duration {
        self.span(setting, text, span, span.default())
    }

    fn span(
        &mut self,
        setting: &str,
        text: Option<&str>,
        span: Span,
        default: Duration,
    ) -> Duration {
        let path = ["issuers", self.name, "jwks", setting];
        span.read(text, &path, default, self.findings)
    }

    /// Notes durations that contradict one another. Defaults never do, so each problem is with a setting that is given.
    fn order(&mut self, raw: &settings::JwksSettings, timing: &Timing, connect: Duration) {
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
            let (value, limit) = (written(value), self.limit(other, limit));
            let found = format!("{value}, which is longer than {other} ({limit})");
            self.note(&["jwks", setting], found, format!("at most {limit}"));
        }
    }

    /// A limit that another setting gives, for a message.
    fn limit(&self, setting: &str, limit: Duration) -> String {
        let path = ["issuers", self.name, "jwks", setting];
        self.findings.shown(&path, written(limit))
    }

    fn at_least(&mut self, (setting, value): Named, (other, limit): Named) {
        if value < limit {
            let (value, limit) = (written(value), self.limit(other, limit));
            let found = format!("{value}, which is shorter than {other} ({limit})");
            self.note(&["jwks", setting], found, format!("at least {limit}"));
        }
    }
}

/// A duration with the setting that it is from.
type Named<'n> = (&'n str, Duration);

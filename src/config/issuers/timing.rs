//! The durations of `jwks`: when keys are fetched, and how long they live.

use std::cmp::Ordering;
use std::time::Duration;

use crate::jwks::{Timing, Wait};

use super::super::setting::Setting;
use super::super::settings::{
    CACHE_DURATION, CONNECT_TIMEOUT, COOLDOWN, JwksSettings, MAX_CACHE_DURATION, MAX_STALE,
    MIN_CACHE_DURATION, TIMEOUT, Time,
};

/// The time for which keys from files are fresh: reading them costs little.
const FILE_CACHE_DURATION: Time = Time::seconds(5);

impl Setting<'_, '_, JwksSettings> {
    /// The durations of a source, and how long connecting may take. A default adapts to the
    /// settings that are given.
    pub(super) fn timing(&mut self) -> (Timing, Duration) {
        let settings = self.value;
        let is_file = settings.file.is_some();
        let cache = settings.cache_duration.unwrap_or(if is_file {
            FILE_CACHE_DURATION
        } else {
            CACHE_DURATION
        });
        let longest = MAX_CACHE_DURATION.min(settings.max_stale.unwrap_or(MAX_STALE));
        let min = settings.min_cache_duration;
        let min = min.unwrap_or(MIN_CACHE_DURATION.min(cache));
        let max = settings.max_cache_duration;
        let max = max.unwrap_or(longest.max(cache));
        let max_stale = settings.max_stale.unwrap_or(MAX_STALE);
        let timeout = settings.timeout.unwrap_or(TIMEOUT);
        let connect = settings.connect_timeout;
        let connect = connect.unwrap_or(CONNECT_TIMEOUT.min(timeout));

        // A default never contradicts another setting; one in place of a wrong value would.
        if !self.is_incomplete() {
            let (cache, max) = (("cache_duration", cache), ("max_cache_duration", max));
            self.refuse_if(("min_cache_duration", min), Ordering::Greater, cache);
            self.refuse_if(max, Ordering::Less, cache);
            let is_given = settings.max_cache_duration.is_some();
            let longest = if is_given { max } else { cache };
            self.refuse_if(("max_stale", max_stale), Ordering::Less, longest);
            let timeout = ("timeout", timeout);
            self.refuse_if(("connect_timeout", connect), Ordering::Greater, timeout);
        }
        let timing = Timing {
            cache_duration: cache.into(),
            min_cache_duration: min.into(),
            max_cache_duration: max.into(),
            max_stale: max_stale.into(),
            cooldown: settings.cooldown.unwrap_or(COOLDOWN).into(),
            wait: match settings.wait {
                Some(wait) => Wait::AtMost(wait.into()),
                None => Wait::WhileCallLasts,
            },
            timeout: timeout.into(),
        };
        (timing, connect.into())
    }

    /// Notes a duration that is longer or shorter than another.
    fn refuse_if(&mut self, (name, value): NamedTime, wrong: Ordering, (other, limit): NamedTime) {
        if value.cmp(&limit) != wrong {
            return;
        }
        let (relation, change) = if wrong.is_gt() {
            ("longer", "shorter")
        } else {
            ("shorter", "longer")
        };
        let value = self.shown(name, value.to_string());
        let limit = self.shown(other, limit.to_string());
        self.member(name, &()).contradiction(format!(
            "`{name}` ({value}) is {relation} than `{other}` ({limit}): make `{name}` {change}, or \
             `{other}` {relation}"
        ));
    }
}

/// A duration and its setting.
type NamedTime = (&'static str, Time);

//! Durations as a configuration writes them: `30s`, `10m`, `24h` or `500ms`.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration, for editors; or text with a reference to the environment.
const PATTERN: &str = r"^([0-9]+(ms|s|m|h)|.*\$.*)$";

// Without documentation, which would be the description of every setting with a duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(inline, with = "String", extend("x-kind" = "duration", "pattern" = PATTERN))]
pub(crate) struct Time(Duration);

impl Time {
    pub(crate) const fn from_duration(duration: Duration) -> Self {
        Self(duration)
    }

    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    pub(crate) const fn minutes(minutes: u64) -> Self {
        Self::seconds(60 * minutes)
    }

    pub(crate) const fn hours(hours: u64) -> Self {
        Self::minutes(60 * hours)
    }

    /// `None`: the text is no duration.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        }
        .map(Self)
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_millis(), self.0.as_secs()) {
            (_, secs) if secs >= 3600 && secs % 3600 == 0 => write!(f, "{}h", secs / 3600),
            (_, secs) if secs >= 60 && secs % 60 == 0 => write!(f, "{}m", secs / 60),
            (millis, secs) if millis % 1000 == 0 => write!(f, "{secs}s"),
            (millis, _) => write!(f, "{millis}ms"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a duration"))
    }
}

/// The bounds of a duration, in its schema.
pub(crate) fn between(least: &'static str, most: &'static str) -> impl FnMut(&mut Schema) {
    move |schema| {
        schema.insert("x-minimum".to_owned(), least.into());
        schema.insert("x-maximum".to_owned(), most.into());
    }
}

//! Small values that several sections share: durations, paths, lists, scalars.

use std::path::PathBuf;
use std::time::Duration;

use crate::jose::Json;

use super::findings::Findings;
use super::settings::Scalar;

/// Reads `30s`, `10m`, `24h` or `500ms`; `None` for anything else.
pub(super) fn duration(text: &str) -> Option<Duration> {
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
}

/// A duration within bounds, or the default where none is given or it is out of bounds (and noted).
pub(super) fn bounded(
    text: Option<&str>,
    path: &[&str],
    default: Duration,
    bounds: (Duration, Duration),
    findings: &mut Findings<'_>,
) -> Duration {
    let Some(text) = text else { return default };
    match duration(text) {
        Some(value) if (bounds.0..=bounds.1).contains(&value) => value,
        _ => {
            let expected = format!(
                "a duration such as \"30s\", from {} to {}",
                written(bounds.0),
                written(bounds.1)
            );
            findings.add(path, format!("{text:?}"), expected);
            default
        }
    }
}

/// A duration as it is written in a configuration.
pub(super) fn written(span: Duration) -> String {
    match (span.as_millis(), span.as_secs()) {
        (_, secs) if secs >= 3600 && secs % 3600 == 0 => format!("{}h", secs / 3600),
        (_, secs) if secs >= 60 && secs % 60 == 0 => format!("{}m", secs / 60),
        (millis, secs) if millis % 1000 == 0 => format!("{secs}s"),
        (millis, _) => format!("{millis}ms"),
    }
}

/// A path, seen from the configuration's folder; an empty one would be that folder, and is noted.
pub(super) fn path(text: &str, setting: &[&str], findings: &mut Findings<'_>) -> PathBuf {
    if text.is_empty() {
        findings.add(setting, "an empty string", "a path");
    }
    findings.resolve(text)
}

/// A list that may be left out, but not be empty or hold an empty string.
pub(super) fn filled<'l>(
    list: Option<&'l [String]>,
    path: &[&str],
    findings: &mut Findings<'_>,
) -> &'l [String] {
    let list = match list {
        None => return &[],
        Some([]) => {
            findings.add(
                path,
                "an empty list",
                "at least one entry, or no such setting",
            );
            return &[];
        }
        Some(list) => list,
    };
    for (index, entry) in list.iter().enumerate() {
        if entry.is_empty() {
            let element = format!("[{index}]");
            findings.add(&[path, &[&element]].concat(), "an empty string", "a value");
        }
    }
    list
}

/// A scalar of the configuration as a token would carry it.
pub(super) fn json(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Bool(value) => Json::Bool(*value),
        Scalar::String(text) => Json::String(text.as_str().into()),
        // A number's text is JSON, so that reading it gives a number.
        Scalar::Number(number) => {
            Json::parse(number.to_string().as_bytes(), 1).unwrap_or(Json::Null)
        }
    }
}

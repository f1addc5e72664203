//! The text formats of metrics: OpenMetrics for clients that accept it, and Prometheus' classic
//! format for all others.
//!
//! prometheus-client writes OpenMetrics only, so this module rewrites its text.

use std::fmt::{self, Write as _};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' classic format, version 0.0.4.
    Classic,
}

impl Exposition {
    /// The best format that the header `accept` allows.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        let ranges = accept.unwrap_or_default().split(',');
        let mut types = ranges.filter_map(|range| range.split(';').next());
        if types.any(|name| {
            name.trim()
                .eq_ignore_ascii_case("application/openmetrics-text")
        }) {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// All metrics in this format.
    ///
    /// # Errors
    /// If a metric cannot be written.
    pub fn write(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut open = String::new();
        text::encode(&mut open, registry)?;
        match self {
            Self::OpenMetrics => Ok(open),
            Self::Classic => classic(&open),
        }
    }
}

/// In the classic format, the name of a counter includes its suffix, and there are no infos, units
/// or end mark.
fn classic(open: &str) -> Result<String, fmt::Error> {
    let mut classic = String::with_capacity(open.len());
    let mut help = "";
    for line in open.lines() {
        if let Some(named) = line.strip_prefix("# HELP ") {
            help = named.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            writeln!(classic, "# HELP {name}{suffix} {help}")?;
            writeln!(classic, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            writeln!(classic, "{line}")?;
        }
    }
    Ok(classic)
}

#[cfg(test)]
mod tests {
    use super::Exposition::{self, Classic, OpenMetrics};

    #[test]
    fn open_metrics_are_for_those_that_ask_for_them() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1";
        assert_eq!(Exposition::accepted(Some(prometheus)), OpenMetrics);
        for other in [
            None,
            Some(""),
            Some("*/*"),
            Some("text/plain; version=0.0.4"),
        ] {
            assert_eq!(Exposition::accepted(other), Classic, "{other:?}");
        }
    }

    #[test]
    fn the_classic_format_has_its_own_names() {
        let open = "\
# HELP w_calls Calls.
# TYPE w_calls counter
w_calls_total{door=\"a # TYPE b\"} 1
# HELP w_build The version.
# TYPE w_build info
w_build_info{version=\"1\"} 1
# HELP w_age_seconds Age.
# TYPE w_age_seconds gauge
# UNIT w_age_seconds seconds
w_age_seconds 1.5
# EOF
";
        let expected = "\
# HELP w_calls_total Calls.
# TYPE w_calls_total counter
w_calls_total{door=\"a # TYPE b\"} 1
# HELP w_build_info The version.
# TYPE w_build_info gauge
w_build_info{version=\"1\"} 1
# HELP w_age_seconds Age.
# TYPE w_age_seconds gauge
w_age_seconds 1.5
";
        assert_eq!(super::classic(open).unwrap(), expected);
    }
}

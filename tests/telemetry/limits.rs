//! Limits on the operational log: lines per cause, the report of suppressed ones, and exemptions.

use std::cell::Cell;
use std::fmt;

use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};
use tracing::{debug, error, info, warn};
use watchword::telemetry::{CONFIGURATION, LogLimits, log_subscriber};

use crate::scene::config;
use crate::server::{Server, Settings, until};
use crate::sink::Sink;

const OURS: usize = 50;
const OTHERS: usize = 5;
const VERBOSE: usize = 10_000;

/// The lines of a log of this level, in JSON, and the number of suppressed ones.
fn log(level: &str, write: impl FnOnce(&LogLimits)) -> (Vec<Value>, u64) {
    use tracing_subscriber::layer::SubscriberExt as _;

    let config = config(&format!("log: {{format: json, level: {level}}}"));
    let sink = Sink::default();
    let writer = sink.clone();
    let suppressed = Counter::default();
    let limits = LogLimits::new(suppressed.clone());
    let subscriber =
        log_subscriber(&config.log, move || writer.clone(), false).with(limits.clone());
    tracing::subscriber::with_default(subscriber, || write(&limits));
    let lines = sink.text();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), suppressed.get())
}

fn count(lines: &[Value], message: &str) -> usize {
    let lines = lines.iter().filter(|line| line["message"] == message);
    lines.count()
}

fn reports(lines: &[Value]) -> Vec<&Value> {
    let lines = lines.iter().filter(|line| !line["suppressed"].is_null());
    lines.collect()
}

#[test]
fn a_cause_writes_so_many_lines_and_the_rest_is_reported_once() {
    let (lines, suppressed) = log("info", |limits| {
        for n in 0..1000 {
            warn!(target: "watchword::listen::server", n, "ours");
            warn!(target: "h2::proto::ping_pong", "theirs: {n}");
        }
        info!(target: "watchword::app", "another cause");
        limits.end_window();
        limits.end_window();
    });
    assert_eq!(count(&lines, "ours"), OURS);
    assert_eq!(count(&lines, "another cause"), 1);
    assert_eq!(count(&lines, "theirs: 4"), 1);
    assert_eq!(count(&lines, "theirs: 5"), 0);
    assert_eq!(suppressed, 950 + 995);
    let mut reports = reports(&lines);
    reports.sort_by_key(|report| report["suppressed"].as_u64());
    assert_eq!(reports.len(), 2, "{reports:?}");
    for (report, suppressed, target, example) in [
        (reports[0], 950, "watchword::listen::server", "ours"),
        (reports[1], 995, "h2::proto::ping_pong", "theirs: 5"),
    ] {
        assert_eq!(report["suppressed"], json!(suppressed));
        assert_eq!(report["target"], json!(target));
        assert_eq!(report["example"], json!(example));
        assert_eq!(report["level"], "WARN");
        assert!(report["line"].is_u64(), "{report}");
    }
    assert_eq!(lines.len(), OURS + OTHERS + 1 + 2);
}

#[test]
fn the_next_window_has_as_many_lines() {
    let (lines, suppressed) = log("info", |limits| {
        for _ in 0..3 {
            for _ in 0..100 {
                warn!(target: "watchword", "again");
            }
            limits.end_window();
        }
    });
    assert_eq!(count(&lines, "again"), 3 * OURS);
    assert_eq!(reports(&lines).len(), 3);
    assert_eq!(suppressed, 150);
}

#[test]
fn lines_of_the_configuration_are_all_written() {
    let (lines, suppressed) = log("info", |limits| {
        for n in 0..2000 {
            warn!(target: CONFIGURATION, n, "a warning");
        }
        limits.end_window();
    });
    assert_eq!((lines.len(), suppressed), (2000, 0));
}

#[test]
fn a_source_or_a_panic_hides_no_other() {
    let (lines, _) = log("info", |limits| {
        for place in ["src/a.rs:1:1", "src/b.rs:1:1"] {
            for _ in 0..100 {
                error!(target: "watchword::telemetry::panics", place = %place, "{place}");
                warn!(target: "watchword::jwks::report", source = %place, "{place}");
            }
        }
        limits.end_window();
    });
    for place in ["src/a.rs:1:1", "src/b.rs:1:1"] {
        assert_eq!(count(&lines, place), 2 * OURS);
    }
    assert_eq!(reports(&lines).len(), 4);
}

#[test]
fn what_a_stranger_sends_makes_no_cause_of_its_own() {
    let (lines, _) = log("info", |_| {
        for n in 0..100 {
            warn!(target: "watchword::listen", n, %n, "{n}");
            warn!(target: "h2::proto", source = n, "theirs");
            warn!(target: "watchwords", source = n, "theirs");
        }
    });
    assert_eq!(lines.len(), OURS + 2 * OTHERS);
}

#[test]
fn debug_lines_have_a_limit_too() {
    let (lines, suppressed) = log("debug", |limits| {
        for _ in 0..VERBOSE + 10 {
            debug!(target: "watchword::telemetry::decision_line", "check");
        }
        limits.end_window();
    });
    assert_eq!(count(&lines, "check"), VERBOSE);
    assert_eq!(suppressed, 10);
    assert_eq!(reports(&lines)[0]["level"], "WARN");
}

#[test]
fn lines_below_the_level_are_neither_written_nor_counted() {
    let (lines, suppressed) = log("error", |limits| {
        for _ in 0..100 {
            warn!(target: "watchword", "a warning");
            error!(target: "watchword", "an error");
        }
        limits.end_window();
    });
    assert_eq!(suppressed, 50);
    assert_eq!(count(&lines, "an error"), OURS);
    assert_eq!(reports(&lines)[0]["level"], "ERROR");
    assert_eq!(lines.len(), OURS + 1);
}

/// A long text that logs a line, and counts, each time that it is formatted.
struct Talkative<'c>(&'c Cell<usize>);

impl fmt::Display for Talkative<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        warn!(target: "watchword::nested", "nested");
        f.write_str(&"\u{e9}".repeat(1000))
    }
}

#[test]
fn a_suppressed_line_is_not_formatted_and_one_that_logs_locks_nothing() {
    let shown = Cell::new(0);
    let (lines, _) = log("info", |limits| {
        for _ in 0..1000 {
            warn!(target: "watchword", "{}", Talkative(&shown));
        }
        limits.end_window();
    });
    assert_eq!(shown.get(), OURS + 1, "the lines and the example");
    let example = reports(&lines)
        .iter()
        .map(|report| report["example"].as_str().unwrap().len())
        .max();
    assert_eq!(example, Some(200));
}

#[test]
fn a_report_is_a_line_of_text_too() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let config = config("log: {format: text}");
    let sink = Sink::default();
    let writer = sink.clone();
    let limits = LogLimits::new(Counter::default());
    let subscriber =
        log_subscriber(&config.log, move || writer.clone(), false).with(limits.clone());
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..6 {
            warn!(target: "h2", "a \u{1b}[31mline\nand another");
        }
        limits.end_window();
    });
    let text = sink.text();
    let last = text.lines().last().unwrap();
    for part in [" WARN ", "suppressed=1", "target=\"h2\"", "example=\"a "] {
        assert!(last.contains(part), "no {part} in {last}");
    }
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn every_warning_of_a_configuration_is_logged_at_start_and_reload() {
    const WARNINGS: usize = 300;

    let rule = |n| format!("- {{match: {{methods: [BAN], path: {{prefix: /p{n}/}}}}}}\n");
    let rules: Vec<String> = (0..WARNINGS).map(rule).collect();
    let sections = format!("rules:\n{}", rules.concat());
    let settings = Settings {
        sections: &sections,
        ..Settings::default()
    };
    let server = Server::start("limits_warnings", &settings);
    for times in 1..=2 {
        let logged = || {
            let lines = server.lines();
            let warnings = lines.iter().filter(|line| line["code"] == "unknown_method");
            (warnings.count() == times * WARNINGS).then_some(())
        };
        until("all warnings", logged);
        server.signal("HUP");
    }
    assert_eq!(server.metric("watchword_log_lines_suppressed_total"), 0);
}

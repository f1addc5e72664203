//! The rules for names and texts of metrics, as `promtool check metrics` has them.

use std::collections::{BTreeMap, BTreeSet};

/// Words of units that are not base units.
const NOT_BASE: [&str; 12] = [
    "milliseconds",
    "microseconds",
    "ms",
    "us",
    "minutes",
    "hours",
    "days",
    "kilobytes",
    "megabytes",
    "percent",
    "secs",
    "sec",
];

/// The problems of a page in Prometheus' classic format.
pub(crate) fn problems(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let families = families(page, &mut problems);
    for (name, family) in &families {
        for (wrong, what) in of_name(name, family)
            .into_iter()
            .chain(of_labels(family, &families))
        {
            if wrong {
                problems.push(format!("{name}: {what}"));
            }
        }
    }
    problems
}

/// Each rule for a name, with true if the name breaks it.
fn of_name(name: &str, family: &Family) -> Vec<(bool, &'static str)> {
    let has = |suffix: &str| name.ends_with(suffix);
    let words: Vec<&str> = name.split('_').collect();
    let has_word = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let counter = family.kind == "counter";
    let end = words.len() - 1 - usize::from(counter);
    let unit = words.iter().position(|word| *word == "seconds");
    vec![
        (family.help.trim().len() < 10, "no help"),
        (!name.starts_with("watchword_"), "another prefix"),
        (name.contains(':'), "a colon"),
        (name.to_lowercase() != name, "upper case"),
        (
            counter != has("_total"),
            "_total is for counters, and all of them",
        ),
        (
            has("_count") || has("_sum") || has("_bucket"),
            "a suffix that histograms need",
        ),
        (has_word(&[&family.kind]), "the type in the name"),
        (has_word(&NOT_BASE), "no base unit"),
        (
            unit.is_some_and(|at| at != end),
            "a unit that does not end the name",
        ),
        (
            has_word(&["duration", "timestamp", "age"]) && unit.is_none(),
            "a time without its unit",
        ),
    ]
}

/// The same for labels.
fn of_labels(family: &Family, families: &BTreeMap<String, Family>) -> Vec<(bool, &'static str)> {
    let has = |wanted: &str| family.labels.contains(wanted);
    let internal = family.labels.iter().any(|label| label.starts_with("__"));
    let metric = family
        .labels
        .iter()
        .any(|label| families.contains_key(label));
    let reserved = internal || has("quantile") || has("job") || has("instance");
    vec![
        (metric, "a label with the name of a metric"),
        (reserved, "a reserved label"),
        (
            has("le") && family.kind != "histogram",
            "a label of histograms",
        ),
    ]
}

#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    labels: BTreeSet<String>,
}

fn families(page: &str, problems: &mut Vec<String>) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut series = BTreeSet::new();
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            let family = Family {
                help: help.to_owned(),
                ..Family::default()
            };
            if families.insert(name.to_owned(), family).is_some() {
                problems.push(format!("{name}: stands twice"));
            }
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kind.clone_into(&mut families.get_mut(name).unwrap().kind);
        } else {
            let (named, _) = line.rsplit_once(' ').unwrap();
            if !series.insert(named) {
                problems.push(format!("{named}: stands twice"));
            }
            let (name, labels) = named.split_once('{').unwrap_or((named, ""));
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
                let base = name.strip_suffix(suffix)?;
                families.contains_key(base).then_some(base)
            });
            let Some(family) = families.get_mut(of_histogram.unwrap_or(name)) else {
                problems.push(format!("{name}: without type"));
                continue;
            };
            let labels = labels.trim_end_matches('}').split("\",");
            let labels = labels.filter_map(|label| label.split_once('='));
            family
                .labels
                .extend(labels.map(|(label, _)| label.to_owned()));
        }
    }
    families
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let good = "\
# HELP watchword_calls_total All calls.
# TYPE watchword_calls_total counter
watchword_calls_total{door=\"check\"} 1
";
    assert_eq!(problems(good), [""; 0]);
    for (from, to) in [
        ("All calls.", ""),
        ("counter", "gauge"),
        ("calls_total", "calls"),
        ("calls_total", "calls:all_total"),
        ("calls_total", "Calls_total"),
        ("calls_total", "calls_ms_total"),
        ("calls_total", "seconds_calls_total"),
        ("calls_total", "duration_total"),
        ("calls_total", "counter_total"),
        ("watchword_", "other_"),
        ("{door", "{le"),
        ("{door", "{job"),
        ("{door", "{watchword_calls_total"),
    ] {
        let bad = good.replace(from, to);
        assert!(!problems(&bad).is_empty(), "{bad}");
    }
    assert!(!problems(&good.repeat(2)).is_empty());
    let sum = good
        .replace("calls_total", "calls_sum")
        .replace("counter", "gauge");
    assert!(!problems(&sum).is_empty());
}

//! Monitors, alerts and the dashboard: they find the pods, and name only metrics and labels that a running server shows.

mod objects;
mod page;
mod promql;

use serde_json::{Value, json};

use crate::helm::{Chart, Rendered};
use page::Page;

/// Values with everything of this file switched on, and these beside it.
fn values(more: &Value) -> Value {
    let issuer = json!({"issuer": "https://idp.example.com", "audiences": ["orders-api"], "jwks": {"discovery": true}});
    let mut values = json!({
        "config": {"issuers": {"corp": issuer}},
        "podMonitor": {"enabled": true},
        "serviceMonitor": {"enabled": true},
        "prometheusRule": {"enabled": true},
        "grafanaDashboard": {"enabled": true},
    });
    merge(&mut values, more);
    values
}

fn merge(values: &mut Value, more: &Value) {
    match (values, more) {
        (Value::Object(values), Value::Object(more)) => {
            for (name, value) in more {
                merge(values.entry(name).or_insert(Value::Null), value);
            }
        }
        (values, more) => *values = more.clone(),
    }
}

fn render(more: &Value) -> Rendered {
    Chart::watchword()
        .render(&values(more))
        .unwrap_or_else(|problem| panic!("{problem}"))
}

fn one<'a>(rendered: &'a Rendered, kind: &'a str) -> &'a Value {
    let mut found = rendered.of_kind(kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    &one.value
}

fn rules(rendered: &Rendered) -> &Vec<Value> {
    let rule = one(rendered, "PrometheusRule");
    rule["spec"]["groups"][0]["rules"].as_array().unwrap()
}

fn dashboard(rendered: &Rendered) -> Value {
    let text = &rendered.get("ConfigMap", "rel-watchword-dashboard")["data"]["watchword.json"];
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

/// A query, what it is from, and the labels that texts beside it show.
struct Asked {
    place: String,
    query: String,
    shown: Vec<String>,
}

fn of_alerts(rendered: &Rendered) -> Vec<Asked> {
    let rules = rules(rendered).iter();
    rules
        .map(|rule| Asked {
            place: rule["alert"].to_string(),
            query: rule["expr"].as_str().unwrap().to_owned(),
            shown: names_after(&rule["annotations"].to_string(), "$labels."),
        })
        .collect()
}

fn of_dashboard(dashboard: &Value) -> Vec<Asked> {
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            asked.push(Asked {
                place: panel["title"].to_string(),
                query: target["expr"].as_str().unwrap().to_owned(),
                shown: names_after(target["legendFormat"].as_str().unwrap(), "{{"),
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            // label_values(SELECTOR, LABEL)
            let query = variable["query"].as_str().unwrap();
            let inside = query.strip_prefix("label_values(").unwrap();
            let (query, label) = inside.trim_end_matches(')').rsplit_once(',').unwrap();
            asked.push(Asked {
                place: variable["name"].to_string(),
                query: query.to_owned(),
                shown: vec![label.trim().to_owned()],
            });
        }
    }
    asked
}

/// The names that stand right behind each of these marks.
fn names_after(text: &str, mark: &str) -> Vec<String> {
    let behind = text.split(mark).skip(1);
    behind
        .map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

fn problems(asked: &Asked, page: &Page) -> Vec<String> {
    let Asked {
        place,
        query,
        shown,
    } = asked;
    let read = match promql::read(query) {
        Ok(read) => read,
        Err(problem) => return vec![format!("{place}: {problem} in {query}")],
    };
    let mut problems = page.problems(&read);
    for label in shown {
        // A sum has the labels that it is taken by; what is not summed up has all.
        let mut groupings = read.groupings.iter().filter(|grouping| grouping.aggregates);
        let kept = if read.groupings.is_empty() {
            read.selectors
                .iter()
                .all(|selector| page.has_label(&selector.metric, label))
        } else {
            groupings.any(|grouping| grouping.labels.contains(label))
        };
        if !kept {
            problems.push(format!("a text shows {label}"));
        }
    }
    problems
        .iter()
        .map(|problem| format!("{place}: {problem}"))
        .collect()
}

#[tokio::test]
async fn alerts_and_dashboard_name_only_what_a_running_server_shows() {
    let rendered = render(&json!({}));
    let mut asked = of_alerts(&rendered);
    assert_eq!(asked.len(), 16);
    asked.extend(of_dashboard(&dashboard(&rendered)));
    assert!(asked.len() > 50, "only {} queries", asked.len());
    let page = Page::of_a_running_server().await;
    let problems: Vec<String> = asked
        .iter()
        .flat_map(|asked| problems(asked, &page))
        .collect();
    assert_eq!(problems, [""; 0], "{page:#?}");

    let queries: Vec<&str> = asked.iter().map(|asked| asked.query.as_str()).collect();
    let unseen = page.metrics().filter(|metric| {
        // Of a histogram, one series of the three is enough.
        let histogram = metric.contains("_duration_seconds_");
        !histogram && !queries.iter().any(|query| query.contains(metric))
    });
    assert_eq!(
        unseen.collect::<Vec<_>>(),
        [""; 0],
        "metrics that nobody looks at"
    );
}

#[test]
fn a_name_that_no_server_shows_is_found() {
    let page = Page::read("a_total{issuer=\"corp\",state=\"stale\"} 1\nb{issuer=\"corp\"} 1\n");
    let found = |query: &str, shown: &[&str]| {
        let asked = Asked {
            place: "here".into(),
            query: query.into(),
            shown: shown.iter().map(ToString::to_string).collect(),
        };
        problems(&asked, &page).len()
    };
    let good = r#"sum by (issuer, job) (rate(a_total{state="stale", job="x"}[5m])) / on (issuer) sum by (issuer) (b)"#;
    assert_eq!(found(good, &["issuer"]), 0);
    for (from, to) in [
        ("a_total", "a"),
        ("(b)", "(c)"),
        ("state=", "states="),
        ("\"stale\"", "\"fresh|stale\""),
        ("by (issuer, job)", "by (issuers, job)"),
        ("by (issuer) (b)", "by (state) (b)"),
        ("on (issuer)", "on (reason)"),
        ("rate(", "rates("),
    ] {
        assert_ne!(found(&good.replace(from, to), &["issuer"]), 0, "{to}");
    }
    assert_ne!(found(good, &["state"]), 0, "a sum has lost that label");
    assert_ne!(found("b", &["state"]), 0);
}

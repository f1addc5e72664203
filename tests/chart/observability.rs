//! Monitors, alerts and the dashboard: they find the pods, and name only metrics and labels that a
//! running server has.

pub(crate) mod objects;
mod page;
pub(crate) mod promql;

use page::Page;
use serde_json::{Value, json};
use watchword_test_support::helm::{Chart, Rendered};

watchword_test_support::tests![
    name_that_no_server_has_is_found,
    ; async
    alerts_and_dashboard_name_only_metrics_and_labels_of_a_running_server,
];

/// Values that enable monitors, alerts and the dashboard, merged with these.
fn values(more: &Value) -> Value {
    let issuer = json!({
        "issuer": "https://idp.example.com",
        "audiences": ["orders-api"],
        "jwks": {"discovery": true},
    });
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

/// A query of an alert or a panel, and the labels that the texts beside it name.
struct NamedQuery {
    /// The alert, panel or variable that has the query.
    place: String,
    query: String,
    text_labels: Vec<String>,
}

fn alert_queries(rendered: &Rendered) -> Vec<NamedQuery> {
    let rules = rules(rendered).iter();
    rules
        .map(|rule| NamedQuery {
            place: rule["alert"].to_string(),
            query: rule["expr"].as_str().unwrap().to_owned(),
            text_labels: names_after(&rule["annotations"].to_string(), "$labels."),
        })
        .collect()
}

fn dashboard_queries(dashboard: &Value) -> Vec<NamedQuery> {
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(NamedQuery {
                place: panel["title"].to_string(),
                query: target["expr"].as_str().unwrap().to_owned(),
                text_labels: names_after(target["legendFormat"].as_str().unwrap(), "{{"),
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            // label_values(SELECTOR, LABEL)
            let query = variable["query"].as_str().unwrap();
            let inside = query.strip_prefix("label_values(").unwrap();
            let (query, label) = inside.trim_end_matches(')').rsplit_once(',').unwrap();
            queries.push(NamedQuery {
                place: variable["name"].to_string(),
                query: query.to_owned(),
                text_labels: vec![label.trim().to_owned()],
            });
        }
    }
    queries
}

/// The names that follow each occurrence of the mark.
fn names_after(text: &str, mark: &str) -> Vec<String> {
    let behind = text.split(mark).skip(1);
    behind
        .map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

fn problems(named: &NamedQuery, page: &Page) -> Vec<String> {
    let NamedQuery {
        place,
        query,
        text_labels,
    } = named;
    let read = match promql::read(query) {
        Ok(read) => read,
        Err(problem) => return vec![format!("{place}: {problem} in {query}")],
    };
    let mut problems = page.problems(&read);
    for label in text_labels {
        // An aggregation keeps the labels that it groups by; a plain selector has all of them.
        let mut groupings = read.groupings.iter().filter(|grouping| grouping.aggregates);
        let kept = if read.groupings.is_empty() {
            read.selectors
                .iter()
                .all(|selector| page.has_label(&selector.metric, label))
        } else {
            groupings.any(|grouping| grouping.labels.contains(label))
        };
        if !kept {
            problems.push(format!(
                "a text names the label {label}, which the query drops"
            ));
        }
    }
    problems
        .iter()
        .map(|problem| format!("{place}: {problem}"))
        .collect()
}

async fn alerts_and_dashboard_name_only_metrics_and_labels_of_a_running_server() {
    let rendered = render(&json!({}));
    let mut queries = alert_queries(&rendered);
    assert_eq!(queries.len(), 16);
    queries.extend(dashboard_queries(&dashboard(&rendered)));
    assert!(queries.len() > 50, "only {} queries", queries.len());
    let page = Page::of_a_running_server().await;
    let problems: Vec<String> = queries
        .iter()
        .flat_map(|query| problems(query, &page))
        .collect();
    assert_eq!(problems, [""; 0], "{page:#?}");

    let unused = page.metrics().filter(|metric| {
        // One of a histogram's three series is enough.
        let histogram = metric.contains("_duration_seconds_");
        !histogram && !queries.iter().any(|named| named.query.contains(metric))
    });
    assert_eq!(
        unused.collect::<Vec<_>>(),
        [""; 0],
        "metrics that no alert and no panel uses"
    );
}

fn name_that_no_server_has_is_found() {
    let page = Page::read("a_total{issuer=\"corp\",state=\"stale\"} 1\nb{issuer=\"corp\"} 1\n");
    let found = |query: &str, text_labels: &[&str]| {
        let named = NamedQuery {
            place: "here".into(),
            query: query.into(),
            text_labels: text_labels.iter().map(ToString::to_string).collect(),
        };
        problems(&named, &page).len()
    };
    let good = concat!(
        r#"sum by (issuer, job) (rate(a_total{state="stale", job="x"}[5m]))"#,
        " / on (issuer) sum by (issuer) (b)",
    );
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
    assert_ne!(found(good, &["state"]), 0, "the sum drops that label");
    assert_ne!(found("b", &["state"]), 0);
}

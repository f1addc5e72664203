//! Monitors find the pods, alerts can be tuned, and Grafana can show the dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watchword_test_support::helm::Chart;

use super::{alert_queries, dashboard, one, promql, render, rules, values};

watchword_test_support::tests![
    every_alert_has_a_summary_a_description_and_a_runbook,
    alerts_can_be_switched_off_tuned_and_added,
    alerts_query_the_series_of_their_own_release,
    monitors_find_pods_and_port,
    limit_of_samples_is_a_whole_number,
    pod_monitor_finds_injected_sidecars,
    grafana_can_show_the_dashboard,
    monitors_that_cannot_scrape_are_refused,
];

fn every_alert_has_a_summary_a_description_and_a_runbook() {
    let rendered = render(&json!({"prometheusRule": {
        "runbookUrl": "https://runbooks.example.com/", "alertLabels": {"team": "identity"},
    }}));
    let alerts = include_str!("../../../docs/alerts.md");
    let mut names = BTreeSet::new();
    for rule in rules(&rendered) {
        let name = rule["alert"].as_str().unwrap();
        for text in ["summary", "description", "runbook"] {
            let text = rule["annotations"][text].as_str().unwrap_or_default();
            assert!(text.len() > 10 && text.ends_with('.'), "{name}: {text}");
        }
        let link = format!("https://runbooks.example.com/{name}");
        assert_eq!(rule["annotations"]["runbook_url"], json!(link));
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        assert_eq!(rule["labels"]["team"], "identity");
        assert!(rule["for"].is_string(), "{name}");
        assert!(alerts.contains(&format!("`{name}`")), "docs: {name}");
        assert!(names.insert(name), "{name} twice");
    }
}

fn alerts_can_be_switched_off_tuned_and_added() {
    let all = render(&json!({}));
    let some = render(&json!({"prometheusRule": {
        "interval": "1m",
        "window": "20m",
        "alerts": {
            "shadowMode": {"enabled": false},
            "overloaded": {"share": 0.25, "for": "1m", "severity": "info"},
        },
        "additionalRules": [{"record": "a:b", "expr": "vector(1)"}],
    }}));
    let (all, rules) = (rules(&all), rules(&some));
    assert_eq!(all.len(), rules.len());
    let find =
        |rules: &[Value], name: &str| rules.iter().find(|rule| rule["alert"] == name).cloned();
    assert!(find(all, "WatchwordShadowMode").is_some());
    assert!(find(rules, "WatchwordShadowMode").is_none());
    assert_eq!(
        rules.last().unwrap(),
        &json!({"record": "a:b", "expr": "vector(1)"})
    );
    let overloaded = find(rules, "WatchwordOverloaded").unwrap();
    assert_eq!(
        (&overloaded["for"], &overloaded["labels"]["severity"]),
        (&json!("1m"), &json!("info"))
    );
    let query = overloaded["expr"].as_str().unwrap();
    assert!(
        query.ends_with("> 0.25") && query.contains("[20m]") && !query.contains("[10m]"),
        "{query}"
    );
    assert_eq!(
        one(&some, "PrometheusRule")["spec"]["groups"][0]["interval"],
        "1m"
    );
}

/// Both monitors set the job to the objects' name, by which alerts find this release's series.
fn alerts_query_the_series_of_their_own_release() {
    let rendered = render(&json!({}));
    for (kind, endpoints) in [
        ("PodMonitor", "podMetricsEndpoints"),
        ("ServiceMonitor", "endpoints"),
    ] {
        let endpoint = &one(&rendered, kind)["spec"][endpoints][0];
        assert_eq!(
            endpoint["relabelings"][0],
            json!({"targetLabel": "job", "replacement": "rel-watchword"})
        );
    }
    let other = render(&json!({"prometheusRule": {"selector": "cluster=\"one\""}}));
    for (rendered, expected) in [
        (
            &rendered,
            &[("namespace", "auth"), ("job", "rel-watchword")][..],
        ),
        (&other, &[("cluster", "one")]),
    ] {
        for named in alert_queries(rendered) {
            for selector in promql::read(&named.query).unwrap().selectors {
                let matchers = selector
                    .matchers
                    .iter()
                    .map(|matcher| (&*matcher.name, &*matcher.value));
                let matchers: Vec<_> = matchers.take(expected.len()).collect();
                assert_eq!(matchers, expected, "{}", named.query);
            }
        }
    }
}

fn monitors_find_pods_and_port() {
    for mode in ["deployment", "daemonset"] {
        let rendered = render(
            &json!({"mode": mode, "podMonitor": {"namespace": "monitoring", "labels": {"a": "b"}}}),
        );
        let kind = if mode == "daemonset" {
            "DaemonSet"
        } else {
            "Deployment"
        };
        let pod = &one(&rendered, kind)["spec"]["template"];
        let monitor = one(&rendered, "PodMonitor");
        assert_eq!(monitor["metadata"]["namespace"], "monitoring");
        assert_eq!(monitor["metadata"]["labels"]["a"], "b");
        assert_eq!(
            monitor["spec"]["namespaceSelector"]["matchNames"],
            json!(["auth"])
        );
        assert!(selects(monitor, &pod["metadata"]["labels"]));
        let ports = &pod["spec"]["containers"][0]["ports"];
        assert!(has_port(
            ports,
            &monitor["spec"]["podMetricsEndpoints"][0]["port"]
        ));

        let monitor = one(&rendered, "ServiceMonitor");
        let services: Vec<_> = rendered
            .of_kind("Service")
            .filter(|service| selects(monitor, &service.value["metadata"]["labels"]))
            .collect();
        let [service] = services[..] else {
            panic!("it selects {} Services", services.len())
        };
        assert_eq!(service.name(), "rel-watchword-headless");
        assert!(has_port(
            &service.value["spec"]["ports"],
            &monitor["spec"]["endpoints"][0]["port"]
        ));
    }
}

fn limit_of_samples_is_a_whole_number() {
    let rendered = render(&json!({"podMonitor": {"sampleLimit": 1_000_000}}));
    let mut monitors = rendered.of_kind("PodMonitor");
    let text = &monitors.next().unwrap().text;
    assert!(text.contains("sampleLimit: 1000000\n"), "{text}");
}

fn pod_monitor_finds_injected_sidecars() {
    let injector = json!({"enabled": true, "namespaces": ["shop", "orders"]});
    let rendered = render(&json!({
        "mode": "none", "serviceMonitor": {"enabled": false}, "prometheusRule": {"enabled": false},
        "sidecar": {"admin": {"enabled": true}, "injector": injector},
    }));
    let spec = &one(&rendered, "PodMonitor")["spec"];
    let namespaces = &spec["namespaceSelector"]["matchNames"];
    assert_eq!(namespaces, &json!(["shop", "orders"]));
    let labels = json!({"watchword/inject": "enabled"});
    assert_eq!(spec["selector"]["matchLabels"], labels);
    let policy = one(&rendered, "MutatingAdmissionPolicy")["spec"].to_string();
    let port = spec["podMetricsEndpoints"][0]["port"].as_str().unwrap();
    assert!(
        policy.contains(&format!("name: \\\"{port}\\\"")),
        "{policy}"
    );
}

fn selects(monitor: &Value, labels: &Value) -> bool {
    let required = monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .unwrap();
    assert!(!required.is_empty());
    required
        .iter()
        .all(|(label, value)| labels[label] == *value)
}

fn has_port(ports: &Value, name: &Value) -> bool {
    name.is_string()
        && ports
            .as_array()
            .unwrap()
            .iter()
            .any(|port| port["name"] == *name)
}

fn grafana_can_show_the_dashboard() {
    let rendered = render(
        &json!({"grafanaDashboard": {"namespace": "grafana", "annotations": {"folder": "Auth"}}}),
    );
    let map = rendered.get("ConfigMap", "rel-watchword-dashboard");
    assert_eq!(map["metadata"]["namespace"], "grafana");
    assert_eq!(map["metadata"]["annotations"]["folder"], "Auth");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    assert!(map["data"]["watchword.json"].as_str().unwrap().len() < 100_000);
    let dashboard = dashboard(&rendered);
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(cells.insert((x, y)), "{title} lies over another");
            }
        }
        let row = panel["type"] == "row";
        assert!(
            row || panel["datasource"]["uid"] == "${datasource}",
            "{title}"
        );
        assert!(row || panel["description"].is_string(), "{title}");
    }
}

fn monitors_that_cannot_scrape_are_refused() {
    for (more, message) in [
        (
            json!({"headlessService": {"enabled": false}}),
            "serviceMonitor.enabled: needs headlessService.enabled",
        ),
        (
            json!({
                "mode": "none",
                "podMonitor": {"enabled": false},
                "prometheusRule": {"selector": "a=\"b\""},
            }),
            "serviceMonitor.enabled: with `mode: none`",
        ),
        (
            json!({
                "mode": "none",
                "serviceMonitor": {"enabled": false},
                "prometheusRule": {"selector": "a=\"b\""},
            }),
            "podMonitor.enabled: with `mode: none`",
        ),
        (
            json!({"prometheusRule": {"alerts": {"other": {"enabled": true}}}}),
            "other",
        ),
    ] {
        let refused = Chart::watchword().render(&values(&more));
        let problem = refused.expect_err(message);
        assert!(problem.contains(message), "{problem}");
    }
}

//! The part of NOTES.txt about Watchword itself. `integrations` has the tests of the part about
//! proxies.

use serde_json::{Value, json};

use crate::cases;

watchword_test_support::tests![
    notes_explain_reloads_where_pods_reload,
    notes_of_a_release_without_servers_mention_no_socket,
    notes_warn_of_open_rules_and_closed_metrics,
];

/// The warnings and notes that end NOTES.txt, each joined into one line.
pub(crate) fn remarks(notes: &str) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for line in notes.lines() {
        if line.starts_with("WARNING: ") || line.starts_with("NOTE: ") {
            remarks.push(line.to_owned());
        } else if let Some(remark) = remarks.last_mut() {
            remark.push(' ');
            remark.push_str(line.trim());
        }
    }
    remarks
}

fn notes(more: &Value) -> String {
    cases::rendered_with(more).notes
}

fn notes_explain_reloads_where_pods_reload() {
    let metric = "watchword_config_last_reload_successful";
    assert!(notes(&json!({})).contains(metric));
    assert!(notes(&json!({})).contains("configCheck.enabled"));
    assert!(!notes(&json!({"configCheck": {"enabled": true}})).contains("configCheck.enabled"));
    assert!(!notes(&json!({"reload": "rollout"})).contains(metric));
    let closed = notes(&json!({"admin": {"enabled": false}}));
    assert!(!closed.contains(metric) && !closed.contains("readyz") && !closed.contains("admin"));
}

fn notes_of_a_release_without_servers_mention_no_socket() {
    let dashboard = json!({"mode": "none", "grafanaDashboard": {"enabled": true}});
    let text = notes(&dashboard);
    for word in ["sock", "401", "cluster"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let sidecar = notes(&json!({"mode": "none", "sidecar": {"enabled": true}}));
    for word in ["grpc.sock", "401", "cluster", "reach sidecars only when"] {
        assert!(sidecar.contains(word), "{word}: {sidecar}");
    }
}

fn notes_warn_of_open_rules_and_closed_metrics() {
    let mut config = cases::config();
    config["rules"] = json!([{}, {"require": "none", "insecure_allow_all": true}]);
    let text = notes(&json!({"config": config}));
    assert!(text.contains("WARNING: config.rules[1].insecure_allow_all"));
    assert!(!text.contains("config.rules[0]"));
    let policy = |from: Value| {
        notes(&json!({
            "podMonitor": {"enabled": true}, "networkPolicy": {"enabled": true, "adminFrom": from},
        }))
    };
    let warning = "WARNING: networkPolicy.adminFrom";
    assert!(policy(json!([])).contains(warning));
    assert!(!policy(json!([{"podSelector": {}}])).contains(warning));
}

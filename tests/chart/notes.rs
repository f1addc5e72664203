//! What NOTES.txt says of Watchword itself. What it says of proxies is looked at in `integrations`.

use serde_json::{Value, json};

use crate::cases;

fn notes(more: &Value) -> String {
    let mut values = json!({"config": cases::config()});
    for (key, value) in more.as_object().unwrap() {
        values[key] = value.clone();
    }
    cases::rendered(&values).notes
}

#[test]
fn what_happens_to_a_change_is_said_where_pods_take_it_themselves() {
    let taken = "watchword_config_last_reload_successful";
    assert!(notes(&json!({})).contains(taken));
    assert!(notes(&json!({})).contains("configCheck.enabled"));
    assert!(!notes(&json!({"configCheck": {"enabled": true}})).contains("configCheck.enabled"));
    assert!(!notes(&json!({"reload": "rollout"})).contains(taken));
    let closed = notes(&json!({"admin": {"enabled": false}}));
    assert!(!closed.contains(taken) && !closed.contains("readyz") && !closed.contains("admin"));
}

#[test]
fn release_without_pods_and_sidecars_speaks_of_no_socket() {
    let dashboard = json!({"mode": "none", "grafanaDashboard": {"enabled": true}});
    let said = notes(&dashboard);
    for word in ["sock", "401", "cluster"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    let sidecar = notes(&json!({"mode": "none", "sidecar": {"enabled": true}}));
    for word in ["grpc.sock", "401", "cluster", "NOTE: sidecars"] {
        assert!(sidecar.contains(word), "{word}: {sidecar}");
    }
}

#[test]
fn open_rules_and_closed_metrics_are_warned_of() {
    let mut config = cases::config();
    config["rules"] = json!([{}, {"require": "none", "insecure_allow_all": true}]);
    let said = notes(&json!({"config": config}));
    assert!(said.contains("WARNING: config.rules[1].insecure_allow_all"));
    assert!(!said.contains("config.rules[0]"));
    let policy = |from: Value| {
        notes(&json!({
            "podMonitor": {"enabled": true}, "networkPolicy": {"enabled": true, "adminFrom": from},
        }))
    };
    let warning = "WARNING: networkPolicy.adminFrom";
    assert!(policy(json!([])).contains(warning));
    assert!(!policy(json!([{"podSelector": {}}])).contains(warning));
}

//! Regressions: outages that followed from the guide, seen in the objects on the API server after
//! `helm upgrade`.

use serde_json::{Value, json};

use crate::pods;
use crate::trial::Trial;

/// Regression: 5 pods became 1, until the autoscaler acted.
#[test]
fn number_of_pods_stays_when_autoscaling_is_switched_on() {
    for (name, server_side) in [("scale-server", true), ("scale-client", false)] {
        let Some(release) = Trial::new(name) else {
            return;
        };
        let apply = format!("--server-side={server_side}");
        let own = json!({"autoscaling": {"enabled": true, "minReplicas": 5}});
        let external = json!({"autoscaling": {"external": true}});
        let run = |values: &Value, more: &[&str]| {
            release
                .helm(values, &[&[&*apply], more].concat())
                .without_warning();
            release.replicas()
        };
        assert_eq!(run(&json!({"replicas": 5}), &[]), 5);
        assert_eq!(run(&own, &[]), 5, "{name}: switched on");
        release.scale(7);
        assert_eq!(run(&own, &[]), 7, "{name}: upgraded, after the autoscaler");
        release.scale(8);
        assert_eq!(run(&external, &[]), 8, "{name}: left to another autoscaler");
        // Back to a fixed number. Helm 4 takes the field from the autoscaler only with an option.
        let mut off = json!({"replicas": 3});
        let mut force = vec![];
        if server_side {
            let conflict = release.helm(&off, &[&apply]).refused();
            assert!(conflict.contains(".spec.replicas"), "{conflict}");
            force.push("--force-conflicts");
        }
        assert_eq!(run(&off, &force), 3, "{name}: switched off");
        off["replicas"] = json!(4);
        assert_eq!(run(&off, &[]), 4, "{name}: changed");
    }
}

/// Regression: the upgrade went through, and every labelled pod was refused from then on.
#[test]
fn mistake_in_values_for_pods_ends_the_upgrade_and_not_the_pods() {
    let Some(release) = Trial::new("mistakes") else {
        return;
    };
    let cluster = release.cluster;
    let values = |volume: Value| {
        json!({
            "mode": "none",
            "extraVolumes": [volume],
            "sidecar": {"injector": {"enabled": true}},
        })
    };
    let good = values(json!({"name": "more", "emptyDir": {"medium": "Memory"}}));
    release.helm(&good, &[]).without_warning();
    let pod = pods::with_proxy();
    pods::until_injected(cluster, &release.namespace, &pod);
    for (volume, reason) in [
        (
            json!({"name": "more", "emptyDirr": {"medium": "Memory"}}),
            "emptyDirr",
        ),
        (
            json!({"name": "more", "emptyDir": {"sizeLimit": "many"}}),
            "quantit",
        ),
        (
            json!({
                "name": "more",
                "csi": {"driver": "a.example", "volumeAttributes": {"namespace": true}},
            }),
            "volumeAttributes",
        ),
        (json!({"name": "Not a name", "emptyDir": {}}), "Not a name"),
        (
            json!({"name": "watchword-config", "emptyDir": {}}),
            "watchword-config",
        ),
    ] {
        let refusal = release.helm(&values(volume.clone()), &[]).refused();
        assert!(
            refusal.contains("injector-check") && refusal.contains(reason),
            "{volume}: {refusal}"
        );
        let made = release.namespace.try_out(cluster, &pod).succeeded().json();
        assert!(pods::sidecar(&made).is_some(), "{volume}: {made}");
    }
    release.helm(&good, &[]).without_warning();
    let left = release.kubectl(&["get", "podtemplates", "--output=name"]);
    assert_eq!(
        left.succeeded().stdout,
        "",
        "the check leaves nothing behind"
    );
}

//! Commands that the notes and the guide print, as a user runs them.

use serde_json::json;

use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::pods;
use crate::release::{CHART, ISSUER};

/// The answer to the command of the notes that has these words.
#[track_caller]
fn asked(cluster: &Cluster, notes: &str, words: &str) -> String {
    let mut lines = notes.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("kubectl ") && line.contains(words));
    let line = line.unwrap_or_else(|| panic!("no command with {words} in {notes}"));
    let command = line.trim_start_matches("kubectl ");
    // Quotes are around one argument, or behind its `=`.
    let mut arguments: Vec<String> = vec![String::new()];
    for (i, part) in command.split('\'').enumerate() {
        let mut words = if i % 2 == 0 {
            part.split(' ').collect()
        } else {
            vec![part]
        }
        .into_iter();
        let open = arguments.last_mut().unwrap();
        open.push_str(words.next().unwrap_or_default());
        arguments.extend(words.map(str::to_owned));
    }
    let arguments: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|a| !a.is_empty())
        .collect();
    cluster.kubectl(&arguments).succeeded().stdout
}

fn set_status(cluster: &Cluster, object: &str, namespace: &str, status: &serde_json::Value) {
    let patch = format!("--patch={}", json!({"status": status}));
    let namespace = format!("--namespace={namespace}");
    let patch = [
        "patch",
        object,
        &namespace,
        "--subresource=status",
        "--type=merge",
        &patch,
    ];
    cluster.kubectl(&patch).succeeded();
}

/// Regression: columns of `kubectl get` that are not there.
#[test]
fn products_say_by_the_printed_commands_that_they_took_the_objects() {
    let Some(cluster) = Cluster::with_products() else {
        return;
    };
    Namespace::new(cluster, "printed");
    let gateway = r#"{"enabled":true,"policies":[{"name":"orders","targetRefs":[{"kind":"HTTPRoute","name":"orders"}]}]}"#;
    let gateway = format!("--set-json=integrations.envoyGateway={gateway}");
    let contour = r#"--set-json=integrations.contour={"enabled":true,"protocol":"h2c"}"#;
    let install = [
        "install",
        "orders",
        CHART,
        "--namespace=printed",
        ISSUER,
        &gateway,
        contour,
    ];
    let notes = cluster.helm(&install).without_warning().stdout;

    let at = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| {
        json!({
            "type": kind,
            "status": "True",
            "reason": "Tested",
            "message": "",
            "lastTransitionTime": at,
        })
    };
    let accepted = json!({"ancestors": [{
        "ancestorRef": {"name": "edge"},
        "controllerName": "example.com/gateway",
        "conditions": [condition("Accepted")],
    }]});
    assert_eq!(asked(cluster, &notes, "get securitypolicy orders"), "");
    set_status(cluster, "securitypolicy/orders", "printed", &accepted);
    assert_eq!(asked(cluster, &notes, "get securitypolicy orders"), "True");

    let valid = json!({"conditions": [condition("Valid")]});
    assert_eq!(asked(cluster, &notes, "get extensionservice"), "");
    set_status(
        cluster,
        "extensionservice/orders-watchword",
        "printed",
        &valid,
    );
    assert_eq!(asked(cluster, &notes, "get extensionservice"), "True");
}

#[test]
fn pods_without_the_sidecar_are_shown_by_the_printed_command() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "shown");
    let make = |name: &str| {
        let mut pod = pods::with_proxy();
        pod["metadata"]["name"] = json!(name);
        let create = ["create", "--filename=-", "--namespace=shown"];
        cluster.kubectl_with(pod.to_string(), &create).succeeded();
    };
    make("older");
    let injector = "--set=mode=none,sidecar.injector.enabled=true,image.tag=v9";
    let install = [
        "install",
        "orders",
        CHART,
        "--namespace=shown",
        ISSUER,
        injector,
    ];
    let notes = cluster.helm(&install).without_warning().stdout;
    pods::until_injected(cluster, &namespace, &pods::with_proxy());
    make("newer");
    let shown = asked(cluster, &notes, "get pods -l");
    let rows: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [
            vec!["POD", "SIDECAR"],
            vec!["newer", "watchword:v9"],
            vec!["older", "<none>"]
        ]
    );
}

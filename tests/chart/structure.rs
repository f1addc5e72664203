//! Objects that others name exist: pods of selectors, ports, volumes, and other objects.

use serde_json::{Value, json};
use watchword_test_support::helm::{Document, Rendered};

use crate::cases;
use crate::pods::{self, Pod, items};

watchword_test_support::tests![
    selectors_match_the_workload_and_no_other_pod,
    ports_that_services_probes_and_policies_name_are_open,
    probes_ask_the_health_port_or_the_command,
    every_mount_has_its_volume_and_every_volume_a_mount,
    every_object_that_a_pod_names_is_rendered,
    scaling_and_disruption_are_of_the_deployment,
    replicas_are_set_only_without_autoscaling,
];

fn pods_of(name: &str, rendered: &Rendered) -> Vec<Pod> {
    pods::of(name, rendered)
}

fn means(selector: &Value, labels: &Value) -> bool {
    let mut wanted = selector.as_object().expect("a selector").iter();
    wanted.all(|(key, value)| &labels[key] == value)
}

/// The labels by which an object picks Watchword's pods.
fn selector(document: &Document) -> Option<&Value> {
    let spec = &document.value["spec"];
    Some(match document.kind() {
        "Service" => &spec["selector"],
        "Deployment" | "DaemonSet" | "PodDisruptionBudget" | "PodMonitor" => {
            &spec["selector"]["matchLabels"]
        }
        "NetworkPolicy" => &spec["podSelector"]["matchLabels"],
        "CiliumNetworkPolicy" => &spec["endpointSelector"]["matchLabels"],
        _ => return None,
    })
}

fn selectors_match_the_workload_and_no_other_pod() {
    let mut seen = 0;
    for (name, rendered) in cases::all() {
        let pods = pods_of(name, rendered);
        for document in &rendered.documents {
            let Some(selector) = selector(document) else {
                continue;
            };
            let title = format!("{name}: {}", document.title());
            for pod in &pods {
                // A sidecar is an init container.
                let mut containers = pods::items(&pod.spec["containers"]);
                let is_workload = containers.any(|container| container["name"] == "watchword");
                assert_eq!(
                    means(selector, &pod.labels),
                    is_workload,
                    "{title}: {}",
                    pod.title
                );
            }
            assert!(
                !means(selector, &json!({"app.kubernetes.io/name": "watchword"})),
                "{title}"
            );
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

fn ports_that_services_probes_and_policies_name_are_open() {
    for (name, rendered) in cases::all() {
        let pods = pods_of(name, rendered);
        let workload = pods.iter().find(|pod| pod.watchword().is_some());
        for document in &rendered.documents {
            let spec = &document.value["spec"];
            let ports: Vec<&Value> = match document.kind() {
                "Service" => items(&spec["ports"])
                    .map(|port| &port["targetPort"])
                    .collect(),
                "NetworkPolicy" => items(&spec["ingress"])
                    .flat_map(|rule| items(&rule["ports"]))
                    .map(|port| &port["port"])
                    .collect(),
                "PodMonitor" => items(&spec["podMetricsEndpoints"])
                    .map(|end| &end["port"])
                    .collect(),
                _ => continue,
            };
            assert!(!ports.is_empty(), "{name}: {}", document.title());
            for port in ports {
                assert!(
                    workload.is_some_and(|pod| pod.has_port(port)),
                    "{name}: {}: {port}",
                    document.title()
                );
            }
        }
        for document in rendered.of_kind("ServiceMonitor") {
            let labels = &document.value["spec"]["selector"]["matchLabels"];
            let mut services = rendered
                .of_kind("Service")
                .filter(|service| means(labels, &service.value["metadata"]["labels"]));
            let service = services.next().expect("the monitored Service");
            assert!(
                services.next().is_none(),
                "{name}: two Services are scraped"
            );
            for end in items(&document.value["spec"]["endpoints"]) {
                assert!(
                    items(&service.value["spec"]["ports"]).any(|port| port["name"] == end["port"]),
                    "{name}"
                );
            }
        }
    }
}

fn probes_ask_the_health_port_or_the_command() {
    for pod in pods::all() {
        let Some(container) = pod.watchword() else {
            continue;
        };
        for (probe, service) in [
            ("startupProbe", "live"),
            ("readinessProbe", ""),
            ("livenessProbe", "live"),
        ] {
            let probe = &container[probe];
            if probe.is_null() {
                assert!(pod.title.starts_with("pod:"), "{}", pod.title);
            } else if probe["exec"].is_null() {
                assert!(pod.has_port(&probe["grpc"]["port"]), "{}", pod.title);
                assert_eq!(probe["grpc"]["service"], service, "{}", pod.title);
            } else {
                let command: Vec<&str> = items(&probe["exec"]["command"])
                    .filter_map(Value::as_str)
                    .collect();
                assert_eq!(command[..2], ["/watchword", "health"], "{}", pod.title);
                assert_eq!(
                    command[3..].join(" ").contains("live"),
                    service == "live",
                    "{}",
                    pod.title
                );
            }
        }
    }
}

fn every_mount_has_its_volume_and_every_volume_a_mount() {
    for pod in pods::all() {
        let mut mounted: Vec<&Value> = pod
            .containers()
            .flat_map(|container| items(&container["volumeMounts"]))
            .map(|mount| &mount["name"])
            .collect();
        mounted.sort_by_key(ToString::to_string);
        mounted.dedup();
        let mut volumes: Vec<&Value> = items(&pod.spec["volumes"])
            .map(|volume| &volume["name"])
            .collect();
        let count = volumes.len();
        volumes.sort_by_key(ToString::to_string);
        volumes.dedup();
        assert_eq!(
            volumes.len(),
            count,
            "{}: two volumes of one name",
            pod.title
        );
        assert_eq!(mounted, volumes, "{}", pod.title);
        for container in pod.containers() {
            let paths: Vec<String> = items(&container["volumeMounts"])
                .map(|mount| mount["mountPath"].to_string())
                .collect();
            let mut once = paths.clone();
            once.sort();
            once.dedup();
            assert_eq!(
                once.len(),
                paths.len(),
                "{}: two mounts at one place",
                pod.title
            );
            assert!(
                items(&container["volumeMounts"]).all(|mount| mount["subPath"].is_null()),
                "{}",
                pod.title
            );
        }
    }
}

fn every_object_that_a_pod_names_is_rendered() {
    for (name, rendered) in cases::all() {
        for pod in pods_of(name, rendered) {
            for volume in items(&pod.spec["volumes"]) {
                assert_owned(
                    rendered,
                    "ConfigMap",
                    &volume["configMap"]["name"],
                    &pod.title,
                );
                let secret = &volume["secret"]["secretName"];
                let is_issued = rendered
                    .of_kind("Certificate")
                    .any(|made| made.value["spec"]["secretName"] == *secret);
                if !is_issued {
                    assert_owned(rendered, "Secret", secret, &pod.title);
                }
            }
            assert_owned(
                rendered,
                "ServiceAccount",
                &pod.spec["serviceAccountName"],
                &pod.title,
            );
        }
    }
}

/// Names that begin as the chart's own do are the chart's.
fn assert_owned(rendered: &Rendered, kind: &str, name: &Value, title: &str) {
    let Some(name) = name.as_str() else { return };
    if name.starts_with("rel-watchword") || name.starts_with("authz-tls") {
        assert!(
            rendered.find(kind, name).is_some(),
            "{title}: no {kind} {name}"
        );
    }
}

fn scaling_and_disruption_are_of_the_deployment() {
    let rendered = cases::named("autoscaling");
    let deployment = rendered.get("Deployment", "authz");
    assert!(
        deployment["spec"]["replicas"].is_null(),
        "the autoscaler's number would be undone"
    );
    let scaler = rendered.get("HorizontalPodAutoscaler", "authz");
    assert_eq!(
        scaler["spec"]["scaleTargetRef"],
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "authz"})
    );
    let container = &scaler["spec"]["metrics"][0]["containerResource"]["container"];
    assert_eq!(
        container,
        &deployment["spec"]["template"]["spec"]["containers"][0]["name"]
    );
    assert_eq!(
        rendered.get("PodDisruptionBudget", "authz")["spec"]["minAvailable"],
        "50%"
    );
    // A budget of the only pod would keep its node from being emptied.
    assert_eq!(
        cases::named("existing-secret-config")
            .of_kind("PodDisruptionBudget")
            .count(),
        0
    );
}

fn replicas_are_set_only_without_autoscaling() {
    let replicas = |name: &str| {
        cases::named(name).get("Deployment", "rel-watchword")["spec"]["replicas"].clone()
    };
    assert_eq!(replicas("deployment"), 2);
    assert_eq!(replicas("existing-secret-config"), 1);
}

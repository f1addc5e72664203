//! Clusters and pods that the policy is not for, and words that CEL keeps for itself.

use serde_json::{Value, json};
use watchword_test_support::helm::{Chart, Release};

use super::{expressions, policy, render_for, rendered, values};
use crate::notes::remarks;

watchword_test_support::tests![
    cluster_that_does_not_know_policies_is_refused,
    pod_that_has_a_container_of_the_name_is_left_to_the_policy_that_refuses_it,
    names_that_cel_would_read_otherwise_are_not_fields,
    notes_warn_of_a_secret_that_authors_of_pods_can_read,
    notes_name_the_containers_that_mount_the_socket,
];

fn cluster_that_does_not_know_policies_is_refused() {
    let on = |kubernetes| {
        let release = Release {
            kubernetes,
            ..Release::default()
        };
        render_for(release, &json!({}))
    };
    let problem = on("1.31").unwrap_err();
    assert!(
        problem.contains("sidecar.injector.enabled: Kubernetes v1.31"),
        "{problem}"
    );
    for (kubernetes, version) in [("1.32", "v1alpha1"), ("1.35", "v1beta1")] {
        let notes = on(kubernetes).unwrap().notes;
        assert!(
            notes.contains(&format!(
                "WARNING: MutatingAdmissionPolicy is {version} here"
            )),
            "{notes}"
        );
    }
    assert!(
        !on("1.36")
            .unwrap()
            .notes
            .contains("MutatingAdmissionPolicy")
    );
}

fn pod_that_has_a_container_of_the_name_is_left_to_the_policy_that_refuses_it() {
    let rendered = rendered(&json!({}));
    let conditions = policy(&rendered)["matchConditions"].as_array().unwrap();
    let free = conditions
        .iter()
        .find(|condition| condition["name"] == "name-is-free-or-ours");
    let expression = free.unwrap()["expression"].as_str().unwrap();
    for free in [
        "!object.spec.containers.exists(c, c.name == \"watchword\")",
        "object.spec.?initContainers.orValue([]).all(c, c.name != \"watchword\"",
    ] {
        assert!(expression.contains(free), "{expression}");
    }
}

fn names_that_cel_would_read_otherwise_are_not_fields() {
    let mut of = values(&json!({}));
    let attributes = |names: &[&str]| {
        let pairs: serde_json::Map<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!("x")))
            .collect();
        json!([{"name": "a", "csi": {"driver": "b", "volumeAttributes": pairs}}])
    };
    let mut text = |names: &[&str]| {
        of["extraVolumes"] = attributes(names);
        expressions(policy(&Chart::watchword().render(&of).unwrap()))
    };
    for name in [
        "namespace",
        "in",
        "as",
        "package",
        "while",
        "a__dot__b",
        "a-b",
    ] {
        let text = text(&["plain", name]);
        for name in ["plain", name] {
            assert!(text.contains(&format!("\"{name}\": dyn(\"x\")")), "{text}");
        }
    }
    let text = text(&["plain", "inner"]);
    assert!(
        text.contains("Object.spec.volumes.csi.volumeAttributes{"),
        "{text}"
    );
    assert!(text.contains("inner: \"x\""), "{text}");
}

fn notes_warn_of_a_secret_that_authors_of_pods_can_read() {
    let mut of = values(&json!({"namespaces": ["shop"]}));
    let warning =
        "config.issuers.corp.secret_file is shared. Everybody who can create pods in shop";
    let warned = |of: &Value| {
        let notes = Chart::watchword().render(of).unwrap().notes;
        remarks(&notes)
            .iter()
            .any(|remark| remark.contains(warning))
    };
    assert!(!warned(&of));
    of["config"]["issuers"]["corp"] =
        json!({"issuer": "a", "audiences": ["b"], "secret_file": "/etc/watchword/secrets/a/b"});
    of["secretFiles"] = json!([{"secret": "a"}]);
    assert!(warned(&of));
}

fn notes_name_the_containers_that_mount_the_socket() {
    let printed = "containers mount the socket: proxy";
    let mut of = values(&json!({"socketContainers": ["proxy"]}));
    assert!(
        Chart::watchword()
            .render(&of)
            .unwrap()
            .notes
            .contains(printed)
    );
    of["sidecar"]["listen"] = json!("loopback");
    assert!(
        !Chart::watchword()
            .render(&of)
            .unwrap()
            .notes
            .contains(printed)
    );
}

//! Another policy that adds a proxy to pods, before or after the injector: the proxy gets the
//! socket, and nothing is added twice.

use serde_json::{Value, json};

use super::install::Injector;
use super::kinds::example;
use crate::pods;
use crate::wait;

/// The label of pods that get a proxy. Its value is the policy's name.
const LABEL: &str = "test/proxy";

#[test]
fn proxy_that_another_policy_adds_gets_the_socket() {
    let Some(injector) = example() else {
        return;
    };
    // The API server asks policies in the order of their names; the injector's begins with `i`.
    for (name, again) in [
        ("a-if-needed", "IfNeeded"),
        ("a-never", "Never"),
        ("z-if-needed", "IfNeeded"),
        ("z-never", "Never"),
    ] {
        create_policy(injector, name, again);
        wait_until_in_force(injector, name);
        let expected = with_label(
            pods::labelled(json!({"containers": containers(&["app", "envoy"])})),
            name,
        );
        let alone = with_label(pods::labelled(json!({})), name);
        let added = injector.adds_sidecar_to(&alone, &expected, &["watchword"], &["envoy"]);
        added.unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

fn create_policy(injector: &Injector, name: &str, again: &str) {
    let name = format!("{name}.test");
    let proxy = "Object.spec.containers{name: \"envoy\", image: \"registry.example/envoy:1\", \
        securityContext: Object.spec.containers.securityContext{\
        allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65532, \
        capabilities: Object.spec.containers.securityContext.capabilities{drop: [\"ALL\"]}, \
        seccompProfile: Object.spec.containers.securityContext.seccompProfile{\
        type: \"RuntimeDefault\"}}}";
    let patch = format!(
        "object.spec.containers.exists(c, c.name == \"envoy\") ? [] : \
         [JSONPatch{{op: \"add\", path: \"/spec/containers/-\", value: {proxy}}}]"
    );
    let label = name.trim_end_matches(".test");
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "reinvocationPolicy": again,
                "matchConstraints": {
                    "objectSelector": {"matchLabels": {LABEL: label}},
                    "resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"],
                        "operations": ["CREATE"], "resources": ["pods"],
                    }],
                },
                "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    ]});
    let create = ["create", "--filename=-"];
    let answer = injector.cluster.kubectl_with(objects.to_string(), &create);
    answer.without_warning();
}

fn wait_until_in_force(injector: &Injector, name: &str) {
    let alone = with_label(pods::labelled(json!({})), name);
    wait::until(
        "the policy in force",
        || {
            injector
                .try_out(&injector.elsewhere, &alone)
                .succeeded()
                .json()
        },
        |made| made["spec"]["containers"][1]["name"] == "envoy",
    );
}

fn with_label(mut pod: Value, name: &str) -> Value {
    pod["metadata"]["labels"][LABEL] = json!(name);
    pod
}

fn containers(names: &[&str]) -> Value {
    names.iter().map(|name| pods::container(name)).collect()
}

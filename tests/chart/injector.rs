//! The policy that adds the sidecar to pods. These tests read the data in its CEL. Only an API
//! server can run it.

use serde_json::{Value, json};
use watchword_test_support::helm::{Chart, Release, Rendered};

use crate::cases;

watchword_test_support::tests![
    added_container_is_that_of_the_named_template,
    version_of_the_api_fits_the_cluster_or_the_values,
    binding_names_its_policy_and_no_two_releases_share_one,
    each_namespace_of_the_injector_has_the_configuration_and_no_other_is_looked_at,
    pods_without_the_label_are_not_looked_at,
    socket_is_mounted_in_the_named_containers_and_only_with_listen_unix,
    pods_whose_own_volumes_or_containers_take_the_sidecars_names_are_refused,
    pod_without_the_sidecar_is_refused_unless_it_may_start_without,
    injector_is_rendered_only_where_it_is_enabled,
];

pub(crate) mod limits;

fn values(injector: &Value) -> Value {
    let mut injector = injector.clone();
    injector["enabled"] = json!(true);
    let jwks = json!({"uri": "https://idp.example.com/keys?a=<b>&c=\"d\""});
    json!({
        "mode": "none",
        "config": {
            "issuers": {
                "corp": {"issuer": "https://idp.example.com", "audiences": ["a"], "jwks": jwks},
            },
        },
        "extraEnv": [{"name": "QUOTED", "value": "a \"b\" <c> & 'd' \\ $e\nf"}],
        "sidecar": {
            "injector": injector,
            "resources": {"limits": {"memory": "128Mi", "example.com/thing": 1}},
        },
    })
}

fn rendered(injector: &Value) -> Rendered {
    render_for(Release::default(), injector).unwrap()
}

fn render_for(release: Release<'_>, injector: &Value) -> Result<Rendered, String> {
    Chart::watchword().render_for(release, &values(injector))
}

fn policy(rendered: &Rendered) -> &Value {
    &one(rendered, "MutatingAdmissionPolicy")["spec"]
}

fn one<'a>(rendered: &'a Rendered, kind: &str) -> &'a Value {
    let mut found = rendered.of_kind(kind);
    let (Some(first), None) = (found.next(), found.next()) else {
        panic!("not one {kind} among {:?}", rendered.titles());
    };
    &first.value
}

/// The one patch: for pods that ask to listen otherwise, and for all others.
fn patches(policy: &Value) -> (String, String) {
    let mutations = policy["mutations"].as_array().unwrap();
    assert_eq!(mutations.len(), 1, "all of it or nothing: {mutations:?}");
    let patch = mutations[0]["jsonPatch"]["expression"].as_str().unwrap();
    let (other, default) = patch.split_once("\n) : (\n").unwrap();
    (other.to_owned(), default.to_owned())
}

/// That of pods which ask for nothing.
fn expressions(policy: &Value) -> String {
    patches(policy).1
}

/// The first value of this type in the text, as JSON.
fn value_of(text: &str, kind: &str) -> Value {
    let from = text.find(&format!("{kind}{{")).expect("such a value");
    let mut json = String::new();
    for line in text[from..].lines() {
        let (indent, line) = line.split_at(line.len() - line.trim_start().len());
        let is_word =
            |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric()) && !word.is_empty();
        match line.split_once(": ") {
            Some((name, rest)) if is_word(name) => {
                json.extend([indent, "\"", name, "\": ", &untyped(rest), "\n"]);
            }
            _ => json.extend([indent, &untyped(line), "\n"]),
        }
    }
    let mut values = serde_json::Deserializer::from_str(&json).into_iter::<Value>();
    values.next().unwrap().unwrap()
}

/// The line without types: `Object.spec.volumes{` is `{`, and `dyn(1)` is `1`.
fn untyped(line: &str) -> String {
    if let Some((before, after)) = line.split_once("dyn(") {
        let (value, after) = after.rsplit_once(')').expect("the other parenthesis");
        return format!("{before}{value}{after}");
    }
    let mut words = line.split("Object.");
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        text.push_str(&word[word.find('{').expect("an object")..]);
    }
    text
}

fn added_container_is_that_of_the_named_template() {
    let example = cases::sidecar_example();
    let release = Release {
        name: "orders",
        ..Release::default()
    };
    let mut below = values(&json!({}));
    below["config"]["issuers"]["corp"]["jwks"]["discovery"] = Value::Null;
    below["image"]["repository"] = json!("watchword");
    let parent = example.render_for(release, &json!({"watchword": below}));
    let parent = parent.unwrap();
    let pod = &parent.get("Deployment", "orders")["spec"]["template"]["spec"];
    let rendered = render_for(release, &json!({})).unwrap();
    let text = expressions(policy(&rendered));
    assert_eq!(
        value_of(&text, "Object.spec.initContainers"),
        pod["initContainers"][0]
    );
    let volumes = pod["volumes"].as_array().unwrap();
    for volume in volumes.iter().filter(|volume| volume["name"] != "envoy") {
        let name = volume["name"].as_str().unwrap();
        assert!(text.contains(&format!("name: \"{name}\"")), "{volume}");
    }
    assert_eq!(
        value_of(&text, "Object.spec.containers.volumeMounts"),
        pod["containers"][1]["volumeMounts"][1]
    );
}

fn version_of_the_api_fits_the_cluster_or_the_values() {
    for (kubernetes, version) in [
        ("1.32", "v1alpha1"),
        ("1.34", "v1beta1"),
        ("1.35", "v1beta1"),
        ("1.36", "v1"),
    ] {
        let release = Release {
            kubernetes,
            ..Release::default()
        };
        for (asked, version) in [("", version), ("v1beta1", "v1beta1")] {
            let rendered = render_for(release, &json!({"apiVersion": asked})).unwrap();
            for kind in ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"] {
                let expected = format!("admissionregistration.k8s.io/{version}");
                assert_eq!(one(&rendered, kind)["apiVersion"], expected, "{kubernetes}");
            }
        }
    }
}

fn binding_names_its_policy_and_no_two_releases_share_one() {
    let name = |release, namespace| {
        let release = Release {
            name: release,
            namespace,
            ..Release::default()
        };
        let rendered = render_for(release, &json!({})).unwrap();
        let policy = one(&rendered, "MutatingAdmissionPolicy");
        let binding = one(&rendered, "MutatingAdmissionPolicyBinding");
        assert_eq!(policy["metadata"]["name"], binding["spec"]["policyName"]);
        assert!(policy["metadata"]["namespace"].is_null(), "{policy}");
        policy["metadata"]["name"].clone()
    };
    assert_ne!(name("a", "b"), name("a", "c"));
    assert_ne!(name("a", "b"), name("c", "b"));
}

fn each_namespace_of_the_injector_has_the_configuration_and_no_other_is_looked_at() {
    for (namespaces, expected) in [
        (json!([]), json!(["auth"])),
        (json!(["apps", "shop", "apps"]), json!(["apps", "shop"])),
    ] {
        let rendered = rendered(&json!({"namespaces": namespaces}));
        let selector = &policy(&rendered)["matchConstraints"]["namespaceSelector"];
        let expression =
            json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": expected});
        assert_eq!(*selector, json!({"matchExpressions": [expression]}));
        let maps = rendered.of_kind("ConfigMap");
        let places: Vec<_> = maps
            .map(|map| map.value["metadata"]["namespace"].clone())
            .collect();
        assert_eq!(json!(places), expected);
    }
}

fn pods_without_the_label_are_not_looked_at() {
    for (given, expected) in [
        (json!({}), json!({"watchword/inject": "enabled"})),
        (
            json!({"podLabels": null}),
            json!({"watchword/inject": "enabled"}),
        ),
        (json!({"podLabels": {"a": "b"}}), json!({"a": "b"})),
    ] {
        let rendered = rendered(&given);
        let selector = &policy(&rendered)["matchConstraints"]["objectSelector"];
        assert_eq!(*selector, json!({"matchLabels": expected}), "{given}");
    }
}

fn socket_is_mounted_in_the_named_containers_and_only_with_listen_unix() {
    let with = rendered(&json!({"socketContainers": ["proxy"]}));
    assert!(expressions(policy(&with)).contains("c.name in [\"proxy\"]"));
    let mut loopback = values(&json!({}));
    loopback["sidecar"]["listen"] = json!("loopback");
    let loopback = Chart::watchword().render(&loopback).unwrap();
    let (asked, default) = patches(policy(&loopback));
    assert!(!default.contains("watchword-socket"));
    assert!(asked.contains("watchword-socket"));
}

/// Every volume that the sidecar gets is guarded, by its source.
fn pods_whose_own_volumes_or_containers_take_the_sidecars_names_are_refused() {
    let mut of = values(&json!({}));
    of["secretFiles"] = json!([{"secret": "idp"}]);
    of["extraVolumes"] = json!([{"name": "ca", "hostPath": {"path": "/etc/ca"}}]);
    let rendered = Chart::watchword().render(&of).unwrap();
    let refused = one(&rendered, "ValidatingAdmissionPolicy");
    assert_eq!(
        refused["spec"]["matchConstraints"],
        policy(&rendered)["matchConstraints"]
    );
    let text = refused["spec"]["validations"].to_string();
    let added = expressions(policy(&rendered));
    for (volume, source) in [
        (
            "watchword-config",
            "(v.?configMap.?name.orValue(\\\"\\\") in [\\\"rel-watchword-sidecar",
        ),
        ("watchword-socket", "has(v.emptyDir)"),
        ("ca", "has(v.hostPath)"),
    ] {
        assert!(added.contains(&format!("name: \"{volume}\"")), "{added}");
        let guard = format!("v.name != \\\"{volume}\\\" || {source}");
        assert!(text.contains(&guard), "{guard} of {text}");
    }
    let volumes = added.matches("Object.spec.volumes{").count();
    assert_eq!(text.matches("all(v,").count(), volumes, "{text}");
    assert!(
        text.contains("c.name in [\\\"istio-proxy\\\",\\\"envoy\\\"]"),
        "{text}"
    );
    let binding = one(&rendered, "ValidatingAdmissionPolicyBinding");
    assert_eq!(binding["spec"]["policyName"], refused["metadata"]["name"]);
    assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
    of["sidecar"]["injector"]["refuseOthers"] = json!(false);
    let rendered = Chart::watchword().render(&of).unwrap();
    let lax = one(&rendered, "ValidatingAdmissionPolicy")["spec"]["validations"].to_string();
    assert!(
        !lax.contains("all(v, ") && !lax.contains("readOnly"),
        "{lax}"
    );
}

fn pod_without_the_sidecar_is_refused_unless_it_may_start_without() {
    for (given, expected) in [
        (json!({}), true),
        (json!({"failurePolicy": "Ignore"}), false),
        (
            json!({"failurePolicy": "Ignore", "requireSidecar": true}),
            true,
        ),
        (json!({"requireSidecar": false}), false),
    ] {
        let rendered = rendered(&given);
        let spec = &one(&rendered, "ValidatingAdmissionPolicy")["spec"];
        let required = "object.spec.?initContainers.orValue([]).exists(c, c.name == \"watchword\")";
        let mut rules = spec["validations"].as_array().unwrap().iter();
        let found = rules.any(|rule| rule["expression"] == required);
        assert_eq!(found, expected, "{given}");
    }
}

fn injector_is_rendered_only_where_it_is_enabled() {
    let rendered = Chart::watchword().render(&json!({
        "mode": "none", "sidecar": {"enabled": true}, "config": values(&json!({}))["config"],
    }));
    let rendered = rendered.unwrap();
    let expected = ["ConfigMap rel-watchword-sidecar", "Pod rel-watchword-test"];
    assert_eq!(rendered.titles(), expected);
}

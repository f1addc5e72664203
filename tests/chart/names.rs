//! Names and labels. Texts that YAML would read as another type stay texts, selectors match only
//! pods of one release, and values cannot change the labels of selectors.

use serde_json::{Value, json};
use watchword_test_support::helm::{Chart, Release, Rendered};

use crate::cases;
use crate::pods;

watchword_test_support::tests![
    names_that_look_like_numbers_and_truths_stay_texts,
    releases_of_one_name_in_one_namespace_do_not_select_each_other,
    labels_of_all_objects_do_not_replace_those_that_selectors_look_for,
    names_that_no_service_can_have_are_refused,
];

/// The selector of the Deployment's pods, and their labels.
fn deployment(rendered: &Rendered) -> (Value, Value) {
    let deployment = rendered.of_kind("Deployment").next().expect("a Deployment");
    let spec = &deployment.value["spec"];
    let labels = spec["template"]["metadata"]["labels"].clone();
    (spec["selector"]["matchLabels"].clone(), labels)
}

fn names_that_look_like_numbers_and_truths_stay_texts() {
    let release = Release {
        name: "123",
        namespace: "1234",
        ..Release::default()
    };
    for (example, mut values) in cases::files() {
        values["fullnameOverride"] = json!("no");
        values["nameOverride"] = json!("1e3");
        let rendered = Chart::watchword().render_for(release, &values).unwrap();
        let ours = rendered.documents.iter();
        let ours = ours.filter(|document| !document.template.ends_with("extra-objects.yaml"));
        for document in ours {
            let title = format!("{example}: {}", document.title());
            let metadata = &document.value["metadata"];
            assert!(metadata["name"].is_string(), "{title}");
            let namespace = &metadata["namespace"];
            assert!(namespace.is_string() || namespace.is_null(), "{title}");
            let labels = metadata["labels"].as_object().into_iter().flatten();
            for (key, value) in labels {
                assert!(value.is_string(), "{title}: {key}");
            }
            for name in ["scaleTargetRef", "selector", "secretName", "dnsNames"] {
                let text = document.value["spec"][name].to_string();
                assert!(
                    !text.contains("false") && !text.contains(":1"),
                    "{title}: {text}"
                );
            }
        }
        for pod in pods::of(&example, &rendered) {
            let spec = pod.spec.to_string();
            assert!(!spec.contains("\"name\":false"), "{example}: {spec}");
            assert!(!spec.contains("\"serviceAccountName\":false"), "{example}");
        }
    }
}

fn releases_of_one_name_in_one_namespace_do_not_select_each_other() {
    let of = |name: &str| {
        let values = json!({
            "namespaceOverride": "shared", "fullnameOverride": name, "config": cases::config(),
        });
        deployment(&cases::rendered(&values))
    };
    let means = |selector: &Value, labels: &Value| {
        let mut wanted = selector.as_object().unwrap().iter();
        wanted.all(|(key, value)| &labels[key] == value)
    };
    let ((one, mine), (_, other)) = (of("a"), of("b"));
    assert!(means(&one, &mine));
    assert!(!means(&one, &other), "{one} {other}");
}

fn labels_of_all_objects_do_not_replace_those_that_selectors_look_for() {
    let wrong = json!({
        "app.kubernetes.io/name": "a",
        "app.kubernetes.io/component": "b",
        "watchword/name": "c",
        "team": "d",
    });
    let values = json!({
        "config": cases::config(), "commonLabels": wrong, "podLabels": wrong,
        "service": {"labels": wrong},
        "headlessService": {"labels": wrong},
        "serviceMonitor": {"enabled": true},
    });
    let rendered = cases::rendered(&values);
    let (selector, labels) = deployment(&rendered);
    for (key, value) in selector.as_object().unwrap() {
        assert_eq!(&labels[key], value, "{key}");
    }
    assert_eq!(labels["team"], "d");
    let monitor = rendered.get("ServiceMonitor", "rel-watchword");
    let service = &rendered.get("Service", "rel-watchword-headless")["metadata"]["labels"];
    let wanted = monitor["spec"]["selector"]["matchLabels"].as_object();
    for (key, value) in wanted.unwrap() {
        assert_eq!(&service[key], value, "{key}");
    }
}

fn names_that_no_service_can_have_are_refused() {
    let problem = |release: Release<'_>, mut values: Value| {
        values["config"] = cases::config();
        Chart::watchword().render_for(release, &values).err()
    };
    for name in ["my.release", "123"] {
        let release = Release {
            name,
            ..Release::default()
        };
        let found = problem(release, json!({})).expect(name);
        assert!(found.contains("fullnameOverride:"), "{found}");
        assert_eq!(problem(release, json!({"fullnameOverride": "a"})), None);
    }
    let found = problem(Release::default(), json!({"fullnameOverride": "Foo_Bar"}));
    assert!(found.unwrap().contains("fullnameOverride:"));
}

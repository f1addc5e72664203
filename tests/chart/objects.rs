//! Kubernetes' own schemas accept all objects, strictly, at both ends of the supported versions and
//! between.

use std::collections::BTreeSet;

use serde_json::Value;
use watchword_test_support::helm::{self, Chart, NEWEST, OLDEST, Release};

use crate::cases;

watchword_test_support::tests![
    every_object_is_one_of_the_oldest_kubernetes,
    every_object_is_one_of_kubernetes_1_34,
    every_object_is_one_of_the_newest_kubernetes,
    every_object_of_the_chart_that_depends_on_this_one_is_one_of_kubernetes,
    yaml_means_the_same_to_each_reader_and_no_key_is_there_twice,
    every_object_has_a_name_of_its_own_a_namespace_and_our_labels,
    longest_names_still_fit,
];

/// Kinds of other projects, which have tests of their own.
const OTHERS: [&str; 19] = [
    "AuthorizationPolicy",
    "Backend",
    "BackendTLSPolicy",
    "Certificate",
    "CiliumNetworkPolicy",
    "ClientTrafficPolicy",
    "DestinationRule",
    "ExtensionService",
    "GatewayExtension",
    "HTTPProxy",
    "HTTPRoute",
    "ListenerPolicy",
    "PodMonitor",
    "PrometheusRule",
    "ReferenceGrant",
    "SecurityPolicy",
    "ServiceEntry",
    "ServiceMonitor",
    "TrafficPolicy",
];

/// Kinds that only newer versions have. Before 1.34 they are there as an alpha API, which the
/// schemas leave out.
const NEWER_KINDS: [&str; 2] = ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];

fn every_object_is_one_of_the_oldest_kubernetes() {
    assert_valid_on(OLDEST);
}

fn every_object_is_one_of_kubernetes_1_34() {
    assert_valid_on("1.34");
}

fn every_object_is_one_of_the_newest_kubernetes() {
    assert_valid_on(NEWEST);
}

fn assert_valid_on(version: &str) {
    let release = Release {
        kubernetes: version,
        ..Release::default()
    };
    let mut judged = 0;
    for (name, values) in cases::files() {
        if !cases::is_for(&name, version) {
            continue;
        }
        let rendered = Chart::watchword().render_for(release, &values).unwrap();
        for document in &rendered.documents {
            let title = format!("{name}: {} on {version}", document.title());
            if OTHERS.contains(&document.kind()) {
                continue;
            }
            let Some(problems) = helm::validate(&document.value, version) else {
                assert!(
                    NEWER_KINDS.contains(&document.kind()) && cases::minor(version) < 34,
                    "{title}: {} is unknown",
                    document.api_version()
                );
                continue;
            };
            judged += 1;
            assert_eq!(problems, [""; 0], "{title}");
        }
    }
    assert!(judged > 80, "{judged}");
}

fn every_object_of_the_chart_that_depends_on_this_one_is_one_of_kubernetes() {
    for kubernetes in [OLDEST, NEWEST] {
        let release = Release {
            kubernetes,
            ..Release::default()
        };
        for document in cases::beside_envoy("unix", release).documents {
            let problems = helm::validate(&document.value, kubernetes);
            assert_eq!(problems, Some(vec![]), "{}", document.title());
        }
    }
}

fn yaml_means_the_same_to_each_reader_and_no_key_is_there_twice() {
    for (name, rendered) in cases::all() {
        for document in &rendered.documents {
            // Where Helm cut, the last line has no end.
            let text = format!("{}\n", document.text);
            let strict: Value = serde_saphyr::from_str(&text)
                .unwrap_or_else(|problem| panic!("{name}: {}: {problem}", document.title()));
            assert_eq!(
                Ok(strict),
                helm::yaml(&text),
                "{name}: {}",
                document.title()
            );
        }
    }
}

fn every_object_has_a_name_of_its_own_a_namespace_and_our_labels() {
    // These are no namespace's.
    let global = [
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    for (name, rendered) in cases::all() {
        let mut names = BTreeSet::new();
        for document in &rendered.documents {
            let title = format!("{name}: {}", document.title());
            let metadata = &document.value["metadata"];
            let namespace = metadata["namespace"].as_str();
            assert_eq!(
                namespace.is_none(),
                global.contains(&document.kind()),
                "{title}"
            );
            let identity = (
                document.api_version(),
                document.kind(),
                namespace,
                document.name(),
            );
            assert!(names.insert(identity), "{title} is there twice");
            assert!(document.name().len() <= 63, "{title}");
            if document.template.ends_with("extra-objects.yaml") {
                continue;
            }
            let labels = &metadata["labels"];
            assert_eq!(labels["app.kubernetes.io/instance"], "rel", "{title}");
            assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm", "{title}");
            assert_labels(&title, labels);
        }
    }
}

fn longest_names_still_fit() {
    let long = "a".repeat(53);
    let release = Release {
        name: &long,
        ..Release::default()
    };
    for (name, values) in cases::files() {
        let rendered = Chart::watchword().render_for(release, &values).unwrap();
        for document in rendered.documents {
            let limit = if document.kind() == "Service" || document.kind() == "Deployment" {
                63
            } else {
                253
            };
            assert!(
                document.name().len() <= limit,
                "{name}: {}",
                document.title()
            );
            assert_labels(&document.title(), &document.value["metadata"]["labels"]);
        }
    }
}

fn assert_labels(title: &str, labels: &Value) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_else(|| panic!("{title}: {key}"));
        let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
        let ends_well = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let valid = value.len() <= 63
            && value.chars().all(plain)
            && ends_well(value.chars().next())
            && ends_well(value.chars().last());
        assert!(valid, "{title}: {key}={value}");
    }
}

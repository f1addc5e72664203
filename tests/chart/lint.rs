//! `helm lint --strict` and `helm install` accept the chart, and examples cover every template.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use watchword_test_support::helm::{self, Chart, Document, NEWEST, OLDEST, Release};

use crate::cases;

watchword_test_support::tests![
    lint_finds_no_problem_in_any_example,
    lint_finds_no_problem_in_the_chart_that_depends_on_this_one,
    icon_is_that_of_the_folder,
    lint_sees_a_bad_value,
    helm_would_install_each_example,
    each_template_is_rendered_by_an_example,
    each_mode_has_an_example,
];

fn lint_finds_no_problem_in_any_example() {
    for (name, values) in cases::files() {
        for version in [OLDEST, NEWEST] {
            if !cases::is_for(&name, version) {
                continue;
            }
            assert_eq!(
                Chart::watchword().lint(&values, version),
                [""; 0],
                "{name} on {version}"
            );
        }
    }
}

fn lint_finds_no_problem_in_the_chart_that_depends_on_this_one() {
    for version in [OLDEST, NEWEST] {
        let found = cases::sidecar_example().lint(&json!({}), version);
        assert_eq!(found, [""; 0], "{version}");
    }
}

fn icon_is_that_of_the_folder() {
    let folder = Chart::watchword().folder().to_owned();
    let chart = fs::read_to_string(folder.join("Chart.yaml")).unwrap();
    let icon = helm::yaml(&chart).unwrap()["icon"].clone();
    let image = STANDARD.encode(fs::read(folder.join("icon.svg")).unwrap());
    assert_eq!(icon, format!("data:image/svg+xml;base64,{image}"));
}

fn lint_sees_a_bad_value() {
    let found = Chart::watchword().lint(&json!({"mode": "statefulset"}), NEWEST);
    assert!(
        found.iter().any(|finding| finding.contains("mode")),
        "{found:?}"
    );
}

fn helm_would_install_each_example() {
    for (name, values) in cases::files() {
        let installed = Chart::watchword().install(Release::default(), &values);
        let installed = installed.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let manifest = installed["manifest"].as_str().unwrap();
        let is_hook = |template: &str| {
            let checks = ["/config-check.yaml", "/injector-check.yaml"];
            template.contains("/tests/") || checks.iter().any(|file| template.ends_with(file))
        };
        for document in &cases::named(&name).documents {
            let source = format!("# Source: {}\n", document.template);
            assert_eq!(
                !is_hook(&document.template),
                manifest.contains(&source),
                "{name}: {source}"
            );
        }
    }
}

fn each_template_is_rendered_by_an_example() {
    let mut left: BTreeSet<String> = BTreeSet::new();
    templates(
        &Chart::watchword().folder().join("templates"),
        "watchword/templates",
        &mut left,
    );
    for (_, rendered) in cases::all() {
        for document in &rendered.documents {
            left.remove(&document.template);
        }
    }
    // It renders nothing.
    assert!(left.remove("watchword/templates/validate.yaml"));
    assert!(left.is_empty(), "no example has {left:?}");
}

fn templates(folder: &Path, name: &str, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let name = format!("{name}/{file}");
        if path.is_dir() {
            templates(&path, &name, all);
        } else if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            all.insert(name);
        }
    }
}

fn each_mode_has_an_example() {
    for (name, kind) in [("deployment", "Deployment"), ("daemonset", "DaemonSet")] {
        assert_eq!(cases::named(name).of_kind(kind).count(), 1, "{name}");
    }
    let kinds: BTreeSet<&str> = cases::named("sidecar")
        .documents
        .iter()
        .map(Document::kind)
        .collect();
    assert_eq!(kinds, BTreeSet::from(["ConfigMap", "Pod"]));
}

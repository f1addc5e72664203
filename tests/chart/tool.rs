//! The tools that judge the chart find mistakes, on which the other tests rely.

use std::fs;

use serde_json::json;
use watchword_test_support::build_folder;
use watchword_test_support::helm::{self, Chart, NEWEST, OLDEST, Release};

watchword_test_support::tests![
    unknown_field_is_wrong_on_each_kubernetes,
    kind_is_known_from_the_version_on_that_has_it,
    yaml_is_read_as_kubernetes_reads_it,
    schema_that_is_none_is_found,
    chart_below_a_chart_is_rendered_with_it,
];

fn unknown_field_is_wrong_on_each_kubernetes() {
    let good = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
        "spec": {"ports": [{"port": 80}]},
    });
    let mut bad = good.clone();
    bad["spec"]["ports"][0]["potr"] = json!(80);
    for version in [OLDEST, NEWEST] {
        assert_eq!(helm::validate(&good, version), Some(vec![]), "{version}");
        let problems = helm::validate(&bad, version).unwrap();
        assert!(problems[0].contains("potr"), "{problems:?}");
    }
}

fn kind_is_known_from_the_version_on_that_has_it() {
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "a"},
    });
    assert_eq!(helm::validate(&policy, OLDEST), None);
    assert_eq!(helm::validate(&policy, NEWEST), Some(vec![]));
}

fn yaml_is_read_as_kubernetes_reads_it() {
    assert_eq!(
        helm::yaml("mode: 0666\nanswer: on\n"),
        Ok(json!({"mode": 0o666, "answer": true}))
    );
    assert!(helm::yaml("a: [").is_err());
}

fn schema_that_is_none_is_found() {
    let draft = "http://json-schema.org/draft-07/schema#";
    assert!(helm::metaschema(&json!({"$schema": draft, "type": "object"})).is_empty());
    assert!(!helm::metaschema(&json!({"$schema": draft, "type": "mapping"})).is_empty());
}

fn chart_below_a_chart_is_rendered_with_it() {
    let folder = build_folder().join(format!("parent-{}", std::process::id()));
    fs::create_dir_all(folder.join("templates")).unwrap();
    let path = Chart::watchword().folder().display().to_string();
    let metadata = format!(
        "apiVersion: v2\nname: parent\nversion: 0.1.0\ndependencies:\n\
         - {{name: watchword, version: \">=0.0.0-0\", repository: \"file://{path}\"}}\n"
    );
    fs::write(folder.join("Chart.yaml"), metadata).unwrap();
    fs::write(
        folder.join("templates/a.yaml"),
        "apiVersion: v1\nkind: ConfigMap\n\
         metadata: {name: a, namespace: {{ .Release.Namespace }}}\n\
         data: {name: {{ include \"watchword.fullname\" .Subcharts.watchword }}, \
         kubernetes: {{ .Capabilities.KubeVersion }}}\n",
    )
    .unwrap();
    let parent = Chart::at(&folder)
        .with_dependencies("parent-whole")
        .unwrap();
    let release = Release {
        kubernetes: "1.30",
        ..Release::default()
    };
    let rendered = parent.render_for(
        release,
        &json!({
            "watchword": {
                "mode": "none",
                "config": crate::cases::config(),
                "sidecar": {"enabled": true},
            },
        }),
    );
    fs::remove_dir_all(&folder).unwrap();
    let copy = parent.folder().to_owned();
    assert!(copy.exists());
    drop(parent);
    assert!(!copy.exists(), "{} stays", copy.display());
    let data = rendered.unwrap().get("ConfigMap", "a")["data"].clone();
    assert_eq!(
        data,
        json!({"name": "rel-watchword", "kubernetes": "v1.30.0"})
    );
}

//! The guide for Kubernetes and examples/kubernetes show what the chart renders. `configurations`
//! renders the guide's values.

use serde_json::{Value, json};
use watchword::token::Denial;
use watchword_test_support::helm::{self, Chart, Release};

use super::notes::pasted;
use super::values;
use crate::fences::{blocks, read};

watchword_test_support::tests![
    mesh_configuration_of_the_guide_is_that_of_the_notes,
    values_for_service_accounts_have_the_policy_that_runs_without_the_chart,
    answers_of_the_guide_are_those_of_watchword,
];

fn mesh_configuration_of_the_guide_is_that_of_the_notes() {
    let text = read("docs/kubernetes/istio.md");
    let (_, block) = &blocks(&text, Some("meshConfig:"))[0];
    let shown = helm::yaml(block).unwrap();
    let release = Release {
        name: "watchword",
        namespace: "auth",
        ..Release::default()
    };
    let (_, first) = blocks(&text, Some("# values.yaml"))
        .into_iter()
        .find(|(_, block)| block.contains("istio:"))
        .unwrap();
    let of = values(helm::yaml(&first).unwrap());
    let printed = Chart::watchword().render_for(release, &of).unwrap().notes;
    assert_eq!(shown["meshConfig"], pasted(&printed, "extensionProviders:"));
}

fn values_for_service_accounts_have_the_policy_that_runs_without_the_chart() {
    let of = helm::yaml(&read("examples/kubernetes/values.yaml")).unwrap();
    let mut alone = helm::yaml(&read("examples/kubernetes/watchword.yaml")).unwrap();
    alone.as_object_mut().unwrap().remove("server");
    assert_eq!(of["config"], alone);

    let rendered = Chart::watchword().render(&of).unwrap();
    let pod = &rendered.get("Deployment", "rel-watchword")["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let token = mounts
        .iter()
        .find(|mount| mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount");
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes
        .iter()
        .find(|volume| volume["name"] == token.unwrap()["name"])
        .unwrap();
    let sources = volume["projected"]["sources"].as_array().unwrap();
    let has = |path: &str| {
        sources.iter().any(|source| {
            source["serviceAccountToken"]["path"] == path
                || source["configMap"]["items"][0]["path"] == path
        })
    };
    assert!(has("token") && has("ca.crt"), "{volume}");
    let egress = |of: &Value| {
        let mut of = of.clone();
        of["networkPolicy"] = json!({"enabled": true});
        let rendered = Chart::watchword().render(&of).unwrap();
        rendered.get("NetworkPolicy", "rel-watchword")["spec"]["egress"].to_string()
    };
    assert!(egress(&of).contains("6443"), "{}", egress(&of));
}

/// The guide shows the denial that Watchword sends, and a command whose output is plain text.
fn answers_of_the_guide_are_those_of_watchword() {
    let text = read("docs/kubernetes/proxies.md");
    let denial = Denial::TokenMissing;
    let body = json!({"error": denial.error(), "reason": denial.code()});
    let shown = text.lines().find_map(|line| line.strip_prefix("#   401, "));
    assert_eq!(helm::yaml(shown.unwrap()).unwrap(), body);

    // Without `-r`, some programs of that name print a string with its quotes.
    assert!(
        read("docs/kubernetes.md")
            .contains("yq -r '.data[\"watchword.yaml\"]' | watchword check-config -")
    );
}

//! Ephemeral containers, which are added to an existing pod.

use serde_json::json;

use super::kinds::example;
use crate::pods;

#[test]
fn ephemeral_container_can_be_added_and_changes_nothing_else() {
    let Some(injector) = example() else {
        return;
    };
    let cluster = injector.cluster;
    let namespace = format!("--namespace={}", injector.pods.name);
    let mut pod = pods::labelled(json!({}));
    pod["metadata"]["name"] = json!("debugged");
    let create = ["create", &namespace, "--filename=-"];
    cluster
        .kubectl_with(pod.to_string(), &create)
        .without_warning();
    let get = ["get", "pod/debugged", &namespace, "--output=json"];
    let before = cluster.kubectl(&get).without_warning().json();
    assert_eq!(before["spec"]["initContainers"][0]["name"], "watchword");

    let debug = ["debug", "debugged", &namespace, "--profile=restricted"];
    let image = [
        "--image=registry.example/shell",
        "--container=shell",
        "--attach=false",
    ];
    cluster.kubectl(&[&debug[..], &image].concat()).succeeded();
    let mut after = cluster.kubectl(&get).without_warning().json();
    let added = after["spec"]["ephemeralContainers"].take();
    assert_eq!(added[0]["name"], "shell", "{added:#}");
    after["spec"]
        .as_object_mut()
        .unwrap()
        .remove("ephemeralContainers");
    assert_eq!(after["spec"], before["spec"]);
}

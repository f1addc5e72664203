//! The injector's policies refuse pods that they cannot help, with a message, and never change a
//! pod by half.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::control_plane::ControlPlane;
use crate::namespace::Namespace;
use crate::pods;
use crate::release::{CHART, ISSUER};
use crate::tools;
use crate::wait;

/// Options for a release whose injector has these settings, as JSON.
fn options(injector: &str) -> Vec<String> {
    vec![
        "--set=mode=none".to_owned(),
        ISSUER.to_owned(),
        format!("--set-json=sidecar.injector={injector}"),
    ]
}

/// An injector with these settings, in force in a namespace of its own. `None` where the tests are
/// skipped.
#[track_caller]
fn injector(namespace: &str, settings: &str) -> Option<(&'static Cluster, Namespace)> {
    let cluster = Cluster::shared()?;
    let namespace = Namespace::new(cluster, namespace);
    let own = format!("--namespace={}", namespace.name);
    let options = options(settings);
    let options = options.iter().map(String::as_str);
    let install = ["install", "orders", CHART, &own].into_iter();
    let arguments: Vec<&str> = install.chain(options).collect();
    cluster.helm(&arguments).without_warning();
    pods::until_injected(cluster, &namespace, &pods::with_proxy());
    Some((cluster, namespace))
}

fn annotated(annotations: &Value) -> Value {
    let mut pod = pods::with_proxy();
    pod["metadata"]["annotations"] = annotations.clone();
    pod
}

/// A proxy with a volume of its own at this place.
fn mounting_at(path: &str) -> Value {
    let mount = json!({"name": "run", "mountPath": path});
    let proxy = pods::container_with("envoy", &json!({"volumeMounts": [mount]}));
    pods::labelled(json!({
        "containers": [proxy],
        "volumes": [{"name": "run", "emptyDir": {}}],
    }))
}

/// Each is refused in one line, which says what to change.
#[test]
fn pod_that_cannot_have_the_sidecar_is_refused_with_the_reason() {
    let settings = r#"{"enabled":true,"podConfigMaps":["partner"]}"#;
    let Some((cluster, namespace)) = injector("told-why", settings) else {
        return;
    };

    let mut windows = pods::labelled(json!({"os": {"name": "windows"}}));
    windows["spec"]["containers"][0]["securityContext"] = json!({"runAsNonRoot": true});
    let named = |list: &str| pods::labelled(json!({list: [pods::container("watchword")]}));
    let asking = |name: &str, value: &str| annotated(&json!({name: value}));
    // The policy that refuses is in force a moment after the other.
    let clashing = named("containers");
    pods::until_refused(cluster, &namespace, &clashing, "belongs to the sidecar");
    let taken = "where the sidecar's socket belongs";
    for (pod, reason) in [
        (windows, "the sidecar does not run on Windows"),
        (clashing, r#"the name "watchword" belongs to the sidecar"#),
        (
            named("initContainers"),
            "is not the sidecar of this release",
        ),
        (mounting_at("/run/watchword"), taken),
        (mounting_at("/run/watchword/"), taken),
        (mounting_at("/var/run//watchword"), taken),
        (
            asking("watchword/listen", "tcp"),
            "must be one of loopback, unix",
        ),
        (
            asking("watchword/cpu-request", "much"),
            "must be a quantity",
        ),
        (asking("watchword/memory-limit", ""), "must be a quantity"),
        (
            asking("watchword/config-map", "mine"),
            "one of sidecar.injector.podConfigMaps",
        ),
    ] {
        let refusal = namespace.try_out(cluster, &pod).refused();
        assert!(refusal.contains(reason), "{reason}: {refusal}");
        assert_eq!(refusal.trim().lines().count(), 1, "{refusal}");
    }
    // A mount above the socket's place is none in it.
    let above = namespace.try_out(cluster, &mounting_at("/run"));
    let above = above.without_warning().json();
    let proxy = &above["spec"]["containers"][0];
    assert!(pods::mounts(proxy).contains(&"/run/watchword"), "{proxy}");
}

/// Regression: a stranger of the sidecar's name got its volumes, and a mount of the proxy's own was
/// replaced.
#[test]
fn lax_injector_leaves_clashing_pods_unchanged() {
    let settings = r#"{"enabled":true,"refuseOthers":false,"requireSidecar":false}"#;
    let Some((cluster, namespace)) = injector("left-alone", settings) else {
        return;
    };

    let stranger = json!({"initContainers": [pods::container("watchword")]});
    let stranger = pods::labelled(stranger);
    let made = namespace
        .try_out(cluster, &stranger)
        .without_warning()
        .json();
    let names = |list: &str| -> Vec<String> {
        let list = made["spec"][list].as_array().into_iter().flatten();
        list.map(|item| item["name"].to_string()).collect()
    };
    assert_eq!(names("initContainers"), [r#""watchword""#]);
    assert!(!names("volumes").join(" ").contains("watchword"), "{made}");

    let made = namespace.try_out(cluster, &mounting_at("/run/watchword"));
    let made = made.without_warning().json();
    assert!(pods::sidecar(&made).is_some(), "{made}");
    let mount = &made["spec"]["containers"][0]["volumeMounts"][0];
    assert_eq!(
        (&mount["name"], &mount["mountPath"]),
        (&json!("run"), &json!("/run/watchword"))
    );
}

#[test]
fn pod_may_choose_resources_and_where_its_sidecar_listens() {
    let settings = r#"{"enabled":true,"podConfigMaps":["partner"]}"#;
    let Some((cluster, namespace)) = injector("choices", settings) else {
        return;
    };
    let made = |annotations: Value| {
        let pod = annotated(&annotations);
        namespace.try_out(cluster, &pod).without_warning().json()
    };
    let volume = |pod: &Value, name: &str| {
        let mut volumes = pod["spec"]["volumes"].as_array().unwrap().iter();
        volumes.find(|volume| volume["name"] == name).cloned()
    };

    let default = made(json!({}));
    let resources = &pods::sidecar(&default).unwrap()["resources"];
    let expected =
        json!({"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}});
    assert_eq!(*resources, expected);
    assert!(volume(&default, "watchword-socket").is_some());

    let asked = made(json!({
        "watchword/cpu-request": "55m",
        "watchword/cpu-limit": "2",
        "watchword/memory-request": "64Mi",
        "watchword/memory-limit": "300Mi",
        "watchword/listen": "loopback",
        "watchword/config-map": "partner",
    }));
    let sidecar = pods::sidecar(&asked).unwrap();
    let expected = json!({
        "requests": {"cpu": "55m", "memory": "64Mi"},
        "limits": {"cpu": "2", "memory": "300Mi"},
    });
    assert_eq!(sidecar["resources"], expected);
    assert_eq!(
        sidecar["args"][2],
        "/etc/watchword/config/watchword-loopback.yaml"
    );
    assert_eq!(
        sidecar["startupProbe"]["exec"]["command"][2],
        "127.0.0.1:9191"
    );
    assert!(volume(&asked, "watchword-socket").is_none(), "{asked}");
    let config = volume(&asked, "watchword-config").unwrap();
    assert_eq!(config["configMap"]["name"], "partner");
    config_map_has_a_configuration_for_each_way_to_listen(cluster);
}

#[track_caller]
fn config_map_has_a_configuration_for_each_way_to_listen(cluster: &Cluster) {
    let map = [
        "get",
        "configmap",
        "orders-watchword-sidecar",
        "--output=json",
        "--namespace=choices",
    ];
    let map = cluster.kubectl(&map).succeeded().json();
    for (file, address) in [
        ("watchword.yaml", "unix:/run/watchword/grpc.sock"),
        ("watchword-loopback.yaml", "127.0.0.1:9191"),
    ] {
        let text = map["data"][file].as_str().unwrap();
        assert!(text.contains(address), "{file}: {text}");
    }
}

/// Regression: the API server ignored each mutation by itself, which left volumes without a
/// container, a container without its mount, or a pod that was refused all the same.
#[test]
fn ignored_failure_leaves_nothing_of_the_sidecar() {
    let settings = r#"{"enabled":true,"failurePolicy":"Ignore"}"#;
    let Some((cluster, namespace)) = injector("ignored", settings) else {
        return;
    };
    let pod = pods::with_proxy();

    break_last_mutation(cluster, "orders-watchword-injector.ignored");
    let made = wait::until(
        "the broken policy",
        || namespace.try_out(cluster, &pod).succeeded(),
        |made| {
            let has_some = made.stdout.contains("watchword-config");
            assert!(pods::has_sidecar(made) || !has_some, "half of it: {made}");
            !pods::has_sidecar(made)
        },
    );
    assert!(
        !made.json()["spec"].to_string().contains("watchword-"),
        "{made}"
    );

    let required = options(r#"{"enabled":true,"failurePolicy":"Ignore","requireSidecar":true}"#);
    let required: Vec<&str> = required.iter().map(String::as_str).collect();
    let upgrade = [
        "upgrade",
        "orders",
        CHART,
        "--namespace=ignored",
        "--force-conflicts",
    ];
    cluster
        .helm(&[&upgrade, &required[..]].concat())
        .without_warning();
    break_last_mutation(cluster, "orders-watchword-injector.ignored");
    pods::until_refused(cluster, &namespace, &pod, "did not get it");
}

/// Adds a change that cannot be made, for a pod of any kind.
fn break_last_mutation(cluster: &Cluster, policy: &str) {
    let get = ["get", "mutatingadmissionpolicy", policy, "--output=json"];
    let mut policy = cluster.kubectl(&get).succeeded().json();
    let mutations = policy["spec"]["mutations"].as_array_mut().unwrap();
    let last = &mut mutations.last_mut().unwrap()["jsonPatch"]["expression"];
    let zero = "size(object.spec.containers) - size(object.spec.containers)";
    let fails = format!(r#"[JSONPatch{{op: "remove", path: string(1 / ({zero}))}}]"#);
    *last = json!(format!("({}) + {fails}", last.as_str().unwrap()));
    let replace = ["replace", "--filename=-"];
    cluster
        .kubectl_with(policy.to_string(), &replace)
        .succeeded();
}

/// Regression: Helm's own words about CRDs.
#[test]
fn api_server_without_the_policies_is_named() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let without = cluster.another(
        "without-policies",
        &[
            "--disable-admission-plugins=MutatingAdmissionPolicy",
            "--runtime-config=admissionregistration.k8s.io/v1/mutatingadmissionpolicies=false,\
         admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings=false",
        ],
    );
    let without: ControlPlane = without.unwrap_or_else(|problem| panic!("{problem}"));
    let injector = options(r#"{"enabled":true}"#);
    let injector: Vec<&str> = injector.iter().map(String::as_str).collect();
    let kubeconfig = format!("--kubeconfig={}", without.kubeconfig.display());
    let install = ["install", "orders", CHART, &kubeconfig];
    let refusal = cluster.helm(&[&install, &injector[..]].concat()).refused();
    let version = tools::KUBERNETES.version();
    let reason = format!("this API server (v{version}) does not serve MutatingAdmissionPolicy");
    assert!(refusal.contains(&reason), "{refusal}");
    // Renderers ask no cluster.
    cluster
        .helm(&[&["template", "orders", CHART], &injector[..]].concat())
        .without_warning();
}

//! What the injector's policies say to pods that they cannot help, and that nothing is half done.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::control_plane::ControlPlane;
use crate::namespace::Namespace;
use crate::pods::{self, restricted};
use crate::release::CHART;

/// Options for a release whose injector has these settings, as JSON.
fn options(injector: &str) -> Vec<String> {
    let issuer =
        r#"{"issuer":"https://idp.example.com","audiences":["a"],"jwks":{"discovery":true}}"#;
    vec![
        "--set=mode=none".to_owned(),
        format!("--set-json=config.issuers.corp={issuer}"),
        format!("--set-json=sidecar.injector={injector}"),
    ]
}

#[track_caller]
fn install(cluster: &Cluster, namespace: &Namespace, options: &[String], more: &[&str]) {
    let namespace = format!("--namespace={}", namespace.name);
    let install = ["install", "orders", CHART, &namespace].into_iter();
    let options = options.iter().map(String::as_str);
    let arguments: Vec<&str> = install.chain(options).chain(more.iter().copied()).collect();
    cluster.helm(&arguments).without_warning();
}

/// The labelled pod, changed by this merge patch.
fn changed(patch: &Value) -> Value {
    let mut pod = pods::labelled();
    merge(&mut pod, patch);
    restricted(&mut pod);
    pod
}

/// As RFC 7396 has it; but a list is one value, so a patch names each container.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    for (name, value) in fields {
        merge(&mut target[name], value);
    }
}

fn annotated(name: &str, value: &str) -> Value {
    changed(&json!({"metadata": {"annotations": {name: value}}}))
}

fn with_volume(volume: &Value, mount: &Value) -> Value {
    let proxy = json!({"name": "envoy", "image": "envoy", "volumeMounts": [mount]});
    changed(&json!({"spec": {"volumes": [volume], "containers": [proxy]}}))
}

/// Each is refused in one line, which says what to change.
#[test]
fn pod_that_cannot_have_the_sidecar_is_told_why() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "told-why");
    let injector = options(r#"{"enabled":true,"podConfigMaps":["partner"]}"#);
    install(cluster, &namespace, &injector, &[]);
    pods::until_injected(cluster, &namespace, &pods::labelled());

    let run = json!({"name": "run", "emptyDir": {}});
    let at = |path: &str| json!({"name": "run", "mountPath": path});
    let mut windows = pods::pod(&json!([{
        "name": "app", "image": "app", "securityContext": {"runAsNonRoot": true},
    }]));
    windows["metadata"]["labels"] = pods::labelled()["metadata"]["labels"].clone();
    windows["spec"]["os"] = json!({"name": "windows"});
    let named = |list: &str| {
        let own = json!({"name": "watchword", "image": "other"});
        changed(&json!({"spec": {list: [own]}}))
    };
    // The policy that refuses is in force a moment after the other.
    let clashing = named("containers");
    pods::until(|| !namespace.try_out(cluster, &clashing).success);
    let taken = "where the sidecar's socket belongs";
    for (pod, said) in [
        (windows, "the sidecar does not run on Windows"),
        (clashing, r#"the name "watchword" belongs to the sidecar"#),
        (
            named("initContainers"),
            "is not the sidecar of this release",
        ),
        (with_volume(&run, &at("/run/watchword")), taken),
        (with_volume(&run, &at("/run/watchword/")), taken),
        (with_volume(&run, &at("/var/run//watchword")), taken),
        (
            annotated("watchword/listen", "tcp"),
            "must be one of loopback, unix",
        ),
        (
            annotated("watchword/cpu-request", "much"),
            "must be a quantity",
        ),
        (
            annotated("watchword/memory-limit", ""),
            "must be a quantity",
        ),
        (
            annotated("watchword/config-map", "mine"),
            "one of sidecar.injector.podConfigMaps",
        ),
    ] {
        let refusal = namespace.try_out(cluster, &pod).refused();
        assert!(refusal.contains(said), "{said}: {refusal}");
        assert_eq!(refusal.trim().lines().count(), 1, "{refusal}");
    }
    // A mount above the socket's place is none in it.
    let above = namespace.try_out(cluster, &with_volume(&run, &at("/run")));
    let above = above.without_warning().json();
    let proxy = &above["spec"]["containers"][0];
    assert!(pods::mounts(proxy).contains(&"/run/watchword"), "{proxy}");
}

/// It was: a stranger of the sidecar's name got its volumes, and a mount of the proxy's own was replaced.
#[test]
fn what_is_there_already_is_left_as_it_is() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "left-alone");
    let lax = options(r#"{"enabled":true,"refuseOthers":false,"requireSidecar":false}"#);
    install(cluster, &namespace, &lax, &[]);
    pods::until_injected(cluster, &namespace, &pods::labelled());

    let own = json!({"name": "watchword", "image": "other"});
    let stranger = changed(&json!({"spec": {"initContainers": [own]}}));
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

    let run = json!({"name": "run", "emptyDir": {}});
    let mount = json!({"name": "run", "mountPath": "/run/watchword"});
    let made = namespace.try_out(cluster, &with_volume(&run, &mount));
    let made = made.without_warning().json();
    assert!(pods::sidecar(&made).is_some(), "{made}");
    let mounts = made["spec"]["containers"][0]["volumeMounts"].as_array();
    assert!(mounts.unwrap().contains(&mount), "{made}");
}

#[test]
fn pod_may_choose_resources_and_where_its_sidecar_listens() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "choices");
    let injector = options(r#"{"enabled":true,"podConfigMaps":["partner"]}"#);
    install(cluster, &namespace, &injector, &[]);
    pods::until_injected(cluster, &namespace, &pods::labelled());
    let made = |annotations: Value| {
        let pod = changed(&json!({"metadata": {"annotations": annotations}}));
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
        "watchword/cpu-request": "55m", "watchword/cpu-limit": "2", "watchword/memory-request": "64Mi",
        "watchword/memory-limit": "300Mi", "watchword/listen": "loopback", "watchword/config-map": "partner",
    }));
    let sidecar = pods::sidecar(&asked).unwrap();
    let expected = json!({"requests": {"cpu": "55m", "memory": "64Mi"}, "limits": {"cpu": "2", "memory": "300Mi"}});
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

/// It was: the API server ignored each mutation by itself, which left volumes without a container, a
/// container without its mount, or a pod that was refused all the same.
#[test]
fn ignored_failure_leaves_nothing_of_the_sidecar() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "ignored");
    let ignoring = options(r#"{"enabled":true,"failurePolicy":"Ignore"}"#);
    install(cluster, &namespace, &ignoring, &[]);
    let pod = pods::labelled();
    pods::until_injected(cluster, &namespace, &pod);

    break_last_mutation(cluster, "orders-watchword-injector.ignored");
    pods::until(|| {
        let made = namespace.try_out(cluster, &pod).succeeded().json();
        let is_whole = pods::sidecar(&made).is_some();
        let text = made["spec"].to_string();
        assert!(is_whole || !text.contains("watchword"), "{made:#}");
        !is_whole
    });

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
    pods::until(|| {
        let answer = namespace.try_out(cluster, &pod);
        !answer.success && answer.stderr.contains("was not given it")
    });
}

/// Adds a change that cannot be made, for a pod of any kind.
fn break_last_mutation(cluster: &Cluster, policy: &str) {
    let get = ["get", "mutatingadmissionpolicy", policy, "--output=json"];
    let mut policy = cluster.kubectl(&get).succeeded().json();
    let mutations = policy["spec"]["mutations"].as_array_mut().unwrap();
    let last = &mut mutations.last_mut().unwrap()["jsonPatch"]["expression"];
    let fails = r#"[JSONPatch{op: "remove", path: string(1 / (size(object.spec.containers) - size(object.spec.containers)))}]"#;
    *last = json!(format!("({}) + {fails}", last.as_str().unwrap()));
    let replace = ["replace", "--filename=-"];
    cluster
        .kubectl_with(policy.to_string(), &replace)
        .succeeded();
}

/// It was: Helm's own words about CRDs.
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
    let said = "sidecar.injector.enabled: this API server (v1.37.2) does not serve MutatingAdmissionPolicy";
    assert!(refusal.contains(said), "{refusal}");
    // Renderers ask no cluster.
    cluster
        .helm(&[&["template", "orders", CHART], &injector[..]].concat())
        .without_warning();
}

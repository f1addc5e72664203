//! The effects of values on pods: the image, names, the time to stop.

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Rendered};

use crate::cases;
use crate::pods;

watchword_test_support::tests![
    image_joins_registry_repository_and_tag_or_digest,
    pull_secrets_are_the_shared_ones_and_our_own_once,
    users_setting_replaces_the_default,
    pods_that_are_to_be_replaced_do_not_look_at_the_file,
    port_for_operators_is_where_the_values_say,
    check_before_an_upgrade_has_the_mounts_and_environment_of_pods,
    change_of_issuers_replaces_pods_only_with_reload_rollout,
    names_follow_the_overrides,
];

const HASH: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn image(image: &Value, global: &Value) -> String {
    let values = json!({"image": image, "global": global, "config": cases::config()});
    let rendered = cases::rendered(&values);
    let images: Vec<String> = pods::of("", &rendered)
        .iter()
        .flat_map(pods::Pod::containers)
        .map(|container| container["image"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(images.len(), 2, "the workload and the test");
    assert_eq!(images[0], images[1]);
    images[0].clone()
}

fn image_joins_registry_repository_and_tag_or_digest() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        image(&json!({}), &json!({})),
        format!("watchword:{version}")
    );
    assert_eq!(image(&json!({"tag": "v9"}), &json!({})), "watchword:v9");
    assert_eq!(
        image(&json!({"digest": HASH, "tag": "v9"}), &json!({})),
        format!("watchword@{HASH}")
    );
    let shared = json!({"imageRegistry": "shared.example/"});
    assert_eq!(
        image(&json!({"tag": "v9"}), &shared),
        "shared.example/watchword:v9"
    );
    let own = json!({"registry": "own.example", "repository": "a/b", "tag": "v9"});
    assert_eq!(image(&own, &json!({})), "own.example/a/b:v9");
}

fn pull_secrets_are_the_shared_ones_and_our_own_once() {
    let values = json!({
        "global": {"imagePullSecrets": ["shared", "both"]},
        "imagePullSecrets": [{"name": "both"}, "own"],
        "config": cases::config(),
    });
    for pod in pods::of("", &cases::rendered(&values)) {
        let expected = json!([{"name": "shared"}, {"name": "both"}, {"name": "own"}]);
        assert_eq!(pod.spec["imagePullSecrets"], expected, "{}", pod.title);
    }
}

fn users_setting_replaces_the_default() {
    let claim = json!({"persistentVolumeClaim": {"claimName": "keys"}});
    let values = json!({
        "config": cases::config(),
        "state": {"enabled": true, "volume": claim},
        "deploymentStrategy": {"type": "Recreate"},
        "tls": {
            "enabled": true,
            "certManager": {
                "enabled": true,
                "issuerRef": {"name": "a"},
                "privateKey": {"algorithm": "RSA"},
            },
        },
        "sidecar": {"injector": {"enabled": true, "podLabels": {"inject": "please"}}},
    });
    let rendered = cases::rendered(&values);
    let deployment = &rendered.get("Deployment", "rel-watchword")["spec"];
    assert_eq!(deployment["strategy"], json!({"type": "Recreate"}));
    let volumes = &deployment["template"]["spec"]["volumes"];
    let mut volumes = pods::items(volumes);
    let volume = volumes.find(|volume| volume["name"] == "watchword-state");
    assert_eq!(
        volume.unwrap()["persistentVolumeClaim"],
        claim["persistentVolumeClaim"]
    );
    assert!(volume.unwrap()["emptyDir"].is_null());
    let key = &rendered.get("Certificate", "rel-watchword")["spec"]["privateKey"];
    assert_eq!(
        key,
        &json!({"algorithm": "RSA", "rotationPolicy": "Always"})
    );
    let mut policies = rendered.of_kind("MutatingAdmissionPolicy");
    let spec = &policies.next().unwrap().value["spec"];
    let labels = &spec["matchConstraints"]["objectSelector"]["matchLabels"];
    assert_eq!(labels, &json!({"inject": "please"}));
    let values = json!({
        "mode": "daemonset",
        "config": cases::config(),
        "daemonSetStrategy": {"type": "OnDelete"},
    });
    let daemon_set = &cases::rendered(&values).get("DaemonSet", "rel-watchword")["spec"].clone();
    assert_eq!(daemon_set["updateStrategy"], json!({"type": "OnDelete"}));
    assert_eq!(
        cases::named("daemonset").get("DaemonSet", "rel-watchword")["spec"]["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})
    );
}

fn pods_that_are_to_be_replaced_do_not_look_at_the_file() {
    let reload = |values: Value| {
        let rendered = cases::rendered(&values);
        configuration(&rendered)["reload"].clone()
    };
    let mut own = cases::config();
    own["reload"] = json!({"interval": "1s"});
    let config = cases::config();
    assert_eq!(reload(json!({"config": config})), Value::Null);
    let rollout = json!({"config": config, "reload": "rollout"});
    assert_eq!(reload(rollout), json!({"watch": false}));
    let rollout = json!({"config": own, "reload": "rollout"});
    assert_eq!(reload(rollout), own["reload"]);
}

fn port_for_operators_is_where_the_values_say() {
    let of = |admin: Value| {
        let values = json!({
            "config": cases::config(),
            "admin": admin,
            "networkPolicy": {"enabled": true, "adminFrom": [{"podSelector": {}}]},
        });
        let rendered = cases::rendered(&values);
        let text: Vec<&str> = rendered
            .documents
            .iter()
            .map(|document| &*document.text)
            .collect();
        let address = configuration(&rendered)["server"]["admin"]["address"].clone();
        (
            address,
            text.join("\n").contains("name: admin"),
            text.join("\n").contains("port: admin"),
        )
    };
    assert_eq!(of(json!({})), (json!("0.0.0.0:9193"), true, true));
    let loopback = of(json!({"listen": "loopback"}));
    assert_eq!(loopback, (json!("127.0.0.1:9193"), false, false));
    assert_eq!(of(json!({"enabled": false})), (Value::Null, false, false));
}

fn configuration(rendered: &Rendered) -> Value {
    let map = rendered.get("ConfigMap", "rel-watchword");
    helm::yaml(map["data"]["watchword.yaml"].as_str().unwrap()).unwrap()
}

fn check_before_an_upgrade_has_the_mounts_and_environment_of_pods() {
    let rendered = cases::named("tls-secret");
    let [map, job] =
        ["ConfigMap", "Job"].map(|kind| rendered.get(kind, "rel-watchword-config-check"));
    let weight = |object: &Value| {
        let annotations = &object["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/hook"], "pre-install,pre-upgrade");
        annotations["helm.sh/hook-weight"]
            .as_str()
            .unwrap()
            .parse::<i8>()
            .unwrap()
    };
    assert!(weight(map) < weight(job));
    let real = rendered.get("ConfigMap", "rel-watchword");
    assert_eq!(map["data"], real["data"]);
    let deployment = rendered.get("Deployment", "rel-watchword");
    let [check, real] = [job, deployment].map(|object| &object["spec"]["template"]["spec"]);
    let [container, serves] = [check, real].map(|spec| &spec["containers"][0]);
    for same in ["image", "env", "envFrom", "volumeMounts", "securityContext"] {
        assert_eq!(container[same], serves[same], "{same}");
    }
    assert_eq!(
        container["args"],
        json!(["check-config", "/etc/watchword/config/watchword.yaml"])
    );
    assert_eq!(container["args"][1], serves["args"][2]);
    let volumes = &check["volumes"];
    assert_eq!(volumes[0]["configMap"]["name"], map["metadata"]["name"]);
    assert!(!volumes.to_string().contains("persistentVolumeClaim"));
    assert_eq!(cases::named("deployment").of_kind("Job").count(), 0);
}

fn change_of_issuers_replaces_pods_only_with_reload_rollout() {
    let checksum = |reload: &str, config: &Value| {
        let rendered = cases::rendered(&json!({"reload": reload, "config": config}));
        rendered.get(
            "Deployment",
            "rel-watchword",
        )["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    let old = cases::config();
    let mut issuers = old.clone();
    issuers["issuers"]["corp"]["audiences"] = json!(["other"]);
    let mut server = old.clone();
    server["server"] = json!({"realm": "other"});
    assert_eq!(checksum("hot", &old), checksum("hot", &issuers));
    assert_ne!(checksum("hot", &old), checksum("hot", &server));
    assert_ne!(checksum("rollout", &old), checksum("rollout", &issuers));
}

fn names_follow_the_overrides() {
    for document in &cases::named("autoscaling").documents {
        assert!(document.name().starts_with("authz"), "{}", document.title());
        assert_eq!(
            document.value["metadata"]["namespace"],
            "security",
            "{}",
            document.title()
        );
        assert_eq!(
            document.value["metadata"]["labels"]["team"],
            "platform",
            "{}",
            document.title()
        );
        assert_eq!(
            document.value["metadata"]["annotations"]["example.com/owner"],
            "platform",
            "{}",
            document.title()
        );
    }
    let rendered = cases::rendered(&json!({"nameOverride": "gate", "config": cases::config()}));
    rendered.get("Deployment", "rel-gate");
}

//! Objects that Helm runs beside a release: the check of the configuration, the check of the
//! injector, and the pod of `helm test`.

use serde_json::{Value, json};

use crate::cases::{extended, rendered_with};
use crate::pods;

watchword_test_support::tests![
    test_asks_the_port_that_proxies_ask,
    test_of_sidecars_has_one_or_gets_one,
    hooks_have_the_resources_of_the_values_and_say_why_they_failed,
    configuration_of_sidecars_is_checked_where_their_secrets_are,
    template_of_an_injected_pod_is_made_before_the_policy,
];

fn tls(more: &Value) -> Value {
    extended(json!({"enabled": true, "existingSecret": "cert"}), more)
}

/// The pod of `helm test`, and what its container runs.
fn test_pod(more: &Value) -> (Value, Value) {
    let rendered = rendered_with(more);
    let pod = rendered.get("Pod", "rel-watchword-test").clone();
    let args = pod["spec"]["containers"][0]["args"].clone();
    (pod, args)
}

fn annotation(object: &Value, name: &str) -> Value {
    object["metadata"]["annotations"][name].clone()
}

/// It asked the port for health, which has no TLS, and did not see a wrong certificate.
fn test_asks_the_port_that_proxies_ask() {
    let plain = json!(["health", "rel-watchword.auth.svc:9191"]);
    assert_eq!(test_pod(&json!({})).1, plain);
    let headless = json!(["health", "rel-watchword-headless.auth.svc:9191"]);
    assert_eq!(
        test_pod(&json!({"service": {"enabled": false}})).1,
        headless
    );

    let (pod, args) = test_pod(&json!({"tls": tls(&json!({}))}));
    let expected = json!([
        "health",
        "rel-watchword.auth.svc:9191",
        "--tls-ca",
        "/etc/watchword/server-ca/ca.crt"
    ]);
    assert_eq!(args, expected);
    let mount =
        json!({"name": "server-ca", "mountPath": "/etc/watchword/server-ca", "readOnly": true});
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], json!([mount]));
    let secret = |pod: &Value| pod["spec"]["volumes"][0]["secret"].clone();
    let item = |key: &str| json!([{"key": key, "path": "ca.crt"}]);
    assert_eq!(
        secret(&pod),
        json!({"secretName": "cert", "optional": true, "items": item("ca.crt")})
    );
    let own = json!({"caSecret": "authority", "caKey": "root.pem"});
    let (pod, _) = test_pod(&json!({"tls": tls(&json!({})), "test": own}));
    assert_eq!(secret(&pod)["secretName"], "authority");
    assert_eq!(secret(&pod)["items"], item("root.pem"));

    // It has no certificate to show.
    let client = |certificate: &str| tls(&json!({"client": {"certificate": certificate}}));
    let (_, args) = test_pod(&json!({"tls": client("required")}));
    assert_eq!(
        args,
        json!(["health", "rel-watchword-headless.auth.svc:9192"])
    );
    assert_eq!(test_pod(&json!({"tls": client("optional")})).1, expected);
}

fn test_of_sidecars_has_one_or_gets_one() {
    let of = |sidecar: Value| test_pod(&json!({"mode": "none", "sidecar": sidecar}));
    let (pod, args) = of(json!({"enabled": true}));
    assert_eq!(
        args,
        json!([
            "health",
            "unix:/run/watchword/grpc.sock",
            "--service",
            "live"
        ])
    );
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "watchword");
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"],
        "/run/watchword"
    );

    let injector =
        json!({"enabled": true, "namespaces": ["shop", "stock"], "socketContainers": ["proxy"]});
    let (pod, _) = of(json!({"injector": injector}));
    assert_eq!(pod["metadata"]["namespace"], "stock");
    assert_eq!(pod["metadata"]["labels"]["watchword/inject"], "enabled");
    assert_eq!(pod["spec"]["containers"][0]["name"], "proxy");
    assert!(pod["spec"]["initContainers"].is_null(), "{pod}");

    let (_, args) = of(json!({"listen": "loopback", "injector": {"enabled": true}}));
    assert_eq!(
        args,
        json!(["health", "127.0.0.1:9191", "--service", "live"])
    );
    // Nobody gets the socket.
    let nobody =
        json!({"mode": "none", "sidecar": {"injector": {"enabled": true, "socketContainers": []}}});
    assert_eq!(rendered_with(&nobody).of_kind("Pod").count(), 0);
}

fn hooks_have_the_resources_of_the_values_and_say_why_they_failed() {
    let own = json!({"limits": {"cpu": "100m", "memory": "64Mi"}});
    let rendered = rendered_with(&json!({
        "configCheck": {"enabled": true, "resources": own, "ttlSecondsAfterFinished": 60},
        "test": {"resources": own},
    }));
    let resources = |pod: &Value| pod["spec"]["containers"][0]["resources"]["limits"].clone();
    let job = rendered.get("Job", "rel-watchword-config-check");
    let pod = rendered.get("Pod", "rel-watchword-test");
    assert_eq!(resources(&job["spec"]["template"]), own["limits"]);
    assert_eq!(resources(pod), own["limits"]);
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 60);
    for hook in [job, pod] {
        assert_eq!(
            annotation(hook, "helm.sh/hook-output-log-policy"),
            "hook-failed"
        );
    }
}

fn configuration_of_sidecars_is_checked_where_their_secrets_are() {
    let rendered = rendered_with(&json!({
        "mode": "none", "configCheck": {"enabled": true}, "secretFiles": [{"secret": "idp"}],
        "sidecar": {"injector": {"enabled": true, "namespaces": ["shop"]}},
    }));
    let job = rendered.get("Job", "rel-watchword-config-check");
    let map = rendered.get("ConfigMap", "rel-watchword-config-check");
    assert_eq!(job["metadata"]["namespace"], "shop");
    assert_eq!(map["metadata"]["namespace"], "shop");
    let text = map["data"]["watchword.yaml"].as_str().unwrap();
    assert!(text.contains("unix:/run/watchword/grpc.sock"), "{text}");
    let mut volumes = pods::items(&job["spec"]["template"]["spec"]["volumes"]);
    assert!(volumes.any(|volume| volume["secret"]["secretName"] == "idp"));
}

/// The API server checks it before the policy is in force: see `cluster`.
fn template_of_an_injected_pod_is_made_before_the_policy() {
    let rendered = rendered_with(&json!({
        "mode": "none", "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "sidecar": {"injector": {"enabled": true, "namespaces": ["shop", "stock"]}},
    }));
    let mut places = vec![];
    for document in rendered.of_kind("PodTemplate") {
        let object = &document.value;
        places.push(object["metadata"]["namespace"].as_str().unwrap());
        let hooks = "pre-install,pre-upgrade,pre-rollback";
        assert_eq!(annotation(object, "helm.sh/hook"), hooks);
        let template = &object["template"];
        assert_eq!(
            template["metadata"]["labels"]["watchword/inject"],
            "enabled"
        );
        assert_eq!(template["spec"]["initContainers"][0]["name"], "watchword");
        let volumes: Vec<&Value> = pods::items(&template["spec"]["volumes"])
            .map(|volume| &volume["name"])
            .collect();
        assert_eq!(
            volumes,
            [
                "watchword-config",
                "watchword-socket",
                "watchword-no-token",
                "more"
            ]
        );
    }
    assert_eq!(places, ["shop", "stock"]);
}

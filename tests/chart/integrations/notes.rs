//! NOTES.txt prints YAML to paste, and warns of unsafe settings.

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Chart};

use super::contour::authorization;
use super::values;

watchword_test_support::tests![
    notes_have_istios_mesh_configuration,
    printed_connection_manager_removes_claim_headers_before_routing,
    notes_have_istios_injection_template_only_without_the_injector,
    notes_have_an_envoy_proxy_with_the_sidecar,
    notes_have_the_authorization_of_a_virtual_host,
    printed_cluster_has_all_pods_and_a_valid_authority,
    notes_have_the_labels_of_the_injector,
];

pub(crate) mod warnings;

fn notes(of: Value) -> String {
    Chart::watchword().render(&values(of)).unwrap().notes
}

/// The lines behind the first that begins with `start`, up to an empty one, as YAML.
pub(super) fn pasted(notes: &str, start: &str) -> Value {
    let lines: Vec<&str> = notes
        .lines()
        .skip_while(|line| !line.trim_start().starts_with(start))
        .take_while(|line| !line.trim().is_empty())
        .collect();
    helm::yaml(&lines.join("\n")).unwrap_or_else(|problem| panic!("{problem}: {notes}"))
}

fn notes_have_istios_mesh_configuration() {
    let policies = json!([{"namespace": "shop", "selector": {}}]);
    let provider = |service: &str, timeout: &str| {
        json!({
            "extensionProviders": [{"name": "rel-watchword", "envoyExtAuthzGrpc": {
                "service": service,
                "port": "9191",
                "timeout": timeout,
                "failOpen": false,
                "statusOnError": "503",
            }}],
            "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
        })
    };
    for (timeout, seconds) in [
        ("250ms", "0.25s"),
        ("1s", "1s"),
        ("1500ms", "1.5s"),
        ("205ms", "0.205s"),
    ] {
        let istio = json!({"enabled": true, "policies": policies});
        let printed = notes(json!({"integrations": {"timeout": timeout, "istio": istio}}));
        let service = "auth/rel-watchword.auth.svc.cluster.local";
        assert_eq!(
            pasted(&printed, "extensionProviders:"),
            provider(service, seconds)
        );
    }
    let istio = json!({"enabled": true, "via": "sidecar", "policies": policies});
    let printed = notes(
        json!({"mode": "none", "sidecar": {"enabled": true}, "integrations": {"istio": istio}}),
    );
    assert_eq!(
        pasted(&printed, "extensionProviders:"),
        provider("shop/watchword.local", "0.25s")
    );
}

fn printed_connection_manager_removes_claim_headers_before_routing() {
    let headers = json!({"x-auth-subject": "sub"});
    let config = super::config(&headers);
    let removed = |config: &Value| {
        let manager = pasted(&notes(json!({"config": config})), "normalize_path: true");
        let early = &manager["early_header_mutation_extensions"][0]["typed_config"];
        let mutations = early["mutations"].as_array().cloned();
        mutations.unwrap_or_default()
    };
    let mut lax = config.clone();
    assert_eq!(removed(&config).len(), 6);
    assert_eq!(removed(&config)[0], json!({"remove": "x-auth-subject"}));
    lax["server"] = json!({"forward_override_headers": true});
    assert_eq!(removed(&lax).len(), 1);
    lax["issuers"]["corp"]["headers"] = json!({});
    assert_eq!(removed(&lax), Vec::<Value>::new());
}

fn notes_have_istios_injection_template_only_without_the_injector() {
    let template = "sidecarInjectorWebhook:";
    let istio = json!({
        "enabled": true,
        "via": "sidecar",
        "policies": [{"namespace": "shop", "selector": {}}],
    });
    let printed = |sidecar: Value| {
        let integrations = json!({"istio": istio});
        notes(json!({"mode": "none", "sidecar": sidecar, "integrations": integrations}))
    };
    let pasted = pasted(
        &printed(json!({"enabled": true, "listen": "loopback"})),
        template,
    );
    let text = pasted["sidecarInjectorWebhook"]["templates"]["watchword"].as_str();
    let pod = helm::yaml(text.unwrap()).unwrap();
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "watchword");
    assert_eq!(
        pod["spec"]["volumes"][0]["configMap"]["name"],
        "rel-watchword-sidecar"
    );

    assert!(!printed(json!({"enabled": true})).contains(template));
    let injected =
        json!({"listen": "loopback", "injector": {"enabled": true, "namespaces": ["shop"]}});
    assert!(!printed(injected).contains(template));
}

fn notes_have_an_envoy_proxy_with_the_sidecar() {
    let gateway = json!({
        "enabled": true,
        "via": "sidecar",
        "policies": [{"targetRefs": [{"kind": "Gateway", "name": "edge"}]}],
    });
    let printed = notes(json!({
        "mode": "none",
        "sidecar": {"enabled": true},
        "integrations": {"envoyGateway": gateway},
    }));
    let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    let merge = "If one is named already, add these fields to it";
    assert!(words.contains(merge), "{printed}");
    let proxy = pasted(&printed, "apiVersion: gateway.envoyproxy.io/v1alpha1");
    assert_eq!(proxy["kind"], "EnvoyProxy");
    let pod = &proxy["spec"]["provider"]["kubernetes"]["envoyDeployment"];
    assert_eq!(pod["initContainers"][0]["restartPolicy"], "Always");
    let mount = &pod["container"]["volumeMounts"][0];
    assert_eq!(mount["mountPath"], "/run/watchword");
    let volumes = pod["pod"]["volumes"].as_array().unwrap();
    assert!(
        volumes.iter().any(|volume| volume["name"] == mount["name"]),
        "{volumes:?}"
    );
}

fn notes_have_the_authorization_of_a_virtual_host() {
    let printed = notes(json!({"integrations": {"contour": {"enabled": true, "protocol": "h2c"}}}));
    let spec = json!({"spec": {"virtualhost": {"authorization": authorization()}}});
    assert_eq!(pasted(&printed, "spec:"), spec);
}

fn printed_cluster_has_all_pods_and_a_valid_authority() {
    let printed = notes(json!({}));
    assert!(
        printed.contains("rel-watchword-headless.auth.svc"),
        "{printed}"
    );
    assert!(printed.contains("authority: watchword"), "{printed}");
    assert!(printed.contains("failure_mode_allow: false"), "{printed}");
    let printed = notes(json!({"mode": "none", "sidecar": {"enabled": true}}));
    assert!(printed.contains("/run/watchword/grpc.sock"), "{printed}");
}

fn notes_have_the_labels_of_the_injector() {
    let injector =
        json!({"enabled": true, "namespaces": ["shop"], "podLabels": {"inject": "yes please"}});
    let printed =
        notes(json!({"mode": "none", "sidecar": {"enabled": true, "injector": injector}}));
    assert!(printed.contains("inject: yes please"), "{printed}");
    assert!(printed.contains("in shop,"), "{printed}");
}

//! Bad values are refused before anything is installed, with a message that names the value.

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Chart};

use crate::cases;

watchword_test_support::tests![
    value_that_cannot_be_is_refused_by_the_schema_and_named,
    values_that_contradict_each_other_are_refused_by_name,
    variable_may_stand_in_the_configuration,
    null_takes_a_value_away,
];

/// Values, as YAML, and what the message has. `config` is added where it is missing.
const BY_SCHEMA: &[(&str, &str)] = &[
    ("mode: statefulset", "/mode"),
    ("replica: 3", "replica"),
    ("namespaceOverride: \"a\\nb\"", "/namespaceOverride"),
    ("tls: {existingSecret: \"a\\nb\"}", "/tls/existingSecret"),
    ("service: {clusterIP: \"a\\nb\"}", "/service/clusterIP"),
    ("nameOverride: a b", "/nameOverride"),
    ("admin: {listen: world}", "/admin/listen"),
    (
        "networkPolicy: {egress: {issuerPorts: []}}",
        "/networkPolicy/egress/issuerPorts",
    ),
    ("secretFiles: [{secret: A_b}]", "/secretFiles/0/secret"),
    ("replicas: two", "/replicas"),
    ("replicas: -1", "/replicas"),
    ("reload: warm", "/reload"),
    ("image: {repository: ''}", "/image/repository"),
    ("image: {digest: 'sha256:1'}", "/image/digest"),
    ("image: {pullPolicy: Sometimes}", "/image/pullPolicy"),
    ("image: {name: a}", "name"),
    ("image: watchword:1", "/image"),
    ("imagePullSecrets: [1]", "/imagePullSecrets/0"),
    ("ports: {grpc: 0}", "/ports/grpc"),
    ("ports: {admin: 65536}", "/ports/admin"),
    ("ports: {metrics: 9090}", "metrics"),
    ("tls: {enabled: 'yes'}", "/tls/enabled"),
    (
        "tls: {client: {certificate: maybe}}",
        "/tls/client/certificate",
    ),
    (
        "tls: {certManager: {duration: 90 days}}",
        "/tls/certManager/duration",
    ),
    ("tls: {certManager: {issuerRef: {nam: a}}}", "nam"),
    ("secretFiles: [{name: a}]", "/secretFiles/0"),
    (
        "secretFiles: [{secret: a, name: ../a}]",
        "/secretFiles/0/name",
    ),
    (
        "serviceAccount: {token: {expirationSeconds: 60}}",
        "/serviceAccount/token/expirationSeconds",
    ),
    ("podLabels: {tier: 1}", "/podLabels/tier"),
    ("extraEnv: [{name: A, value: 1}]", "/extraEnv/0/value"),
    ("extraEnv: [{value: a}]", "/extraEnv/0"),
    ("service: {type: ExternalName}", "/service/type"),
    ("service: {ipFamilies: [IPv5]}", "/service/ipFamilies/0"),
    (
        "service: {trafficDistribution: Nearest}",
        "/service/trafficDistribution",
    ),
    (
        "podDisruptionBudget: {maxUnavailable: some}",
        "/podDisruptionBudget/maxUnavailable",
    ),
    ("autoscaling: {minReplicas: 0}", "/autoscaling/minReplicas"),
    (
        "headlessService: {dnsSeconds: 591}",
        "/headlessService/dnsSeconds",
    ),
    (
        "sidecar: {injector: {namespaces: ['a b']}}",
        "/sidecar/injector/namespaces/0",
    ),
    ("sidecar: {listen: tcp}", "/sidecar/listen"),
    ("sidecar: {socket: {mode: rw}}", "/sidecar/socket/mode"),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audience: [b]}}}",
        "audience",
    ),
    (
        "config: {issuers: {corp: {audiences: [b]}}}",
        "/config/issuers/corp",
    ),
    ("config: {issuer: {}}", "issuer"),
];

const BY_TEMPLATES: &[(&str, &str)] = &[
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b]}}}",
        "config.issuers.corp: set exactly one of jwks and secret_file",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         jwks: {discovery: true}, secret_file: /a}}}",
        "config.issuers.corp: set exactly one of jwks and secret_file",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', jwks: {discovery: true}}}}",
        "config.issuers.corp.audiences:",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         any_audience: true, jwks: {discovery: true}}}}",
        "config.issuers.corp:",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         jwks: {wait: 1s}}}}",
        "config.issuers.corp.jwks:",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         jwks: {discovery: true, file: /a}}}}",
        "config.issuers.corp.jwks:",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         jwks: {discovery: true}}}, rules: [{}, {require: {issuers: [crop]}}]}",
        "config.rules[1].require.issuers[0]:",
    ),
    (
        "config: {issuers: {corp: {issuer: 'https://a.example', audiences: [b], \
         secret_file: /etc/watchword/secrets/a/b}}}",
        "config.issuers.corp.secret_file:",
    ),
    (
        "mode: none",
        "mode: none needs sidecar.enabled or sidecar.injector.enabled",
    ),
    ("service: {nodePort: 30000}", "service.nodePort:"),
    (
        "networkPolicy: {cilium: {enabled: true, toFQDNs: [{matchName: a}]}}",
        "networkPolicy.cilium.enabled:",
    ),
    (
        "networkPolicy: {enabled: true, cilium: {enabled: true}}",
        "networkPolicy.cilium.toFQDNs:",
    ),
    (
        "networkPolicy: {enabled: true, cilium: {enabled: true, toFQDNs: [{matchName: a}]}, \
         egress: {extra: [{}]}}",
        "networkPolicy.egress.extra:",
    ),
    (
        "secretFiles: [{secret: a.b}, {secret: a-b}]",
        "secretFiles[1].name:",
    ),
    (
        "secretFiles: [{secret: a234567890123456789012345678901234567890123456789}]",
        "secretFiles[0].name:",
    ),
    (
        "autoscaling: {enabled: true, targetCPUUtilizationPercentage: null}",
        "autoscaling.targetCPUUtilizationPercentage:",
    ),
    (
        "podMonitor: {enabled: true}\nadmin: {enabled: false}",
        "podMonitor.enabled: needs admin.enabled",
    ),
    (
        "serviceMonitor: {enabled: true}\nadmin: {listen: loopback}",
        "serviceMonitor.enabled: needs admin.enabled",
    ),
    (
        "mode: none\nprometheusRule: {enabled: true}",
        "prometheusRule.selector:",
    ),
    (
        "preStopSleepSeconds: 20\nterminationGracePeriodSeconds: 30",
        "terminationGracePeriodSeconds:",
    ),
    ("config: {}", "config.issuers:"),
    ("config: {server: {realm: a}}", "config.issuers:"),
    (
        "config: {server: {grpc: {address: '0.0.0.0:1'}}}",
        "config.server.grpc.address:",
    ),
    (
        "config: {server: {grpc: {tls: {certificate: a, private_key: b}}}}",
        "config.server.grpc.tls:",
    ),
    (
        "config: {server: {health: {address: '0.0.0.0:1'}}}",
        "config.server.health:",
    ),
    (
        "config: {server: {admin: {address: '0.0.0.0:1'}}}",
        "config.server.admin:",
    ),
    ("config: {state_dir: /tmp}", "config.state_dir:"),
    (
        "existingConfig: {configMap: a, secret: b}\nconfig: {}",
        "existingConfig.secret:",
    ),
    (
        "existingConfig: {secret: a}\nconfig: null\nsidecar: {injector: {podConfigMaps: [b]}}",
        "sidecar.injector.podConfigMaps:",
    ),
    ("existingConfig: {configMap: a}", "config:"),
    (
        "existingConfig: {configMap: a}\nreload: rollout\nconfig: {}",
        "reload:",
    ),
    ("tls: {enabled: true}", "tls.existingSecret:"),
    (
        "tls: {enabled: true, certManager: {enabled: true}}",
        "tls.certManager.issuerRef.name:",
    ),
    ("tls: {certManager: {enabled: true}}", "tls.enabled:"),
    ("tls: {client: {certificate: required}}", "tls.enabled:"),
    ("caBundle: {configMap: a, secret: b}", "caBundle.secret:"),
    ("ports: {grpc: 9192}", "ports:"),
    (
        "config: {server: {public_keys: {address: '0.0.0.0:9193'}}, issuers: {corp: {issuer: \
         'https://a.example', audiences: [b], jwks: {discovery: true}}}}",
        "config.server.public_keys.address: port 9193",
    ),
    (
        "service: {enabled: false}\nheadlessService: {enabled: false}",
        "test.enabled:",
    ),
    (
        "mode: daemonset\nautoscaling: {enabled: true}",
        "autoscaling.enabled:",
    ),
    (
        "mode: daemonset\nautoscaling: {external: true}",
        "autoscaling.external:",
    ),
    (
        "autoscaling: {enabled: true, external: true}",
        "autoscaling.external:",
    ),
    (
        "autoscaling: {enabled: true, minReplicas: 20}",
        "autoscaling.minReplicas:",
    ),
    (
        "terminationGracePeriodSeconds: 50\npreStopSleepSeconds: 100\n\
         existingConfig: {secret: a}\nconfig: null",
        "terminationGracePeriodSeconds:",
    ),
    (
        "terminationGracePeriodSeconds: 10",
        "terminationGracePeriodSeconds:",
    ),
];

fn problem(text: &str) -> String {
    let mut values = helm::yaml(text).unwrap();
    if values.get("config").is_none() {
        values["config"] = cases::config();
    }
    let rendered = Chart::watchword().render(&values);
    rendered.err().unwrap_or_else(|| panic!("{text}: taken"))
}

fn value_that_cannot_be_is_refused_by_the_schema_and_named() {
    for &(values, named) in BY_SCHEMA {
        let problem = problem(values);
        assert!(problem.contains("schema"), "{values}: {problem}");
        assert!(problem.contains(named), "{values}: {problem}");
    }
}

fn values_that_contradict_each_other_are_refused_by_name() {
    for &(values, named) in BY_TEMPLATES {
        let problem = problem(values);
        // Helm's own words end before the value's name.
        assert!(
            problem.contains(&format!(": {named}")),
            "{values}: {problem}"
        );
        assert!(!problem.contains("schema"), "{values}: {problem}");
    }
}

fn variable_may_stand_in_the_configuration() {
    let mut config = cases::config();
    config["issuers"]["corp"]["issuer"] = json!("${ISSUER}");
    config["issuers"]["corp"]["jwks"] = json!({"uri": "${KEYS}"});
    config["issuers"]["shared"] = json!({
        "issuer": "${SHARED}",
        "any_audience": "${ANY}",
        "secret_file": "/etc/watchword/secrets/${PLACE}/key",
    });
    config["rules"] = json!([{"require": {"issuers": ["${WHO}"]}}]);
    config["server"] = json!({"max_token_size": "${MAX:-4096}"});
    assert!(
        Chart::watchword()
            .render(&json!({"config": config}))
            .is_ok()
    );
}

fn null_takes_a_value_away() {
    let values = json!({
        "config": cases::config(),
        "tls": {"client": {"caSecret": Value::Null}},
        "podSecurityContext": {"fsGroup": Value::Null},
    });
    let rendered = cases::rendered(&values);
    let spec = &rendered.get("Deployment", "rel-watchword")["spec"]["template"]["spec"];
    assert!(spec["securityContext"]["fsGroup"].is_null());
    assert_eq!(spec["securityContext"]["runAsUser"], 65532);
    let values = json!({
        "config": cases::config(),
        "global": null,
        "securityContext": null,
        "podSecurityContext": null,
        "commonLabels": null,
        "commonAnnotations": null,
        "podLabels": null,
        "podAnnotations": null,
        "extraVolumeMounts": null,
        "extraVolumes": null,
        "extraEnv": null,
        "extraArgs": null,
        "imagePullSecrets": null,
        "sidecar": {"enabled": true, "injector": {"enabled": true}},
    });
    let rendered = cases::rendered(&values);
    let spec = &rendered.get("Deployment", "rel-watchword")["spec"]["template"]["spec"];
    assert!(spec["securityContext"].is_null(), "{spec}");
}

//! Values that are hard to write in CEL, and must reach the pod as they are.

use serde_json::json;

use super::install::Injector;
use crate::cluster::Cluster;
use crate::pods;

const VALUES: &str = r#"
mode: none
config:
  issuers:
    corp: {issuer: "https://idp.example.com", audiences: [orders-api], jwks: {discovery: true}}
imagePullSecrets: [registry, {name: other}]
caBundle: {configMap: our-ca, key: bundle.crt}
preStopSleepSeconds: 5
extraArgs: [--print-config]
extraEnv:
- {name: QUOTED, value: "a \"b\" <c> & 'd' \\ $(e) ${f} \u0001 \u2028\n\tgrün 🔑"}
- {name: EMPTY, value: ""}
- name: CPU
  valueFrom: {resourceFieldRef: {containerName: watchword, resource: limits.cpu, divisor: 1m}}
- {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['watchword/inject']"}}}
- {name: SECRET, valueFrom: {secretKeyRef: {name: a, key: b, optional: true}}}
extraEnvFrom: [{prefix: A_, configMapRef: {name: more, optional: true}}]
extraVolumes:
- name: csi
  csi:
    driver: csi.example.com
    readOnly: true
    volumeAttributes: {in: x, namespace: "y", a-b: z, a__b: "1", "true": "false", "": "empty"}
- name: claim
  ephemeral:
    volumeClaimTemplate:
      metadata: {labels: {example.com/a-b: c}}
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: fast
        resources: {requests: {storage: 1Gi}}
- name: tokens
  projected:
    defaultMode: 288
    sources:
    - serviceAccountToken: {audience: "https://idp.example.com", expirationSeconds: 3600, path: a}
    - configMap: {name: a, optional: true, items: [{key: in, path: b, mode: 256}]}
    - downwardAPI: {items: [{path: c, fieldRef: {fieldPath: metadata.name}}]}
extraVolumeMounts:
- {name: csi, mountPath: /csi, readOnly: true}
- {name: claim, mountPath: /claim, subPathExpr: $(LABEL)}
- {name: tokens, mountPath: /tokens}
sidecar:
  enabled: true
  admin: {enabled: true}
  resources:
    requests: {cpu: 50m, memory: 32Mi, example.com/thing: 1}
    limits: {cpu: "0.5", memory: 128Mi, example.com/thing: 1}
  injector: {enabled: true, socketContainers: [proxy]}
"#;

#[test]
fn values_come_through_exactly() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let injector = Injector::install(cluster, "hard", VALUES);
    let names = injector
        .templates
        .volumes
        .iter()
        .map(|volume| volume["name"].clone());
    let names: Vec<_> = names.collect();
    for name in ["csi", "claim", "tokens"] {
        assert!(names.contains(&json!(name)), "{names:?}");
    }
    let plain = pods::labelled(json!({}));
    let proxies = ["envoy", "proxy"].map(pods::container);
    let proxies = pods::labelled(json!({
        "containers": proxies,
        "imagePullSecrets": [{"name": "registry"}, {"name": "own"}],
    }));
    for (namespace, pod, sockets) in [
        (&injector.pods, &plain, &[][..]),
        (&injector.privileged, &plain, &[]),
        (&injector.pods, &proxies, &["proxy"]),
    ] {
        let added = injector.adds_sidecar(namespace, pod, &["watchword"], sockets);
        added.unwrap_or_else(|problem| panic!("{problem}"));
    }
}

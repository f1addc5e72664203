//! Types of values that the schema cannot derive from their defaults. Kubernetes itself checks the
//! shapes of its own objects.

use serde_json::{Value, json};

mod integrations;

/// `None` if the default defines the shape.
pub(crate) fn of(path: &str) -> Option<Value> {
    if let Some(path) = path.strip_prefix("integrations.") {
        return integrations::of(path);
    }
    words(path)
        .or_else(|| numbers(path))
        .or_else(|| mappings(path))
}

fn one_of(values: &[&str]) -> Value {
    json!({"enum": values})
}

fn pattern(pattern: &str) -> Value {
    json!({"pattern": pattern})
}

/// The name of an object, or none.
const NAME: &str = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$";

const LENGTH_OF_TIME: &str = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w|y))*$";

fn words(path: &str) -> Option<Value> {
    Some(match path {
        "mode" => one_of(&["deployment", "daemonset", "none"]),
        "reload" => one_of(&["hot", "rollout"]),
        "image.pullPolicy" => one_of(&["Always", "IfNotPresent", "Never"]),
        "image.repository" => json!({"minLength": 1}),
        "image.digest" => pattern("^(sha256:[0-9a-f]{64})?$"),
        "tls.client.certificate" => one_of(&["none", "optional", "required"]),
        "dnsPolicy" => one_of(&[
            "",
            "ClusterFirst",
            "ClusterFirstWithHostNet",
            "Default",
            "None",
        ]),
        "service.type" => one_of(&["ClusterIP", "NodePort", "LoadBalancer"]),
        "service.trafficDistribution" => {
            one_of(&["", "PreferSameZone", "PreferSameNode", "PreferClose"])
        }
        "service.internalTrafficPolicy" => one_of(&["", "Cluster", "Local"]),
        "service.ipFamilyPolicy" => {
            one_of(&["", "SingleStack", "PreferDualStack", "RequireDualStack"])
        }
        "podDisruptionBudget.unhealthyPodEvictionPolicy" => {
            one_of(&["AlwaysAllow", "IfHealthyBudget"])
        }
        "admin.listen" => one_of(&["pod", "loopback"]),
        "nameOverride" => pattern("^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"),
        "namespaceOverride" => pattern("^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"),
        "tls.existingSecret" | "tls.client.caSecret" | "test.caSecret" => pattern(NAME),
        "clusterDomain" => pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        "service.clusterIP" => pattern("^([0-9a-fA-F.:]+|None)?$"),
        "sidecar.listen" => one_of(&["unix", "loopback"]),
        "sidecar.socket.mode" => pattern("^0?[0-7]{3}$"),
        "sidecar.injector.apiVersion" => one_of(&["", "v1", "v1beta1", "v1alpha1"]),
        "sidecar.injector.failurePolicy" => one_of(&["Fail", "Ignore"]),
        "tls.certManager.duration" | "tls.certManager.renewBefore" => pattern(LENGTH_OF_TIME),
        _ if path.ends_with(".interval") || path.ends_with(".scrapeTimeout") => {
            pattern(LENGTH_OF_TIME)
        }
        _ => return None,
    })
}

fn numbers(path: &str) -> Option<Value> {
    Some(match path {
        "ports.grpc" | "ports.health" | "ports.admin" | "service.port" => {
            json!({"minimum": 1, "maximum": 65535})
        }
        "service.nodePort" => json!({"type": ["integer", "null"], "minimum": 1, "maximum": 65535}),
        "networkPolicy.egress.issuerPorts" => {
            json!({"minItems": 1, "items": {"type": "integer", "minimum": 1, "maximum": 65535}})
        }
        "hostUsers" | "sidecar.injector.requireSidecar" => json!({"type": ["boolean", "null"]}),
        "terminationGracePeriodSeconds"
        | "autoscaling.targetCPUUtilizationPercentage"
        | "autoscaling.targetMemoryUtilizationPercentage" => {
            json!({"type": ["integer", "null"], "minimum": 1})
        }
        "autoscaling.minReplicas" | "autoscaling.maxReplicas" => json!({"minimum": 1}),
        // A drain is 10 minutes at most.
        "headlessService.dnsSeconds" => json!({"maximum": 590}),
        "serviceAccount.token.expirationSeconds" => json!({"minimum": 600}),
        "podDisruptionBudget.maxUnavailable" | "podDisruptionBudget.minAvailable" => {
            json!({"type": ["integer", "string", "null"], "minimum": 0, "pattern": "^[0-9]+%$"})
        }
        _ => return None,
    })
}

fn mappings(path: &str) -> Option<Value> {
    let name = json!({"type": "string", "minLength": 1});
    let names = json!({"type": "array", "items": name});
    let mappings = json!({"type": "array", "items": {"type": "object"}});
    Some(match path {
        "config" => json!({"$ref": "#/definitions/Config"}),
        "global" => {
            json!({
                "properties": {
                    "imageRegistry": {"type": "string"},
                    "imagePullSecrets": references(),
                },
            })
        }
        "imagePullSecrets" => references(),
        "secretFiles" => {
            let items = json!({"type": "array", "items": {"type": "object"}});
            let directory = json!({
                "type": "string",
                "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                "maxLength": 46,
            });
            let secret = json!({"type": "string", "minLength": 1, "pattern": NAME});
            let fields = json!({
                "secret": secret,
                "name": directory,
                "items": items,
                "optional": {"type": "boolean"},
            });
            let mut file = known(&fields);
            file["required"] = json!(["secret"]);
            json!({"items": file})
        }
        "tls.certManager.issuerRef" => known(&json!({"name": name, "kind": name, "group": name})),
        "service.ipFamilies" => json!({"items": one_of(&["IPv4", "IPv6"]), "maxItems": 2}),
        "extraObjects" => json!({"items": {"type": ["object", "string"]}}),
        "extraArgs" | "tls.certManager.dnsNames" | "sidecar.injector.podConfigMaps" => names,
        "sidecar.injector.namespaces" => {
            let name = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
            json!({"items": {"type": "string", "pattern": name}})
        }
        // Kubernetes refuses numbers and truths here, which is easily overlooked.
        "extraEnv" => {
            let fields = json!({"name": name, "value": {"type": "string"}});
            json!({
                "type": "array",
                "items": {"type": "object", "properties": fields, "required": ["name"]},
            })
        }
        "extraEnvFrom"
        | "extraVolumes"
        | "extraVolumeMounts"
        | "extraContainers"
        | "initContainers"
        | "tolerations"
        | "hostAliases"
        | "resizePolicy"
        | "topologySpreadConstraints" => mappings,
        _ => return None,
    })
}

fn known(properties: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// Names, or mappings with `name`.
fn references() -> Value {
    json!({"type": "array", "items": {"type": ["string", "object"]}})
}

//! The shapes of `integrations`. The fields of each item are known, because a misspelt one would be
//! omitted, or dropped by the API server. The products check objects that the chart passes on as a
//! whole, such as routes.

use serde_json::{Value, json};

use super::{known, one_of, pattern};

/// `None` if the default defines the shape.
pub(super) fn of(path: &str) -> Option<Value> {
    Some(match path {
        "timeout" => pattern("^[1-9][0-9]{0,4}(ms|s)$"),
        "backendTLSPolicy.caCertificateRefs" => items(
            &json!({"group": text(), "kind": word(), "name": word()}),
            &["name"],
        ),
        "backendTLSPolicy.wellKnownCACertificates" => one_of(&["", "System"]),
        "istio.via" | "envoyGateway.via" => one_of(&["service", "sidecar"]),
        "istio.rootNamespace" => json!({"minLength": 1}),
        "istio.policies" => istio(),
        "envoyGateway.policies" => policies(
            &["Gateway", "HTTPRoute", "GRPCRoute", "ListenerSet"],
            &json!({"backendSettings": {"type": "object"}}),
        ),
        "envoyGateway.clientTrafficPolicies" | "kgateway.listenerPolicies" => gateways(),
        "kgateway.policies" => policies(
            &[
                "Gateway",
                "HTTPRoute",
                "GRPCRoute",
                "ListenerSet",
                "XListenerSet",
            ],
            &json!({}),
        ),
        "gatewayAPI.routes" => routes(),
        "contour.caSecret" => pattern(super::NAME),
        "contour.protocol" => one_of(&["h2", "h2c"]),
        "contour.proxies" => proxies(),
        _ => return None,
    })
}

fn text() -> Value {
    json!({"type": "string"})
}

fn namespace() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"})
}

fn word() -> Value {
    json!({"type": "string", "minLength": 1})
}

/// A list of mappings with these fields.
fn items(fields: &Value, required: &[&str]) -> Value {
    let mut item = known(fields);
    if !required.is_empty() {
        item["required"] = json!(required);
    }
    json!({"type": "array", "items": item})
}

/// Items with a name, a namespace, and these fields.
fn named(mut fields: Value) -> Value {
    fields["name"] = word();
    fields["namespace"] = namespace();
    items(&fields, &[])
}

/// Policies of whole Gateways.
fn gateways() -> Value {
    let mut policies = named(json!({"targetRefs": target_refs(&["Gateway"])}));
    policies["items"]["required"] = json!(["targetRefs"]);
    policies
}

fn anything(kind: &str) -> Value {
    json!({"type": "array", "items": {"type": kind}})
}

/// Texts alone: of a number, `1.10` would become another text.
fn pairs() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn target_refs(kinds: &[&str]) -> Value {
    let fields =
        json!({"group": text(), "kind": one_of(kinds), "name": word(), "sectionName": word()});
    items(&fields, &["kind", "name"])
}

fn policies(kinds: &[&str], more: &Value) -> Value {
    let mut fields = more.clone();
    fields["targetRefs"] = target_refs(kinds);
    fields["context"] = pairs();
    named(fields)
}

fn istio() -> Value {
    let lists = |names: &[&str]| {
        let fields = names.iter().flat_map(|name| {
            let mut other = format!("not{name}");
            if let Some(first) = other.get_mut(3..4) {
                first.make_ascii_uppercase();
            }
            [
                ((*name).to_owned(), anything("string")),
                (other, anything("string")),
            ]
        });
        known(&Value::Object(fields.collect()))
    };
    let operation = lists(&["hosts", "ports", "methods", "paths"]);
    let source = lists(&[
        "principals",
        "requestPrincipals",
        "namespaces",
        "serviceAccounts",
        "ipBlocks",
        "remoteIpBlocks",
    ]);
    let condition =
        json!({"key": word(), "values": anything("string"), "notValues": anything("string")});
    let rule = json!({
        "from": items(&json!({"source": source}), &["source"]),
        "to": items(&json!({"operation": operation}), &["operation"]),
        "when": items(&condition, &["key"]),
    });
    let mut target_refs = target_refs(&["Gateway", "GatewayClass", "Service", "ServiceEntry"]);
    if let Some(fields) = target_refs["items"]["properties"].as_object_mut() {
        fields.remove("sectionName");
    }
    named(json!({
        "rules": items(&rule, &[]),
        // The templates refuse a wrong one with a message.
        "selector": {"type": "object"},
        "targetRefs": target_refs,
    }))
}

fn routes() -> Value {
    let rule = json!({
        "name": word(),
        "matches": anything("object"),
        "filters": anything("object"),
        "backendRefs": anything("object"),
        "timeouts": {"type": "object"},
        "retry": {"type": "object"},
        "sessionPersistence": {"type": "object"},
    });
    named(json!({
        "parentRefs": anything("object"),
        "hostnames": anything("string"),
        "rules": items(&rule, &[]),
    }))
}

fn proxies() -> Value {
    named(json!({
        "virtualhost": {"type": "object"},
        "routes": anything("object"),
        "includes": anything("object"),
        "context": pairs(),
    }))
}

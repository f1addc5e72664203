//! Contour: the extension service, and virtual hosts that ask it.

use serde_json::{Value, json};

use super::{object, objects};

watchword_test_support::tests![
    extension_service_speaks_tls_to_a_name_that_is_a_valid_authority,
    plaintext_to_contour_must_be_explicit,
    virtual_hosts_ask_and_fail_closed,
];

fn extension(spec: Value) -> Value {
    let place = ("auth", "rel-watchword");
    object(
        "projectcontour.io/v1alpha1",
        "ExtensionService",
        place,
        spec,
    )
}

fn extension_service_speaks_tls_to_a_name_that_is_a_valid_authority() {
    for (given, secret) in [(json!({}), "cert"), (json!({"caSecret": "ca"}), "ca")] {
        let mut contour = given;
        contour["enabled"] = json!(true);
        let made = objects(json!({
            "tls": {"enabled": true, "existingSecret": "cert"},
            "integrations": {"contour": contour},
        }));
        let expected = extension(json!({
            "protocol": "h2",
            "services": [{"name": "rel-watchword", "port": 9191}],
            "timeoutPolicy": {"response": "250ms"},
            "validation": {"caSecret": secret, "subjectName": "rel-watchword.auth.svc"},
        }));
        assert_eq!(made, [expected]);
    }
}

fn plaintext_to_contour_must_be_explicit() {
    let made = objects(json!({"integrations": {"contour": {"enabled": true, "protocol": "h2c"}}}));
    let expected = extension(json!({
        "protocol": "h2c",
        "services": [{"name": "rel-watchword", "port": 9191}],
        "timeoutPolicy": {"response": "250ms"},
    }));
    assert_eq!(made, [expected]);
}

/// The authorization of a virtual host by the release `rel` in the namespace `auth`.
pub(super) fn authorization() -> Value {
    json!({
        "extensionRef": {
            "apiVersion": "projectcontour.io/v1alpha1",
            "name": "rel-watchword",
            "namespace": "auth",
        },
        "failOpen": false,
        "responseTimeout": "250ms",
    })
}

fn virtual_hosts_ask_and_fail_closed() {
    let mut authorization = authorization();
    authorization["authPolicy"] = json!({"context": {"zone": "edge"}});
    let routes =
        json!([{"conditions": [{"prefix": "/"}], "services": [{"name": "orders", "port": 80}]}]);
    let includes = json!([{"name": "more"}]);
    let made = objects(
        json!({"integrations": {"contour": {"enabled": true, "protocol": "h2c", "proxies": [{
            "name": "shop", "namespace": "shop",
            "virtualhost": {"fqdn": "shop.example.com", "tls": {"secretName": "shop"}},
            "context": {"zone": "edge"}, "routes": routes, "includes": includes,
        }]}}}),
    );
    let proxy = object(
        "projectcontour.io/v1",
        "HTTPProxy",
        ("shop", "shop"),
        json!({
            "virtualhost": {
                "fqdn": "shop.example.com",
                "tls": {"secretName": "shop"},
                "authorization": authorization,
            },
            "routes": routes,
            "includes": includes,
        }),
    );
    assert_eq!(made[1..], [proxy]);
}

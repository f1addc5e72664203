//! Kubernetes' Pod Security Standard "restricted", check by check, on every pod.

use serde_json::{Value, json};

use crate::pods::{self, Pod, items};

watchword_test_support::tests![
    every_pod_is_restricted,
    watchword_cannot_write_outside_volumes_and_sees_no_token_of_the_service_account,
    each_check_sees_its_breach,
];

/// The violations of the standard by a pod.
fn breaches(pod: &Pod) -> Vec<String> {
    let spec = &pod.spec;
    let mut found = Vec::new();
    let mut demand = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        demand(unset_or(&spec[host], &[json!(false)]), host.to_owned());
    }
    demand(
        spec["securityContext"]["sysctls"].is_null(),
        "sysctls".into(),
    );
    for volume in items(&spec["volumes"]) {
        demand(is_allowed(volume), format!("volume {}", volume["name"]));
    }
    for container in pod.containers() {
        for breach in of_container(&spec["securityContext"], container) {
            demand(false, format!("{}: {breach}", container["name"]));
        }
    }
    found
}

fn is_allowed(volume: &Value) -> bool {
    const KINDS: [&str; 8] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let mut kinds = volume
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys);
    kinds.all(|kind| kind == "name" || KINDS.contains(&kind.as_str()))
}

fn of_container(pod: &Value, container: &Value) -> Vec<&'static str> {
    let own = &container["securityContext"];
    let either = |key: &str| {
        if own[key].is_null() {
            &pod[key]
        } else {
            &own[key]
        }
    };
    let seccomp = either("seccompProfile")["type"]
        .as_str()
        .unwrap_or_default();
    let dropped = &own["capabilities"]["drop"];
    let added = items(&own["capabilities"]["add"]);
    let checks = [
        ("privileged", unset_or(&own["privileged"], &[json!(false)])),
        (
            "privilege escalation",
            own["allowPrivilegeEscalation"] == false,
        ),
        ("runs as root", either("runAsNonRoot") == &json!(true)),
        ("user 0", either("runAsUser") != &json!(0)),
        (
            "seccomp",
            ["RuntimeDefault", "Localhost"].contains(&seccomp),
        ),
        (
            "capabilities kept",
            items(dropped).any(|name| name == "ALL"),
        ),
        (
            "capabilities added",
            added.into_iter().all(|name| name == "NET_BIND_SERVICE"),
        ),
        (
            "proc mount",
            unset_or(&own["procMount"], &[json!("Default")]),
        ),
        (
            "host ports",
            items(&container["ports"]).all(|port| unset_or(&port["hostPort"], &[json!(0)])),
        ),
        ("SELinux", either("seLinuxOptions").is_null()),
        ("AppArmor", either("appArmorProfile").is_null()),
        (
            "host probes",
            ["livenessProbe", "readinessProbe", "startupProbe"]
                .iter()
                .all(|probe| {
                    ["httpGet", "tcpSocket"]
                        .iter()
                        .all(|action| container[*probe][*action]["host"].is_null())
                }),
        ),
    ];
    let broken = checks.into_iter().filter(|(_, holds)| !holds);
    broken.map(|(name, _)| name).collect()
}

fn unset_or(value: &Value, allowed: &[Value]) -> bool {
    value.is_null() || allowed.contains(value)
}

fn every_pod_is_restricted() {
    let pods = pods::all();
    assert!(pods.len() > 20, "{}", pods.len());
    for pod in pods {
        assert_eq!(breaches(&pod), [""; 0], "{}", pod.title);
    }
}

fn watchword_cannot_write_outside_volumes_and_sees_no_token_of_the_service_account() {
    for pod in pods::all() {
        assert_eq!(
            pod.spec["automountServiceAccountToken"], false,
            "{}",
            pod.title
        );
        for container in pod
            .containers()
            .filter(|container| container["name"] != "beside" && container["name"] != "before")
        {
            let context = &container["securityContext"];
            assert_eq!(context["readOnlyRootFilesystem"], true, "{}", pod.title);
        }
        let has_token = pod.spec["volumes"]
            .to_string()
            .contains("serviceAccountToken");
        assert_eq!(
            has_token,
            pod.title == "pod: Deployment rel-watchword",
            "{}",
            pod.title
        );
    }
}

/// A change of a pod: the path, the value, and the violation that it causes.
fn breaks() -> [(&'static str, Value, &'static str); 16] {
    [
        ("/hostNetwork", json!(true), "hostNetwork"),
        ("/hostPID", json!(true), "hostPID"),
        ("/hostIPC", json!(true), "hostIPC"),
        ("/securityContext/sysctls", json!([{}]), "sysctls"),
        ("/volumes/0/hostPath", json!({"path": "/"}), "volume"),
        (
            "/containers/0/securityContext/privileged",
            json!(true),
            "privileged",
        ),
        (
            "/containers/0/securityContext/allowPrivilegeEscalation",
            json!(true),
            "escalation",
        ),
        (
            "/containers/0/securityContext/runAsNonRoot",
            json!(false),
            "as root",
        ),
        (
            "/containers/0/securityContext/runAsUser",
            json!(0),
            "user 0",
        ),
        ("/securityContext/seccompProfile", json!(null), "seccomp"),
        (
            "/containers/0/securityContext/capabilities/drop",
            json!([]),
            "kept",
        ),
        (
            "/containers/0/securityContext/capabilities/add",
            json!(["NET_ADMIN"]),
            "added",
        ),
        (
            "/containers/0/securityContext/procMount",
            json!("Unmasked"),
            "proc",
        ),
        ("/containers/0/ports/0/hostPort", json!(80), "host ports"),
        (
            "/containers/0/securityContext/seLinuxOptions",
            json!({"user": "a"}),
            "SELinux",
        ),
        (
            "/containers/0/livenessProbe/httpGet",
            json!({"host": "a"}),
            "host probes",
        ),
    ]
}

fn each_check_sees_its_breach() {
    let good = pods::all().remove(0);
    for (path, value, expected) in breaks() {
        let mut pod = good.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        pod.spec.pointer_mut(parent).expect(path)[key] = value;
        let found = breaches(&pod).join("; ");
        assert!(found.contains(expected), "{path}: {found}");
    }
}

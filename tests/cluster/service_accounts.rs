//! Pods that call each other with tokens of their service accounts: `examples/kubernetes`, with
//! tokens that the API server signs, and keys that Watchword fetches from it with a token of its
//! own, as RBAC allows by default.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::namespace::Namespace;

const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/kubernetes/watchword.yaml"
);

/// The directory in a pod with its token and the API server's CA.
const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The namespace that the example is for.
const SHOP: &str = "shop";
const OTHER: &str = "another-shop";

/// A row: the caller's namespace and account, options of its token, the path, and the reason of the
/// verdict.
type Call = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const AUDIENCE: &str = "--audience=orders-api";
const LONG: &str = "--duration=48h";

const CALLS: [Call; 9] = [
    (SHOP, "checkout", &[AUDIENCE], "/refunds/1", "allowed"),
    (SHOP, "cart", &[AUDIENCE], "/refunds/1", "policy_denied"),
    (
        OTHER,
        "checkout",
        &[AUDIENCE],
        "/refunds/1",
        "policy_denied",
    ),
    (SHOP, "cart", &[AUDIENCE], "/orders/1", "allowed"),
    (OTHER, "cart", &[AUDIENCE], "/orders/1", "policy_denied"),
    (SHOP, "cart", &[AUDIENCE], "/elsewhere", "policy_denied"),
    (SHOP, "checkout", &[], "/refunds/1", "audience_mismatch"),
    (
        SHOP,
        "checkout",
        &["--audience=another"],
        "/refunds/1",
        "audience_mismatch",
    ),
    (
        SHOP,
        "checkout",
        &[AUDIENCE, LONG],
        "/refunds/1",
        "claim_invalid",
    ),
];

#[test]
fn tokens_of_service_accounts_are_judged_as_the_example_says() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    for namespace in [SHOP, OTHER] {
        let namespace = Namespace::new(cluster, namespace);
        for account in ["checkout", "cart", "watchword"] {
            namespace.create_service_account(cluster, account);
        }
    }
    let own = token(cluster, SHOP, "watchword", &[]);
    let configuration = configuration(cluster, "accounts", &own);
    for (namespace, account, options, path, reason) in CALLS {
        let token = token(cluster, namespace, account, options);
        let output = judge(&configuration, path, &token);
        let verdict: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let call = format!("{namespace}/{account} {options:?} {path}");
        assert_eq!(verdict["reason"], reason, "{call}: {verdict:#}");
    }
}

#[test]
fn api_server_gives_no_keys_without_a_token_of_watchwords_own() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "without-a-token");
    let token = token(cluster, &namespace.name, "default", &[AUDIENCE]);
    let configuration = configuration(cluster, "anonymous", "nobody");
    let output = judge(&configuration, "/orders/1", &token);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr.contains("answered 401 Unauthorized"), "{stderr}");
}

fn token(cluster: &Cluster, namespace: &str, account: &str, options: &[&str]) -> String {
    let namespace = format!("--namespace={namespace}");
    let create = ["create", "token", account, &namespace];
    let token = cluster.kubectl(&[&create, options].concat());
    token.without_warning().stdout.trim().to_owned()
}

/// The example's configuration, with what a pod would have.
fn configuration(cluster: &Cluster, name: &str, own_token: &str) -> PathBuf {
    let folder = cluster.folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("token"), own_token).unwrap();
    fs::write(folder.join("ca.crt"), &cluster.control_plane.certificate).unwrap();
    let mut text = fs::read_to_string(EXAMPLE).unwrap();
    for (from, to) in [
        (MOUNT, folder.to_str().expect("a path in UTF-8")),
        (
            "https://kubernetes.default.svc/",
            &format!("{}/", cluster.control_plane.server),
        ),
    ] {
        assert!(text.contains(from), "the example has no {from}");
        text = text.replace(from, to);
    }
    let file = folder.join("watchword.yaml");
    fs::write(&file, text).unwrap();
    file
}

/// The output of `watchword validate`.
fn judge(configuration: &Path, path: &str, token: &str) -> Output {
    let mut validate = Command::new(env!("CARGO_BIN_EXE_watchword"));
    validate.args(["validate", "--json", "--path", path, "--config"]);
    validate.arg(configuration).arg("-");
    validate
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = validate.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, token.as_bytes()).unwrap();
    drop(input);
    process.wait_with_output().unwrap()
}

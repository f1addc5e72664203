//! Listeners and callers: all wrong settings and files are reported.

use crate::folder;
use crate::{text, watchword};

use super::{GOOD, KEYS};

/// The output for these lines under `server`, with these files beside the configuration.
fn said(name: &str, server: &str, files: &[(&str, &str)]) -> String {
    let config = format!("server:\n{server}{GOOD}");
    let own = [("watchword.yaml", config.as_str()), ("keys.json", KEYS)];
    let folder = folder(name, &[&own, files].concat());
    let file = folder.join("watchword.yaml");
    let output = watchword(&["check-config", file.to_str().unwrap()]);
    text(&output.stderr).replace(&format!("{}/", folder.display()), "")
}

#[test]
fn numbers_and_times_of_a_listener_have_bounds() {
    let server = "  drain: 11m
  health: {address: here}
  grpc:
    address: there
    max_connections: 0
    max_concurrent_streams: 65537
    max_header_list_size: 16383
    keepalive_interval: 2h
    keepalive_timeout: 0s
    max_connection_age: 25h
    max_connection_age_grace: 0s
";
    let expected = "\
watchword.yaml:2:10: server.drain: found \"11m\"; expected a duration such as \"30s\", from 0s to \
10m
watchword.yaml:3:21: server.health.address: found \"here\"; expected an address such as \
\"0.0.0.0:9192\"
watchword.yaml:5:14: server.grpc.address: found \"there\"; expected an address such as \
\"0.0.0.0:9191\" or \"unix:/run/watchword/grpc.sock\"
watchword.yaml:6:22: server.grpc.max_connections: found 0; expected from 1 to 1000000
watchword.yaml:7:29: server.grpc.max_concurrent_streams: found 65537; expected from 1 to 65536
watchword.yaml:8:27: server.grpc.max_header_list_size: found 16383; expected from 16384 to 1048576
watchword.yaml:9:25: server.grpc.keepalive_interval: found \"2h\"; expected a duration such as \
\"30s\", from 1s to 1h
watchword.yaml:10:24: server.grpc.keepalive_timeout: found \"0s\"; expected a duration such as \
\"30s\", from 1s to 5m
watchword.yaml:11:25: server.grpc.max_connection_age: found \"25h\"; expected a duration such as \
\"30s\", from 1s to 24h
watchword.yaml:12:31: server.grpc.max_connection_age_grace: found \"0s\"; expected a duration \
such as \"30s\", from 1s to 1h
";
    assert_eq!(said("listener-bounds", server, &[]), expected);
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    let listeners = |[grpc, health, admin]: [&str; 3]| {
        let server = format!(
            "  grpc: {{address: '{grpc}'}}\n  health: {{address: '{health}'}}\n  admin: {{address: \
             '{admin}'}}\n"
        );
        said("listener-overlap", &server, &[])
    };
    for addresses in [
        ["127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:3"],
        ["0.0.0.0:1", "127.0.0.1:1", "127.0.0.1:3"],
        ["[::1]:1", "[::]:1", "127.0.0.1:3"],
        ["127.0.0.1:1", "[::]:1", "127.0.0.1:3"],
        ["127.0.0.1:1", "[::ffff:127.0.0.1]:1", "127.0.0.1:3"],
    ] {
        let expected = "watchword.yaml:3:21: server.health.address: `server.grpc.address` \
                        already listens on this address and port: give each listener a port of \
                        its own\n";
        assert_eq!(listeners(addresses), expected, "{addresses:?}");
    }
    let said = listeners(["unix:s", "0.0.0.0:2", "0.0.0.0:2"]);
    let expected = "server.admin.address: `server.health.address` already listens";
    assert!(said.contains(expected), "{said}");
    for addresses in [
        ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"],
        ["0.0.0.0:1", "0.0.0.0:2", "[::1]:1"],
        ["0.0.0.0:0", "0.0.0.0:0", "0.0.0.0:0"],
    ] {
        assert_eq!(listeners(addresses), "", "{addresses:?}");
    }
}

#[test]
fn settings_of_a_socket_go_with_a_socket() {
    let server = "  grpc: {socket: {mode: '0660'}}\n";
    let said_of_tcp = said("socket-tcp", server, &[]);
    assert!(said_of_tcp.contains(
        "server.grpc.socket: `socket` is for a Unix socket, but `address` is \"0.0.0.0:9191\""
    ));
    for mode in ["660x", "0900", "1777", "0060", "00660", "", "+660"] {
        let server = format!("  grpc: {{address: 'unix:s', socket: {{mode: '{mode}'}}}}\n");
        let said = said("socket-mode", &server, &[]);
        let expected = "expected an octal mode from \"0600\" to \"0777\"";
        assert!(
            said.contains("server.grpc.socket.mode: found") && said.contains(expected),
            "{said}"
        );
    }
    for group in ["no-such-group", "4294967295", "-1", ""] {
        let server = format!("  grpc: {{address: 'unix:s', socket: {{group: '{group}'}}}}\n");
        let said = said("socket-group", &server, &[]);
        let expected =
            format!("socket.group: found \"{group}\"; expected a group of /etc/group, or a number");
        assert!(said.contains(&expected), "{said}");
    }
    let server = "  grpc: {address: 'unix:s', socket: {mode: '660', group: '12'}}\n";
    assert_eq!(said("socket-good", server, &[]), "");
}

#[test]
fn callers_show_something_that_can_be_checked() {
    let secrets = [
        ("secrets", "0123456789abcdef\n"),
        ("short", "0123456789abcde\n"),
    ];
    for (callers, expected) in [
        (
            "{check: {}}",
            "callers.check: a caller needs `secret_file` or `certificate_names`",
        ),
        (
            "{check: {certificate_names: [a]}}",
            "callers.check.certificate_names: `certificate_names` needs clients' certificates",
        ),
        (
            "{check: {certificate_names: []}}",
            "callers.check.certificate_names: found an empty list",
        ),
        (
            "{validate: {secret_file: short}}",
            "callers.validate.secret_file: found another content, which is not shown",
        ),
        (
            "{check: {secret_file: 0123456789abcdefg}}",
            "callers.check.secret_file: found No such file",
        ),
        (
            "{check: {secret_file: secrets, secret_header: grpc-x}}",
            "callers.check.secret_header: found \"grpc-x\"",
        ),
        (
            "{check: {secret_file: secrets, secret_header: x-bin}}",
            "callers.check.secret_header: found \"x-bin\"",
        ),
        (
            "{check: {secret_file: secrets, secret_header: 'a b'}}",
            "callers.check.secret_header: found text that is no name;",
        ),
        (
            "{check: {secret_header: x-a, certificate_names: [a]}}",
            "callers.check.secret_header: `secret_header` needs `secret_file`",
        ),
    ] {
        let said = said(
            "callers",
            &format!("  grpc: {{callers: {callers}}}\n"),
            &secrets,
        );
        assert!(said.contains(expected), "{callers}: {said}");
        assert!(!said.contains("0123456789"), "{said}");
    }
    let good = "  grpc: {callers: {check: {secret_file: secrets}}}\n";
    assert_eq!(said("callers-good", good, &secrets), "");
}

#[test]
fn the_files_of_tls_are_looked_into() {
    let tls =
        |more: &str| format!("  grpc: {{tls: {{certificate: c.pem, private_key: k.pem{more}}}}}\n");
    let missing = said("tls-missing", &tls(", client_ca: ca.pem"), &[]);
    let problem = "found No such file or directory (os error 2); expected the path of a readable \
                   file, from this file's folder\n";
    let expected = format!(
        "watchword.yaml:2:29: server.grpc.tls.certificate: {problem}\
         watchword.yaml:2:49: server.grpc.tls.private_key: {problem}\
         watchword.yaml:2:67: server.grpc.tls.client_ca: {problem}"
    );
    assert_eq!(missing, expected);
    let unusable = said("tls-unusable", &tls(""), &[("c.pem", ""), ("k.pem", "")]);
    let expected = "server.grpc.tls: c.pem: no certificates in PEM: ";
    assert!(unusable.contains(expected), "{unusable}");
    let without_ca = said("tls-ca", &tls(", client_certificate: optional"), &[]);
    let expected = "server.grpc.tls.client_certificate: `client_certificate` needs `client_ca`";
    assert!(without_ca.contains(expected), "{without_ca}");
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let key = key.serialize_pem();
    let files = [("c.pem", certificate.as_str()), ("k.pem", key.as_str())];
    assert_eq!(said("tls-good", &tls(""), &files), "");
    assert_eq!(said("tls-mutual", &tls(", client_ca: c.pem"), &files), "");
}

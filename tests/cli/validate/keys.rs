//! The origins of keys, and the messages if there are none.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use watchword::clock::Stopwatch;

use super::{World, claims, none};
use crate::serve::Server;
use crate::text;

#[test]
fn where_keys_cannot_be_had_there_is_no_verdict() {
    let world = World::new("validate-no-keys");
    let token = world.token(&json!({"iss": "https://away.example.com"}));
    let output = world.run(&["--path", "/orders"], &token);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(
        error.starts_with("cannot get keys for away: ")
            && error.contains("away.json: No such file"),
        "{error}"
    );
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn where_the_verdict_does_not_hang_on_keys_it_is_told_without_them() {
    let world = World::new("validate-without-keys");
    let token = world.token(&json!({"iss": "https://away.example.com"}));
    let output = world.run(&["--path", "/nothing"], &token);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("DENY 403 policy_denied"));
    assert!(text(&output.stderr).ends_with("the verdict does not depend on them\n"));
}

/// The server has keys that the file no longer holds.
#[test]
fn the_keys_of_a_running_server_are_used_on_demand() {
    let world = World::new("validate-server");
    let config = std::fs::read_to_string(world.folder.join("watchword.yaml")).unwrap();
    let listeners = "server: {grpc: {address: 127.0.0.1:0}, admin: {address: 127.0.0.1:0}}\nlog: \
                     {format: json}\n";
    // Nobody reads the file again while this test runs.
    let config = config.replace("{file: keys.json}", "{file: keys.json, cache_duration: 1h}");
    std::fs::write(
        world.folder.join("serve.yaml"),
        format!("{listeners}{config}"),
    )
    .unwrap();
    let mut server = Server::start(world.folder.join("serve.yaml").to_str().unwrap());
    let mut address = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(&server.until(line)).unwrap();
        line["address"].as_str().unwrap().to_owned()
    };
    let (address, grpc) = (address("listening for operators"), address("\"listening\""));
    let (good, orders) = (world.token(&none()), ["--path", "/orders"]);
    let asking = [&orders[..], &["--server", &address]].concat();
    let clock = Stopwatch::start();
    while !world.run(&asking, &good).status.success() {
        assert!(clock.elapsed() < Duration::from_secs(20), "no keys in time");
    }
    std::fs::remove_file(world.folder.join("keys.json")).unwrap();

    let output = world.run(&orders, &good);
    assert_eq!(output.status.code(), Some(2), "the file is gone");
    let output = world.run(&asking, &good);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expired = world.token(&json!({"exp": 1_700_000_000}));
    assert_eq!(world.run(&asking, &expired).status.code(), Some(1));

    // Secrets are never asked for.
    let machine = world
        .machines
        .sign(&claims(&json!({"iss": "https://machines.example.com"})));
    assert_eq!(world.run(&asking, &machine).status.code(), Some(0));
    let away = world.token(&json!({"iss": "https://away.example.com"}));
    let output = world.run(&asking, &away);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    let expected = "cannot get keys for away: the server has none (state absent); its last fetch \
                    failed ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("s ago: cannot read "), "{error}");

    let output = world.run(&[&orders[..], &["--server", &grpc]].concat(), &good);
    assert_eq!(output.status.code(), Some(2));
    let expected = "cannot get keys for corp: --server takes the address of server.admin, and \
                    found another server\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let world = World::new("validate-nobody");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(taken);
    let arguments = ["--path", "/orders", "--server", &address];
    let output = world.run(&arguments, &world.token(&none()));
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    let expected =
        format!("cannot get keys for corp: the request to http://{address}/jwks/keys failed: ");
    assert!(error.starts_with(&expected), "{error}");
}

//! The settings of Envoy that README.md and docs/envoy.md show, used as they stand there.
//!
//! A free port, the issuer's keys and the names of TLS files are filled in.

use std::fs;

use serde_json::{Value, json};
use watchword_test_support::pki::{self, Identity};

use crate::bootstrap::set;
use crate::client::Ask;
use crate::printed::{Site, folder};
use crate::world::World;

on_each_envoy!(
    quick_start_of_the_readme_works,
    settings_of_the_guide_work,
    settings_of_the_guide_for_tls_and_request_ids_work,
);

const README: &str = include_str!("../../README.md");
const GUIDE: &str = include_str!("../../docs/envoy.md");

/// The block of YAML whose first line begins with this, in a list or not.
fn block(page: &str, start: &str) -> Value {
    let blocks = page.split("```yaml\n").skip(1);
    let mut blocks = blocks.filter(|block| block.trim_start().starts_with(start));
    let block = blocks.next().unwrap_or_else(|| panic!("no block {start}"));
    let block = block.split("```").next().unwrap();
    serde_saphyr::from_str(block).unwrap()
}

async fn quick_start_of_the_readme_works(world: &World) {
    let folder = folder(world, "readme");
    let mut policy = block(README, "issuers:");
    let own = &mut policy["issuers"]["corp"];
    own["issuer"] = json!("https://issuer.example");
    own["audiences"] = json!(["example-api"]);
    own["jwks"] = json!({"inline": world.issuers.example.key_set()});
    policy["server"]["grpc"]["address"] = json!("127.0.0.1:0");
    fs::write(folder.join("watchword.yaml"), policy.to_string()).unwrap();
    let settings = block(README, "http_connection_manager:");
    let site = Site::serve(world, &folder, settings, |_| ()).await;

    let ask = |path: &str| Ask::get(path).header("x-auth-subject", "admin");
    let (reply, seen) = site.send(world, &ask("/public/news")).await;
    assert_eq!((reply.status, seen.len()), (200, 1), "{reply:?}");
    assert!(!seen[0].mentions("admin"));
    let (reply, seen) = site.send(world, &ask("/orders")).await;
    assert_eq!((reply.status, seen.len()), (401, 0), "{reply:?}");
    assert_eq!(reply.json()["reason"], "token_missing");
    let with_token = ask("/orders").bearer(&world.issuers.example.token());
    let (reply, seen) = site.send(world, &with_token).await;
    assert_eq!((reply.status, seen.len()), (200, 1), "{reply:?}");
    assert_eq!(seen[0].values("x-auth-subject"), ["alice"]);
}

/// Writes the example's policy, with this for `server.grpc`, and its keys.
fn write_policy(world: &World, folder: &std::path::Path, grpc: Value) {
    let mut policy: Value =
        serde_saphyr::from_str(include_str!("../../examples/envoy/watchword.yaml")).unwrap();
    policy["server"]["grpc"] = grpc;
    fs::write(folder.join("watchword.yaml"), policy.to_string()).unwrap();
    let keys = world.issuers.example.key_set().to_string();
    fs::write(folder.join("jwks.json"), keys).unwrap();
}

async fn settings_of_the_guide_work(world: &World) {
    let folder = folder(world, "guide");
    write_policy(world, &folder, json!({"address": "127.0.0.1:0"}));
    let settings = block(GUIDE, "http_connection_manager:");
    let site = Site::serve(world, &folder, settings, |_| ()).await;
    site.works(world).await;
}

async fn settings_of_the_guide_for_tls_and_request_ids_work(world: &World) {
    let folder = folder(world, "guide-tls");
    let (certificate, key) = Identity::server_called(&["watchword.internal"]).pem_files("guide");
    let mut grpc = block(GUIDE, "server:")["server"]["grpc"].take();
    grpc["address"] = json!("127.0.0.1:0");
    for (name, file) in [
        ("certificate", certificate.as_path()),
        ("private_key", key.as_path()),
        ("client_ca", pki::ca_file()),
    ] {
        set(&mut grpc, &format!("/tls/{name}"), json!(file));
    }
    write_policy(world, &folder, grpc);

    let mut socket = block(GUIDE, "transport_socket:")["transport_socket"].take();
    let (certificate, key) = Identity::client().pem_files("guide-client");
    for (name, file) in [
        ("validation_context/trusted_ca", pki::ca_file()),
        (
            "tls_certificates/0/certificate_chain",
            certificate.as_path(),
        ),
        ("tls_certificates/0/private_key", key.as_path()),
    ] {
        let place = format!("/typed_config/common_tls_context/{name}/filename");
        set(&mut socket, &place, json!(file));
    }
    let mut settings = block(GUIDE, "http_connection_manager:");
    let mut ids = block(GUIDE, "always_set_request_id_in_response:");
    let manager = settings["http_connection_manager"].as_object_mut().unwrap();
    manager.append(ids.as_object_mut().unwrap());
    let site = Site::serve(world, &folder, settings, |cluster| {
        cluster["transport_socket"] = socket;
    });
    let site = site.await;
    site.works(world).await;
    let (reply, _) = site.send(world, &Ask::get("/orders")).await;
    assert_eq!(reply.status, 401);
    assert!(reply.header("x-request-id").is_some(), "{reply:?}");
}

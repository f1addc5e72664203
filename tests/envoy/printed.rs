//! The output of `watchword check-config --envoy`, used as it is: Envoy accepts it, and calls
//! Watchword with it.
//!
//! The names of the files of TLS and a free port, which the command cannot know, are filled in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword_test_support::pki::{self, Identity};
use watchword_test_support::proxy::{Proxy, SECRET};
use watchword_test_support::{build_folder, envoy};

use crate::bootstrap::{ADDRESS, example, set, tcp};
use crate::client::{Ask, Reply, fresh_number};
use crate::example::validate;
use crate::issuer::NOW;
use crate::upstream::Seen;
use crate::world::World;

on_each_envoy!(
    the_printed_settings_work_over_a_port,
    the_printed_settings_work_over_a_unix_socket_with_a_secret,
    the_printed_settings_work_over_tls_with_client_certificates,
);

async fn the_printed_settings_work_over_a_port(world: &World) {
    let site = Site::start(world, "port", json!({"address": "127.0.0.1:0"}), |_, _| ());
    site.await.works(world).await;
}

async fn the_printed_settings_work_over_a_unix_socket_with_a_secret(world: &World) {
    let folder = folder(world, "unix");
    let secret = folder.join("secret");
    fs::write(&secret, SECRET).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    // Short enough for the address of a socket.
    let name = format!("ww-{}-{:?}.sock", std::process::id(), world.place);
    let socket = format!("unix:{}", std::env::temp_dir().join(name).display());
    let grpc = json!({"address": socket, "callers": {"check": {"secret_file": secret}}});
    let site = Site::start(world, "unix", grpc, |snippet, _| {
        assert!(!snippet.to_string().contains(SECRET), "{snippet}");
    });
    site.await.works(world).await;
}

async fn the_printed_settings_work_over_tls_with_client_certificates(world: &World) {
    let (certificate, key) = Identity::server_called(&["watchword.internal"]).pem_files("printed");
    let tls = json!({"certificate": certificate, "private_key": key, "client_ca": pki::ca_file()});
    let grpc = json!({"address": "127.0.0.1:0", "tls": tls});
    let site = Site::start(world, "tls", grpc, |_, cluster| {
        let context = "/transport_socket/typed_config/common_tls_context";
        let (certificate, key) = Identity::client().pem_files("printed-client");
        for (name, file) in [
            ("validation_context/trusted_ca", pki::ca_file()),
            ("tls_certificates/0/certificate_chain", &certificate),
            ("tls_certificates/0/private_key", &key),
        ] {
            set(cluster, &format!("{context}/{name}/filename"), json!(file));
        }
    });
    site.await.works(world).await;
}

/// A proxy that has nothing of the example but its routes, and the Watchword that it asks.
pub(crate) struct Site {
    proxy: Proxy,
    _app: App,
}

impl Site {
    /// With the example's policy; `fill_in` gets what was printed, and its cluster to change.
    async fn start(
        world: &World,
        name: &str,
        grpc: Value,
        fill_in: impl FnOnce(&Value, &mut Value),
    ) -> Self {
        let folder = folder(world, name);
        let mut policy: Value =
            serde_saphyr::from_str(include_str!("../../examples/envoy/watchword.yaml")).unwrap();
        policy["server"]["grpc"] = grpc;
        let file = folder.join("watchword.yaml");
        fs::write(&file, policy.to_string()).unwrap();
        let keys = world.issuers.example.key_set().to_string();
        fs::write(folder.join("jwks.json"), keys).unwrap();

        let printed = printed(&file);
        let snippet = printed.clone();
        Self::serve(world, &folder, printed, |cluster| {
            fill_in(&snippet, cluster);
        })
        .await
    }

    /// With the `watchword.yaml` of this folder, and these settings of Envoy; `fill_in` changes
    /// their cluster.
    pub(crate) async fn serve(
        world: &World,
        folder: &Path,
        mut settings: Value,
        fill_in: impl FnOnce(&mut Value),
    ) -> Self {
        let config = Config::load(&folder.join("watchword.yaml")).unwrap();
        let is_tcp = config.server.grpc.address.tcp().is_some();
        let app = App::start(config, Clock::fixed(NOW)).await.unwrap();
        let cluster = &mut settings["clusters"][0];
        if is_tcp {
            set(cluster, ADDRESS, tcp(app.address()));
        }
        fill_in(cluster);
        let bootstrap = bootstrap(settings, world);
        let checked = folder.join("checked.json");
        fs::write(&checked, bootstrap.to_string()).unwrap();
        let (valid, log) = validate(world, &checked);
        assert!(valid && !log.contains("[warning]"), "{log}");
        let binary = envoy::binary(world.place.version()).unwrap();
        let proxy = Proxy::start(&binary, folder, &bootstrap).await.unwrap();
        Self { proxy, _app: app }
    }

    /// Allows, denies, and lets nothing through that the client made up.
    pub(crate) async fn works(&self, world: &World) {
        let token = world.issuers.example.token();
        let forged = |path: &str| Ask::get(path).header("x-auth-department", "finance");
        let (reply, seen) = self.send(world, &forged("/orders").bearer(&token)).await;
        assert_eq!((reply.status, seen.len()), (200, 1), "{reply:?}");
        assert_eq!(seen[0].values("x-auth-subject"), ["alice"]);
        assert!(!seen[0].mentions("finance"));
        let (reply, seen) = self.send(world, &forged("/orders")).await;
        assert_eq!((reply.status, seen.len()), (401, 0), "{reply:?}");
        assert_eq!(reply.json()["reason"], "token_missing");
        let ask = forged("/public/news").header("x-original-url", "/orders");
        let (reply, seen) = self.send(world, &ask).await;
        assert_eq!((reply.status, seen.len()), (200, 1), "{reply:?}");
        assert!(!seen[0].mentions("finance") && !seen[0].mentions("/orders"));
    }

    pub(crate) async fn send(&self, world: &World, ask: &Ask) -> (Reply, Vec<Seen>) {
        let number = fresh_number();
        let reply = ask.send(self.proxy.port("ingress"), &number).await;
        (reply, world.upstream.seen(&number))
    }
}

pub(crate) fn folder(world: &World, name: &str) -> PathBuf {
    let name = format!(
        "envoy-printed/{name}-{:?}-{}",
        world.place,
        std::process::id()
    );
    let folder = build_folder().join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The command's output for this file.
fn printed(file: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchword"));
    let run = command.args(["check-config", "--envoy"]).arg(file).output();
    let run = run.unwrap();
    let error = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && error.is_empty(), "{error}");
    serde_saphyr::from_slice(&run.stdout).unwrap()
}

/// The example's, where all that is for Watchword's sake is what was printed.
fn bootstrap(mut printed: Value, world: &World) -> Value {
    let mut root = example();
    let port = "/admin/address/socket_address/port_value";
    set(&mut root, port, json!(0));
    let listener = &mut root["static_resources"]["listeners"][0];
    listener["address"]["socket_address"]["port_value"] = json!(0);
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    let mut own = json!({});
    for setting in ["@type", "stat_prefix", "use_remote_address", "route_config"] {
        own[setting] = manager[setting].take();
    }
    let router = manager["http_filters"][1].take();
    let fields = printed["http_connection_manager"].as_object_mut().unwrap();
    own.as_object_mut().unwrap().append(fields);
    own["http_filters"].as_array_mut().unwrap().push(router);
    *manager = own;

    let clusters = root["static_resources"]["clusters"].as_array_mut();
    let clusters = clusters.unwrap();
    set(&mut clusters[1], ADDRESS, tcp(world.upstream.http1));
    clusters[0] = printed["clusters"][0].take();
    root
}

//! A server behind the real Envoy, with a key server for its issuer and others that go wrong.

use serde_json::{Value, json};
use watchword_test_support::bootstrap::{INGRESS, bootstrap};
use watchword_test_support::instance::Instance;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::load::{self, Load, Tokens};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::proxy::Proxy;
use watchword_test_support::settings::{SIGNER, Version, expired_token_of, good_token_of};
use watchword_test_support::{build_folder, envoy, free_address, pki};

use crate::site::{self, Keys};
use crate::target::{Addresses, Port};

/// A server, and what it fetches keys from.
pub(crate) struct World {
    pub(crate) server: Instance,
    pub(crate) addresses: Addresses,
    pub(crate) key_server: KeyServer,
    /// Issuers whose key servers go wrong, and those servers.
    others: Vec<Value>,
    _others: Vec<Option<KeyServer>>,
    folder: std::path::PathBuf,
}

impl World {
    /// Starts a server with this configuration, and waits until it is ready. `others`: also issuers
    /// whose key servers are silent or go wrong.
    pub(crate) async fn start(name: &str, version: Version, others: &[Keys]) -> Self {
        let folder = format!("floods/{}/{name}", std::process::id());
        let folder = build_folder().join(folder);
        let server = Instance::new(folder.clone());
        let addresses = Addresses {
            grpc: server.grpc,
            health: free_address(),
            admin: server.admin,
            socket: folder.join("grpc.sock"),
            main: Port::Tls,
        };
        let key_server = KeyServer::start(key_set(&[&SIGNER]));
        let others = others.iter().map(|keys| {
            let (key_server, issuers) = site::issuers(*keys);
            match (keys, &key_server) {
                (Keys::Hostile(answer), Some(key_server)) => site::go_wrong(key_server, *answer),
                (Keys::Silent, Some(key_server)) => {
                    key_server.reply(key_set(&[&SIGNER]).held());
                }
                _ => {}
            }
            (key_server, issuers)
        });
        let (others_servers, others): (Vec<_>, Vec<_>) = others.unzip();
        let mut world = Self {
            server,
            addresses,
            key_server,
            others,
            _others: others_servers,
            folder,
        };
        world.server.write("watchword.yaml", &world.text(version));
        world.server.start();
        world.server.ready().await;
        world
    }

    /// The configuration, with the issuer's keys from the key server.
    pub(crate) fn text(&self, version: Version) -> String {
        let text = version.text(self.addresses.grpc, self.addresses.admin);
        let mut root: Value = serde_json::from_str(&text).expect("JSON");
        root["server"]["health"] = json!({"address": self.addresses.health});
        root["server"]["grpc"]["reflection"] = json!(true);
        root["issuers"]["corp"]["jwks"] = json!({
            "uri": self.key_server.uri(), "ca": pki::ca_file(),
            "cache_duration": "10s", "cooldown": "1s", "wait": "700ms",
        });
        for issuers in &self.others {
            for (name, issuer) in issuers.as_object().into_iter().flatten() {
                if name != "corp" {
                    root["issuers"][name] = issuer.clone();
                }
            }
        }
        site::limit(&mut root);
        root.to_string()
    }

    /// Starts Envoy, and waits until it takes the server for healthy.
    pub(crate) async fn proxy(&self) -> Proxy {
        let binary =
            envoy::binary(envoy::Version::Newest).unwrap_or_else(|problem| panic!("{problem}"));
        let upstream = load::upstream().await;
        let bootstrap = bootstrap(&[self.addresses.grpc], pki::ca_file(), upstream);
        let proxy = Proxy::start(&binary, &self.folder, &bootstrap).await;
        let proxy = proxy.unwrap_or_else(|problem| panic!("{problem}"));
        let name = "cluster.watchword.membership_healthy";
        let is_healthy = async || proxy.statistic(name).await == 1;
        self.server
            .until("Envoy takes it for healthy", is_healthy)
            .await;
        proxy
    }

    /// Waits for this many right answers more.
    pub(crate) async fn until_answers(&self, load: &Load, more: usize) {
        let wanted = load.tally.right() + more;
        let enough = async || load.tally.right() >= wanted || load.tally.counts().2 > 100;
        self.server.until("answers", enough).await;
    }
}

/// The address at which the proxy takes requests.
pub(crate) fn ingress(proxy: &Proxy) -> std::net::SocketAddr {
    proxy.port(INGRESS)
}

/// The tokens of clients whose issuer signs with this key.
pub(crate) fn tokens(signer: &Signer) -> Tokens {
    Tokens {
        good: good_token_of(signer),
        expired: expired_token_of(signer),
    }
}

pub(crate) fn key_set(signers: &[&Signer]) -> Reply {
    Reply::ok(mint::key_set(signers))
}

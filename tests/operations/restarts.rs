//! Reloads, new certificates and rolling restarts under load lose no answer.

use std::path::Path;

use watchword_test_support::bootstrap::{INGRESS, bootstrap};
use watchword_test_support::envoy::{self, Version as Envoy};
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::instance::Instance;
use watchword_test_support::load::{self, Load};
use watchword_test_support::proxy::Proxy;
use watchword_test_support::settings::{Version, bad};
use watchword_test_support::{build_folder, pki};

use crate::{RUNTIME, beside_others, say};

const RELOADS: usize = 100;
const ROTATIONS: usize = 20;
const RESTARTS: usize = 20;

#[test]
fn reloads_rotations_and_restarts_lose_nothing() {
    let _machine = beside_others();
    let binary = match envoy::binary(Envoy::Newest) {
        Ok(binary) => binary,
        Err(problem) => return pass_unchecked(&problem),
    };
    RUNTIME.block_on(async {
        let mut world = World::start(&binary).await;
        let load = Load::start(world.proxy.port(INGRESS));
        world.until_answers(&load, 50).await;

        let (accepted, refused) = world.reload().await;
        let reloaded = load.tally.counts();
        world.rotate().await;
        let rotated = load.tally.counts();
        world.restart(&load).await;
        let tally = load.stop().await;

        let retries = world
            .proxy
            .statistic("cluster.watchword.upstream_rq_retry")
            .await;
        let (right, wrong, failed) = tally.counts();
        say(format!(
            "{accepted} reloads accepted and {refused} refused on the first of 2 servers: answers \
             (right, wrong, failed) {reloaded:?}\n\
             {ROTATIONS} certificates on each, after them {rotated:?}\n\
             {RESTARTS} rolling restarts of both, after them {:?}; the proxy retried {retries} \
             calls",
            (right, wrong, failed)
        ));
        assert_eq!((wrong, failed), (0, 0), "{:#?}", tally.examples());
        assert!(right > 1000, "{right} answers are not a load");
    });
}

struct World {
    servers: Vec<Instance>,
    proxy: Proxy,
    version: Version,
}

impl World {
    async fn start(binary: &Path) -> Self {
        let folder = build_folder().join(format!("operations/{}", std::process::id()));
        let version = Version::One;
        let mut servers: Vec<Instance> = ["a", "b"]
            .map(|name| Instance::new(folder.join(name)))
            .into();
        for server in &mut servers {
            server.write("watchword.yaml", &version.text(server.grpc, server.admin));
            server.start();
        }
        for server in &servers {
            server.ready().await;
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.grpc).collect();
        let bootstrap = bootstrap(&addresses, pki::ca_file(), load::upstream().await);
        let proxy = Proxy::start(binary, &folder, &bootstrap).await;
        let proxy = proxy.unwrap_or_else(|problem| panic!("{problem}"));
        let world = Self {
            servers,
            proxy,
            version,
        };
        world.until_healthy().await;
        world
    }

    /// Waits for this many right answers more.
    async fn until_answers(&self, load: &Load, more: usize) {
        let wanted = load.tally.right() + more;
        let enough = async || load.tally.right() >= wanted || load.tally.counts().2 > 100;
        self.servers[0].until("answers", enough).await;
    }

    /// Waits until the proxy takes both servers for healthy.
    async fn until_healthy(&self) {
        let healthy = async || {
            let name = "cluster.watchword.membership_healthy";
            self.proxy.statistic(name).await == 2
        };
        self.servers[0].until("both are healthy", healthy).await;
    }

    /// Good and bad configurations in turn.
    async fn reload(&mut self) -> (u64, u64) {
        for number in 0..RELOADS {
            let is_good = number % 2 == 0;
            if is_good {
                self.version = self.version.other();
            }
            for server in &self.servers {
                let before = server.reloads().await;
                let good = self.version.text(server.grpc, server.admin);
                let text = if is_good {
                    good
                } else {
                    bad(&good, number / 2)
                };
                server.write("watchword.yaml", &text);
                // A file that is replaced while it is read may be read twice.
                let done = async || {
                    let (accepted, refused) = server.reloads().await;
                    if is_good {
                        accepted > before.0
                    } else {
                        refused > before.1
                    }
                };
                let what = format!("reload {number}, after {before:?}");
                server.until(&what, done).await;
            }
        }
        let counts = self.servers[0].reloads().await;
        // The last one was bad; what follows begins with a good file.
        for server in &self.servers {
            server.write(
                "watchword.yaml",
                &self.version.text(server.grpc, server.admin),
            );
        }
        counts
    }

    async fn rotate(&self) {
        for _ in 0..ROTATIONS {
            for server in &self.servers {
                let certificate = server.renew_certificate();
                server.shows(&certificate).await;
            }
        }
    }

    async fn restart(&mut self, load: &Load) {
        for number in 0..RESTARTS {
            for index in 0..self.servers.len() {
                let server = &mut self.servers[index];
                let status = server.stop().await;
                assert!(
                    status.success(),
                    "restart {number}: {status}\n{}",
                    server.log()
                );
                server.start();
                server.ready().await;
                self.until_healthy().await;
            }
            self.until_answers(load, 10).await;
        }
    }
}

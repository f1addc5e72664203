//! Rotations, and fetches on an operator's request.

use std::time::Duration;

use crate::network::Mode;
use crate::tokens::{ISSUERS, Made, Token};

use super::{SOURCES, World, keys};

impl World {
    /// A new key is published and a token of it comes when nothing keeps the source from being
    /// fetched.
    pub(super) async fn rotate(&mut self, path: &str) {
        self.pass(self.times.cooldown + Duration::from_secs(1))
            .await;
        let keys = keys(&mut self.random);
        let made = Made::By(keys[0]);
        self.note(&format!("{path} publishes {keys:?}"));
        self.network.with(path, |server| server.publish(keys));
        for issuer in (0..ISSUERS.len()).filter(|issuer| SOURCES[*issuer] == path) {
            self.send(Token { issuer, made });
        }
    }

    /// A new key is published and signs at once: after a scheduled fetch, often while it is
    /// running, or at any time; and perhaps another one shortly after.
    pub(super) async fn rotate_at_once(&mut self, path: &str) {
        if self.random.u8(..3) > 0 {
            let latencies = [0, 5, 50, 120, 500].map(Duration::from_millis);
            let latency = self.random.choice(latencies).unwrap();
            let timeout = self.times.timeout;
            self.network.with(path, |server| {
                server.answer(Mode::Good, latency, timeout);
                server.reads_early = true;
            });
        }
        if self.random.bool() {
            let latency = self.network.with(path, |server| server.latency);
            let more = latency.mul_f64(2.0 * self.random.f64());
            let next = self.next_fetch(path);
            self.pass(next + more).await;
        }
        for _ in 0..self.random.usize(1..4) {
            let keys = keys(&mut self.random);
            let made = Made::By(keys[0]);
            self.note(&format!("{path} publishes {keys:?}"));
            self.network.with(path, |server| server.publish(keys));
            for _ in 0..self.random.usize(1..6) {
                for issuer in (0..ISSUERS.len()).filter(|issuer| SOURCES[*issuer] == path) {
                    self.send(Token { issuer, made });
                }
                let pause = self.random.choice([0.0, 0.3, 1.0, 10.0]).unwrap();
                let pause = Duration::from_millis(100).mul_f64(pause * self.random.f64());
                self.pass(pause).await;
            }
        }
    }

    /// An operator requests a fetch of all keys.
    pub(super) fn refresh(&mut self) {
        let refreshed = self
            .engine
            .state
            .generation()
            .sources()
            .fetch_for_operator(None);
        self.note(&format!("refresh: {refreshed:?}"));
        for path in ["shared", "own"] {
            self.network.with(path, |server| server.is_wished = true);
        }
    }

    fn next_fetch(&self, path: &str) -> Duration {
        let status = self.engine.state.generation().sources().status();
        let mut status = status.iter();
        let status = status.find(|status| status.source.ends_with(path));
        status.unwrap().next_fetch
    }
}

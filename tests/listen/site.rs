//! A running Watchword, with keys from the beginning, and a clock that only the test moves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tokio::net::TcpStream;
use watchword::app::App;
use watchword::clock::{Clock, Stopwatch};
use watchword::config::Config;
use watchword::listen::{InFlightLimit, Limits, ListenerBudget};
use watchword::memory::MemoryBudget;
use watchword_test_support::mint::{self, Signer};

use crate::client::{Client, PATIENCE};

const NOW: i64 = 1_700_000_000;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("ES256", "k1"));

pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) clock: Clock,
}

impl Site {
    /// With these settings under `server`.
    pub(crate) async fn start(server: &str) -> Self {
        let clock = Clock::manual(NOW);
        let app = App::start(config(server), clock.clone()).await;
        let app = app.unwrap_or_else(|error| panic!("{error}"));
        app.ready().await;
        Self { app, clock }
    }

    /// One whose key server is away, so that it is not ready.
    pub(crate) async fn without_keys() -> Self {
        let text = "server: {grpc: {address: '127.0.0.1:0'}}\n\
                    issuers:\n  \
                      corp: {issuer: 'https://idp.example.com', audiences: [orders-api], \
                        jwks: {uri: 'https://127.0.0.1:1/keys'}}\n";
        let config = Config::parse(text, Path::new("listen.yaml")).unwrap();
        let clock = Clock::manual(NOW);
        let app = App::start(config, clock.clone()).await.unwrap();
        Self { app, clock }
    }

    /// A plaintext client on a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        client(self.app.address()).await
    }
}

/// A plaintext client on a connection of its own.
pub(crate) async fn client(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).await.unwrap();
    Client::over(stream).await.unwrap()
}

/// The configuration with these settings under `server`.
pub(crate) fn config(server: &str) -> Config {
    let text = text(server);
    Config::parse(&text, Path::new("listen.yaml")).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn text(server: &str) -> String {
    let keys = mint::key_set(&[&SIGNER]);
    format!(
        "server: {server}\n\
         issuers:\n  \
           corp: {{issuer: 'https://idp.example.com', audiences: [orders-api], \
             jwks: {{inline: '{keys}'}}}}\n"
    )
}

/// A token that is allowed.
pub(crate) fn token() -> String {
    SIGNER.sign(&mint::claims(NOW))
}

/// A path at which there is nothing, short enough for a socket.
pub(crate) fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ww-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Waits until something holds; fails where it does not come to it.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = Stopwatch::start();
    while !holds().await {
        assert!(waiting.elapsed() < PATIENCE, "waited for {what}");
        tokio::task::yield_now().await;
    }
}

/// These limits, and the budget of a listener that has the default memory.
pub(crate) fn bounds(limits: Limits) -> (Limits, ListenerBudget) {
    let budget = ListenerBudget::of(&MemoryBudget::default(), InFlightLimit::new(100));
    (limits, budget)
}

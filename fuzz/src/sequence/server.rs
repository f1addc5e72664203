//! A server of a sequence, in simulated time, whose answers are compared with the model.

use std::sync::{Arc, LazyLock};

use tokio::time::Instant;
use watchword::app::{Engine, ServerEnvironment};
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::grpc::InProcessClient;
use watchword_test_support::in_process::check;

use super::super::keys::{NOW, recipient_key};
use super::super::world;
use super::model::{ISSUERS, MAX_STALE, SOURCE_OF, Token, Variant, in_use};
use super::network::{Network, SOURCES};

static VARIANTS: LazyLock<Vec<Config>> = LazyLock::new(|| {
    let texts = (0..8).map(|bits| text(Variant(bits)));
    texts.map(|text| world::parse(&text)).collect()
});

pub(super) struct TestServer {
    pub(super) network: Network,
    clock: Clock,
    calendar: i64,
    engine: Engine,
    variant: Variant,
    /// True if some request passed.
    pub(super) has_allowed: bool,
}

impl TestServer {
    pub(super) fn start() -> Self {
        let (network, clock) = (Network::new(), Clock::fixed(NOW));
        let environment = ServerEnvironment {
            clock: clock.clone(),
            fetch: Arc::new(network.clone()),
            telemetry: None,
            seed: 7,
        };
        Self {
            engine: Engine::start(&VARIANTS[0], environment).expect("random numbers"),
            variant: Variant(0),
            calendar: NOW,
            network,
            clock,
            has_allowed: false,
        }
    }

    /// Asks with a token, and compares the answer with the model.
    pub(super) async fn ask(&mut self, token: Token) {
        let start = Instant::now();
        let client = InProcessClient::new(self.engine.state.clone());
        let reason = check(client, token.text()).await;
        let brought = self.network.brought(SOURCE_OF[token.issuer]);
        let keys = in_use(&brought, start, Instant::now());
        let has_key = |keys: &Option<u8>| keys.is_some_and(|keys| keys & (1 << token.key) != 0);
        let is_permitted = token.is_permitted(self.variant, self.calendar);
        let may = is_permitted && keys.iter().any(has_key);
        let must = is_permitted && keys.iter().all(has_key);
        let shown = || format!("{token:?} {:?}: {reason}, keys {keys:?}", self.variant);
        assert!(reason != "allowed" || may, "allowed: {}", shown());
        assert!(reason == "allowed" || !must, "denied: {}", shown());
        assert_ne!(reason, "internal", "{}", shown());
        self.has_allowed |= may && reason == "allowed";
    }

    pub(super) fn set_calendar(&mut self, offset: i64) {
        self.calendar = NOW + offset;
        self.clock.set(self.calendar);
    }

    /// As an operator does.
    pub(super) fn refresh(&self) {
        let generation = self.engine.state.generation().clone();
        let _ = generation.sources().fetch_for_operator(None);
    }

    /// Takes another configuration into use, if its keys can be had.
    pub(super) async fn reload(&mut self, bits: usize) {
        if self.engine.reload(&VARIANTS[bits]).await.is_ok() {
            self.variant = Variant(bits);
        }
    }
}

fn text(variant: Variant) -> String {
    let issuers = ISSUERS.iter().zip(SOURCE_OF).filter(|(name, _)| {
        let is_missing = **name == "b" && variant.lacks_b();
        !is_missing
    });
    let issuers = issuers.map(|(name, source)| {
        let decryption = if *name == "c" && variant.c_is_sealed() {
            let file = |name| world::written(name, recipient_key(name).document.as_bytes());
            let files = [file("shared-32"), file("sealed-1")].join(", ");
            format!("decryption: {{keys: [{files}], required: true}}, ")
        } else {
            String::new()
        };
        format!(
            "  {name}: {{issuer: 'https://{name}.example', audiences: [orders-api], leeway: 30s, \
             {decryption}jwks: {{uri: 'https://keys.example/{}', cache_duration: 60s, \
             max_stale: {}s, cooldown: 10s, timeout: 5s, wait: 100ms}}}}\n",
            SOURCES[source],
            MAX_STALE.as_secs()
        )
    });
    let issuers: String = issuers.collect();
    let rules = if variant.demands_scope() {
        "rules: [{require: {scopes: [orders.write]}}]\n"
    } else {
        "rules: any_valid_token\n"
    };
    format!("issuers:\n{issuers}{rules}")
}

//! Keys by way of the issuer's metadata.

use std::time::Duration;

use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;
use watchword_test_support::pki;

use crate::say;
use crate::settings::{issuer_at, key_set, token_from};
use crate::site::Site;

const METADATA: &str = "/.well-known/openid-configuration";
const OTHER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// An issuer that publishes its metadata and its keys at one server.
struct Provider {
    server: KeyServer,
    signer: Signer,
    iss: String,
}

impl Provider {
    fn start() -> Self {
        let signer = Signer::generate("ES256", "k1");
        let server = KeyServer::start(key_set(&[&signer]));
        let iss = server.uri_of("");
        let provider = Self {
            server,
            signer,
            iss,
        };
        provider.publish(&provider.metadata());
        provider
    }

    fn metadata(&self) -> Value {
        json!({"issuer": self.iss, "jwks_uri": self.server.uri()})
    }

    fn publish(&self, metadata: &Value) {
        self.server.reply_at(METADATA, Reply::ok(metadata));
    }

    /// Publishes metadata with one member changed.
    fn publish_with(&self, member: &str, value: &str) {
        let mut metadata = self.metadata();
        metadata[member] = value.into();
        self.publish(&metadata);
    }

    async fn site(&self) -> Site {
        let jwks = format!("discovery: true, ca: '{}'", pki::ca_file().display());
        let site = Site::start(&[issuer_at("corp", &self.iss, &jwks, "")]).await;
        site.fetched(1).await;
        site
    }

    /// This answer in place of the metadata fails the next fetch so, and evicts no keys; then a
    /// good one mends it.
    async fn fails(
        &self,
        site: &Site,
        (fault, reply): (&str, Reply),
        outcome: &str,
        words: &[String; 2],
    ) {
        self.server.reply_at(METADATA, reply);
        let count = || site.source().fetches.get(outcome).copied();
        let before = count().unwrap_or_default();
        site.next_fetch().await;
        let (_, error) = site.source().failure.unwrap();
        assert_eq!(count(), Some(before + 1), "{fault}: {error}");
        for word in words {
            assert!(error.contains(word), "{fault}: {word} in {error}");
        }
        assert_eq!(site.check(&self.token()).await, "allowed", "{fault}");
        say(&format!(
            "discovery, {fault}: keys kept, {outcome:?}, {error}"
        ));
        self.publish(&self.metadata());
        site.next_fetch().await;
        assert_eq!(site.source().failure, None);
    }

    fn token(&self) -> String {
        token_from(&self.iss, &self.signer)
    }
}

#[tokio::test]
async fn keys_are_found_by_either_form_of_metadata() {
    let provider = Provider::start();
    let site = provider.site().await;
    assert_eq!(site.check(&provider.token()).await, "allowed");
    let stranger = Signer::generate("ES256", "k1");
    let forged = token_from(&provider.iss, &stranger);
    assert_eq!(site.check(&forged).await, "signature_invalid");
    let paths: Vec<String> = paths(&provider.server);
    let once = [METADATA, "/keys"];
    assert_eq!(paths, once.repeat(2), "scheduled, and for the forged one");

    provider.server.reply_at(METADATA, Reply::status(404));
    let metadata = Reply::ok(provider.metadata());
    provider.server.reply_at(OTHER_METADATA, metadata);
    site.next_fetch().await;
    assert_eq!(site.source().failure, None);
    assert_eq!(provider.server.requests_at(OTHER_METADATA), 1);
    say(
        "discovery: keys by OIDC's metadata and by RFC 8414's, one request each for metadata \
         and keys",
    );
}

#[tokio::test]
async fn metadata_of_another_issuer_or_without_keys_evict_none() {
    let provider = Provider::start();
    let (uri, iss) = (provider.server.uri(), &provider.iss);
    let with = |iss: &str, uri: &str| Reply::ok(json!({"issuer": iss, "jwks_uri": uri}));
    let longer = format!("{iss}/");
    let cases = [
        (
            "another issuer",
            with("https://idp.example", &uri),
            [
                r#"issuer "https://idp.example""#.into(),
                format!("not {iss:?}"),
            ],
        ),
        (
            "a slash more",
            with(&longer, &uri),
            [format!("issuer {longer:?}"), METADATA.into()],
        ),
        (
            "no jwks_uri",
            Reply::ok(json!({"issuer": iss})),
            ["jwks_uri (absent)".into(), METADATA.into()],
        ),
        (
            "no JSON",
            Reply::html(),
            [METADATA.into(), "not JSON at byte 0".into()],
        ),
    ];
    let site = provider.site().await;
    for (fault, reply, words) in cases {
        provider
            .fails(&site, (fault, reply), "metadata", &words)
            .await;
    }
}

#[tokio::test]
async fn metadata_lead_to_no_place_that_is_not_to_be_trusted() {
    let provider = Provider::start();
    let elsewhere = KeyServer::start(Reply::ok(provider.metadata()));
    let target = elsewhere.uri_of(METADATA);
    let site = provider.site().await;
    let words = [target.clone(), "not followed".to_owned()];
    let redirect = Reply::redirect(302, &target);
    let fault = ("redirect to another server", redirect);
    provider.fails(&site, fault, "redirect", &words).await;
    assert_eq!(elsewhere.connections(), 0);

    let plain = provider.server.uri().replace("https:", "http:");
    let places = [
        (plain.as_str(), "is not an https URL"),
        ("https://169.254.169.254/keys", "a cloud metadata service"),
        ("https://[fe80::1]/keys", "a link-local address"),
        ("file:///etc/keys.json", "is not an https URL"),
    ];
    for (uri, word) in places {
        let reply = Reply::ok(json!({"issuer": provider.iss, "jwks_uri": uri}));
        let words = [word.to_owned(), String::new()];
        let fault = format!("keys at {uri}");
        provider
            .fails(&site, (&fault, reply), "refused", &words)
            .await;
    }
}

#[tokio::test]
async fn a_jwks_uri_that_moves_is_followed_to_another_server_too() {
    let provider = Provider::start();
    let site = provider.site().await;
    let new = Signer::generate("ES256", "k2");
    let elsewhere = KeyServer::start(key_set(&[&new]));
    let new_token = token_from(&provider.iss, &new);
    assert_eq!(site.check(&new_token).await, "key_not_found");
    provider.publish_with("jwks_uri", &elsewhere.uri());
    site.pass(Duration::from_secs(30)).await;
    assert_eq!(site.check(&new_token).await, "allowed");
    assert_eq!(site.check(&provider.token()).await, "key_not_found");
    assert_eq!(
        (elsewhere.requests(), provider.server.requests_at("/keys")),
        (2, 2),
        "each once more for a token of a key that is not there"
    );
}

#[tokio::test]
async fn what_discovery_finds_without_keys_is_503_and_mends_itself() {
    let provider = Provider::start();
    provider.publish_with("issuer", "https://idp.example/evil");
    let site = provider.site().await;
    let answer = site.ask("/", &provider.token()).await;
    assert_eq!((&*answer.reason, answer.status), ("jwks_unavailable", 503));
    provider.publish(&provider.metadata());
    site.pass(Duration::from_secs(30)).await;
    assert_eq!(site.check(&provider.token()).await, "allowed");
}

fn paths(server: &KeyServer) -> Vec<String> {
    let requests = server.recorded().into_iter();
    requests.map(|request| request.path).collect()
}

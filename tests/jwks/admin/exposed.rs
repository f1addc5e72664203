//! Issuers that publish private keys and shared secrets: nothing of them is kept, and operators are
//! told.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::page::get;
use crate::log::Log;
use crate::say;
use crate::settings::{NOW, folder, issuer, keys_of, token};
use crate::site::Site;

const SECRET: &str = "cHJpdmF0ZSBhcyBjYW4gYmUu";
const EXPOSED: &str = "\nwatchword_jwks_keys_exposed{issuer=\"corp\"} ";

/// The signers' keys; those of the first with private members, and a shared secret beside them.
fn exposing(signers: &[&Signer]) -> Value {
    let mut set = mint::key_set(signers);
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        set["keys"][0][name] = json!(SECRET);
    }
    set["keys"][0]["oth"] = json!([{"r": SECRET, "d": SECRET, "t": SECRET}]);
    let shared = json!({"kty": "oct", "kid": "shared", "k": SECRET});
    set["keys"].as_array_mut().unwrap().push(shared);
    set
}

/// All that is kept in the state directory, documents decoded.
fn saved(state: &std::path::Path) -> String {
    let mut text = String::new();
    for file in fs::read_dir(state).unwrap() {
        let content = fs::read_to_string(file.unwrap().path()).unwrap();
        let json: Value = serde_json::from_str(&content).unwrap();
        for document in json["documents"].as_array().unwrap() {
            let document = STANDARD.decode(document.as_str().unwrap()).unwrap();
            text.push_str(&String::from_utf8(document).unwrap());
        }
        text.push_str(&content);
    }
    text
}

#[tokio::test]
async fn private_keys_of_an_issuer_are_told_of_and_kept_nowhere() {
    let log = Log::start();
    let signers = [
        Signer::rsa("RS256", "rsa", 0),
        Signer::generate("ES256", "ec"),
    ];
    let [rsa, ec] = &signers;
    let server = KeyServer::start(Reply::ok(exposing(&[rsa, ec])));
    let state = folder("exposed");
    let top = format!("state_dir: '{}'", state.display());
    let site = Site::start_at(NOW, &top, &[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;

    // It is for the issuer to replace the keys: a denial would be an outage.
    for signer in &signers {
        assert_eq!(site.check(&token(signer)).await, "allowed");
    }
    let stranger = Signer::generate("ES256", "ec");
    assert_eq!(site.check(&token(&stranger)).await, "signature_invalid");

    let lines = log.lines_with("PRIVATE KEYS ARE PUBLISHED");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        "ERROR",
        &server.uri(),
        "keys=2",
        r#"Some("rsa"), Some("shared")"#,
    ] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
    let metrics = get(&site, "/metrics").await.body;
    assert!(metrics.contains(&format!("{EXPOSED}2\n")), "{metrics}");
    let page = get(&site, "/jwks").await.body;
    let shown: Value = serde_json::from_str(&page).unwrap();
    let kids = json!([{"kid": "rsa"}, {"kid": "shared"}]);
    assert_eq!(shown["sources"][0]["exposed"], kids);

    let public = get(&site, "/jwks/keys?issuer=corp").await.body;
    assert!(site.app.stop().await);
    let saved = saved(&state);
    assert!(saved.contains("\"kid\":\"rsa\""), "{saved}");
    let log = log.lines_with("").join("\n");
    for (place, text) in [
        ("metrics", &metrics),
        ("/jwks", &page),
        ("/jwks/keys", &public),
        ("state_dir", &saved),
        ("log", &log),
    ] {
        assert!(!text.contains(SECRET), "{place}: {text}");
    }
    say("private members and a shared secret: told of once, and kept nowhere");
}

#[tokio::test]
async fn an_issuer_that_stops_publishing_private_keys_is_no_longer_told_of() {
    let log = Log::start();
    let signer = Signer::generate("ES256", "ec");
    let server = KeyServer::start(Reply::ok(mint::key_set(&[&signer])));
    let site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let told = || log.lines_with("PRIVATE KEYS ARE PUBLISHED").len();
    for (set, exposed, lines) in [
        (mint::key_set(&[&signer]), 0, 0),
        (exposing(&[&signer]), 2, 1),
        (exposing(&[&signer]), 2, 1),
        (mint::key_set(&[&signer]), 0, 1),
    ] {
        server.reply(Reply::ok(set));
        site.next_fetch().await;
        let metrics = get(&site, "/metrics").await.body;
        assert!(
            metrics.contains(&format!("{EXPOSED}{exposed}\n")),
            "{metrics}"
        );
        assert_eq!(told(), lines);
        assert_eq!(site.check(&token(&signer)).await, "allowed");
    }
}

/// RFC 8037, A.1 and A.2: the example's private key, written into a configuration.
#[tokio::test]
async fn private_keys_in_a_configuration_are_told_of() {
    let log = Log::start();
    let public = "{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}";
    let private = public.replace('}', ", d: nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A}");
    for (key, lines) in [(public, 0), (&private, 1)] {
        let site = Site::start(&[issuer("corp", &format!("inline: {key}"))]).await;
        let told = log.lines_with("PRIVATE KEYS ARE PUBLISHED");
        assert_eq!(told.len(), lines, "{told:?}");
        assert!(told.iter().all(|line| line.contains("inline keys of")));
        assert!(log.lines_with("nWGxne").is_empty());
        assert!(site.app.stop().await);
    }
}

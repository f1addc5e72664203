//! Another configuration comes while the server runs.

use std::path::Path;
use std::time::Duration;

use watchword::app::{Completeness, ReloadError};
use watchword::config::Config;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::call;
use crate::settings::{configuration, issuer, key_set, keys_of, optional_issuer, token, token_of};
use crate::site::{Site, eventually};

async fn reload(site: &mut Site, issuers: &[String]) -> Result<(), ReloadError> {
    let text = configuration("", issuers);
    let config = Config::parse(&text, Path::new("jwks.yaml"));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    site.app.reload(config, Completeness::Complete).await
}

#[tokio::test]
async fn a_source_that_stays_is_not_fetched_again_and_its_tokens_are_its_issuers() {
    let (corp, partner) = (
        Signer::generate("ES256", "k1"),
        Signer::generate("ES256", "k2"),
    );
    let server = KeyServer::start(key_set(&[&corp]));
    let other = KeyServer::start(key_set(&[&partner]));
    let corp_issuer = issuer("corp", &keys_of(&server, ""));
    let mut site = Site::start(std::slice::from_ref(&corp_issuer)).await;
    site.fetched(1).await;
    let token = token(&corp);
    assert_eq!(site.check(&token).await, "allowed");

    // The newcomer is the first in order, so that the other one has another place.
    let newcomer = issuer("a-partner", &keys_of(&other, ""));
    reload(&mut site, &[newcomer, corp_issuer.clone()])
        .await
        .unwrap();
    assert_eq!((server.requests(), other.requests()), (1, 1));
    assert_eq!(site.check(&token).await, "allowed");
    assert_eq!(
        site.check(&token_of("a-partner", &partner)).await,
        "allowed"
    );
    assert_eq!(
        site.check(&token_of("a-partner", &corp)).await,
        "key_not_found"
    );

    reload(&mut site, &[corp_issuer]).await.unwrap();
    assert_eq!(site.check(&token).await, "allowed");
    assert_eq!(
        site.check(&token_of("a-partner", &partner)).await,
        "issuer_not_allowed"
    );
    assert_eq!((server.requests(), site.sources().len()), (1, 1));
}

#[tokio::test]
async fn a_source_that_is_new_has_its_keys_before_it_is_used() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let next = KeyServer::start(key_set(&[&new]).held());
    let mut site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let (client, other) = (site.client(), site.new_client().await);
    let issuers = [issuer("corp", &keys_of(&next, ""))];
    let mut reloading = std::pin::pin!(reload(&mut site, &issuers));
    tokio::select! {
        _ = &mut reloading => panic!("its keys are not there"),
        () = next.requests_reach(1) => {}
    }
    let (signer, old, new) = (&new, token(&old), token(&new));
    assert_eq!(call::ask(client.clone(), "/", &old).await.reason, "allowed");
    next.release();
    reloading.await.unwrap();
    // What the old key is looked for in.
    next.reply(key_set(&[signer]));
    assert_eq!(call::ask(client, "/", &new).await.reason, "allowed");
    assert_eq!(call::ask(other, "/", &old).await.reason, "key_not_found");
}

#[tokio::test]
async fn a_configuration_whose_keys_cannot_be_had_is_not_used() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let down = KeyServer::absent(key_set(&[&signer]));
    let mut site = Site::start(&[issuer("corp", &keys_of(&server, ""))]).await;
    site.fetched(1).await;
    let clock = site.clock.clone();
    let (client, token) = (site.client(), token(&signer));
    let issuers = [issuer("corp", &keys_of(&down, ""))];
    let refused = {
        let mut reloading = std::pin::pin!(reload(&mut site, &issuers));
        loop {
            tokio::select! { biased;
                outcome = &mut reloading => break outcome,
                answer = call::ask(client.clone(), "/", &token) => {
                    assert_eq!(answer.reason, "allowed");
                    clock.advance(Duration::from_secs(1));
                }
            }
        }
    };
    assert!(
        matches!(refused, Err(ReloadError::NoKeys { .. })),
        "{refused:?}"
    );
    assert_eq!(site.check(&token).await, "allowed");
    assert_eq!(site.source().fetches.len(), 1, "the source of before");
}

#[tokio::test]
async fn an_issuer_that_is_not_required_loses_no_keys_either() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let next = KeyServer::start(key_set(&[&signer]).held());
    let down = KeyServer::absent(key_set(&[&signer]));
    // The other one has no keys, so that the server is not ready.
    let away = issuer("away", &keys_of(&down, ""));
    let of = |server| [optional_issuer("corp", &keys_of(server, "")), away.clone()];
    let mut site = Site::start(&of(&server)).await;
    let token = token(&signer);
    eventually("keys of corp", || {
        site.sources().iter().any(|source| source.state == "fresh")
    })
    .await;
    assert_eq!(site.check(&token).await, "allowed");
    let client = site.client();
    let issuers = of(&next);
    {
        let mut reloading = std::pin::pin!(reload(&mut site, &issuers));
        tokio::select! {
            _ = &mut reloading => panic!("corp would lose its keys"),
            () = next.requests_reach(1) => {}
        }
        assert_eq!(call::ask(client, "/", &token).await.reason, "allowed");
        next.release();
        reloading.await.unwrap();
    }
    assert_eq!(site.check(&token).await, "allowed");
    assert_eq!(site.check("not a token").await, "token_malformed");
}

#[tokio::test]
async fn requests_that_wait_for_a_key_are_not_lost() {
    let (old, new) = (
        Signer::generate("ES256", "old"),
        Signer::generate("ES256", "new"),
    );
    let server = KeyServer::start(key_set(&[&old]));
    let corp = issuer("corp", &keys_of(&server, ""));
    let mut site = Site::start(std::slice::from_ref(&corp)).await;
    site.fetched(1).await;
    server.reply(key_set(&[&old, &new]).held());
    site.clock.advance(Duration::from_secs(30));
    let token: &'static str = token(&new).leak();
    let waiting = tokio::spawn(call::ask(site.client(), "/", token));
    server.requests_reach(2).await;
    reload(&mut site, &[corp]).await.unwrap();
    server.release();
    assert_eq!(waiting.await.unwrap().reason, "allowed");
    assert_eq!(server.requests(), 2);
}

async fn reload_text(
    site: &mut Site,
    text: &str,
    completeness: Completeness,
) -> Result<(), String> {
    let config = Config::parse(text, Path::new("jwks.yaml"));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let reloaded = site.app.reload(config, completeness).await;
    reloaded.map_err(|error| error.to_string())
}

/// A Watchword with one issuer, its key server, and the text of its configuration.
async fn one_issuer() -> (KeyServer, Site, String) {
    let server = KeyServer::start(key_set(&[&Signer::generate("ES256", "k1")]));
    let issuers = [issuer("corp", &keys_of(&server, ""))];
    let site = Site::start(&issuers).await;
    site.fetched(1).await;
    (server, site, configuration("", &issuers))
}

#[tokio::test]
async fn a_file_that_ends_early_counts_only_when_it_has_stayed_so() {
    let (_server, mut site, whole) = one_issuer().await;
    let cut = whole.strip_suffix("- {}\n").unwrap();
    let other = format!("log: {{level: info}}\n{cut}");

    let refused = reload_text(&mut site, cut, Completeness::Unknown)
        .await
        .unwrap_err();
    assert!(
        refused.starts_with("the file ends before rules[1]"),
        "{refused}"
    );
    site.clock.advance(Duration::from_secs(59));
    assert!(
        reload_text(&mut site, cut, Completeness::Unknown)
            .await
            .is_err()
    );
    // It grows, so that the minute begins again.
    assert!(
        reload_text(&mut site, &other, Completeness::Unknown)
            .await
            .is_err()
    );
    site.clock.advance(Duration::from_secs(59));
    assert!(
        reload_text(&mut site, &other, Completeness::Unknown)
            .await
            .is_err()
    );
    site.clock.advance(Duration::from_secs(1));
    reload_text(&mut site, &other, Completeness::Unknown)
        .await
        .unwrap();
    assert_eq!(site.ask("/orders", "x").await.reason, "policy_denied");

    // A last rule without require may be cut off, and says nothing by itself.
    let refused = reload_text(&mut site, &whole, Completeness::Unknown).await;
    assert!(refused.unwrap_err().contains("which has no require"));
    reload_text(&mut site, &whole, Completeness::Complete)
        .await
        .unwrap();
    assert_eq!(site.ask("/orders", "x").await.reason, "token_malformed");
    reload_text(&mut site, cut, Completeness::Complete)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_setting_at_the_end_of_a_file_never_goes_by_itself() {
    let (_server, mut site, cut) = one_issuer().await;
    let whole = format!("{cut}mode: shadow\n");
    reload_text(&mut site, &whole, Completeness::Unknown)
        .await
        .unwrap();
    for _ in 0..3 {
        let refused = reload_text(&mut site, &cut, Completeness::Unknown).await;
        let refused = refused.unwrap_err();
        assert!(
            refused.starts_with("the file ends before mode"),
            "{refused}"
        );
        assert!(refused.contains("send SIGHUP"), "{refused}");
        site.clock.advance(Duration::from_secs(3600));
    }
    reload_text(&mut site, &cut, Completeness::Complete)
        .await
        .unwrap();
}

#[tokio::test]
async fn rules_never_vanish_unsaid() {
    let (_server, mut site, whole) = one_issuer().await;
    let (without_rules, _) = whole.split_once("rules:").unwrap();
    let without_demand = whole.replace(", require: {scopes: [admin]}", "");
    for text in [without_rules, &without_demand] {
        let refused = reload_text(&mut site, text, Completeness::Complete)
            .await
            .unwrap_err();
        assert!(refused.contains("is gone"), "{refused}");
        site.clock.advance(Duration::from_secs(3600));
        assert!(
            reload_text(&mut site, text, Completeness::Complete)
                .await
                .is_err()
        );
    }
    let said = whole.replace("{scopes: [admin]}", "{}");
    reload_text(&mut site, &said, Completeness::Unknown)
        .await
        .unwrap();
    let said = format!("{without_rules}rules: any_valid_token\n");
    reload_text(&mut site, &said, Completeness::Unknown)
        .await
        .unwrap();
}

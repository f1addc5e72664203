//! Addresses at which no keys are asked for, whoever names them.

use std::path::Path;

use watchword::config::Config;
use watchword_test_support::key_server::KeyServer;
use watchword_test_support::mint::Signer;

use crate::say;
use crate::settings::{configuration, issuer, key_set, keys_at, token};
use crate::site::Site;

#[test]
fn link_local_and_metadata_addresses_are_refused_in_the_configuration() {
    let refused = [
        ("https://169.254.169.254/keys", "a cloud metadata service"),
        ("https://169.254.1.1/keys", "a link-local address"),
        ("https://2852039166/keys", "a cloud metadata service"),
        (
            "https://[::ffff:169.254.169.254]/keys",
            "a cloud metadata service",
        ),
        ("https://[fe80::1]/keys", "a link-local address"),
        ("https://[fd00:ec2::254]/keys", "a cloud metadata service"),
        ("https://100.100.100.200/keys", "a cloud metadata service"),
    ];
    let parse = |uri: &str, more: &str| {
        let text = configuration("", &[issuer("corp", &keys_at(uri, more))]);
        Config::parse(&text, Path::new("jwks.yaml"))
    };
    for (uri, kind) in refused {
        let problems = parse(uri, "").map(drop).unwrap_err().to_string();
        assert!(problems.contains(kind), "{uri}: {problems}");
        assert!(problems.contains("issuers.corp.jwks.uri"), "{problems}");
    }
    parse("https://127.0.0.1/keys", "").unwrap();
    let denied = parse("https://127.0.0.1/keys", "deny_private_addresses: true");
    let problems = denied.map(drop).unwrap_err().to_string();
    assert!(problems.contains("a loopback address"), "{problems}");
    say(&format!(
        "{} link-local and metadata addresses refused in the configuration",
        refused.len()
    ));
}

#[tokio::test]
async fn a_name_that_resolves_to_loopback_is_refused_only_with_deny_private_addresses() {
    let signer = Signer::generate("ES256", "k1");
    let server = KeyServer::start(key_set(&[&signer]));
    let uri = server.uri().replace("127.0.0.1", "localhost");
    let denied = keys_at(&uri, "deny_private_addresses: true");
    let site = Site::start(&[issuer("corp", &denied)]).await;
    site.fetched(1).await;
    let source = site.source();
    assert_eq!(source.fetches["refused"], 1);
    let (_, error) = source.failure.unwrap();
    assert!(
        error.starts_with("localhost is a loopback address ("),
        "{error}"
    );
    assert_eq!(site.check(&token(&signer)).await, "jwks_unavailable");
    assert_eq!(server.connections(), 0);
    say(&format!("deny_private_addresses: {error:?}"));

    let site = Site::start(&[issuer("corp", &keys_at(&uri, ""))]).await;
    site.fetched(1).await;
    assert_eq!(site.check(&token(&signer)).await, "allowed");
}

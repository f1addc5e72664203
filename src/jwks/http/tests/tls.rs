//! Whom a fetch trusts, and what it says of others.

use std::path::Path;
use std::time::Duration;

use crate::jwks::http::fetch_uri;
use crate::jwks::{Access, FetchError};

use super::server::{Authority, Directory, Reply, Server, document, ok, params, plain, trusting};

fn keys(_: &str) -> Reply {
    ok("keys")
}

async fn fetched(server: &Server, access: &Access) -> Result<String, String> {
    document(fetch_uri(access, &server.url("/keys?key=secret"), None).await)
}

#[tokio::test]
async fn an_authority_of_the_bundle_is_trusted_and_another_is_named() {
    let (good, other) = (Authority::new("Good CA"), Authority::new("Other CA"));
    let directory = Directory::new();
    let server = Server::https(good.server(), keys).await;
    let access = trusting(&directory.write("ca", &(other.pem() + &good.pem())));
    assert_eq!(fetched(&server, &access).await.as_deref(), Ok("keys"));

    let access = trusting(&directory.write("ca", &other.pem()));
    let error = fetched(&server, &access).await.unwrap_err();
    let expected = ": certificate of CN=keys of localhost, issued by CN=Good CA, valid \
        from 1975-01-01T00:00:00Z to 4096-01-01T00:00:00Z: invalid peer certificate: UnknownIssuer";
    assert!(error.ends_with(expected), "{error}");
    assert!(!error.contains("secret"), "{error}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn the_system_does_not_trust_what_a_bundle_would() {
    let server = Server::https(Authority::new("Good CA").server(), keys).await;
    let error = fetched(&server, &plain()).await.unwrap_err();
    assert!(error.contains(" failed: "), "{error}");
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_rotated_bundle_is_used_by_the_next_fetch() {
    let (old, new) = (Authority::new("Old CA"), Authority::new("New CA"));
    let directory = Directory::new();
    let access = trusting(&directory.write("ca", &old.pem()));
    let server = Server::https(new.server(), keys).await;
    assert!(fetched(&server, &access).await.is_err());
    directory.write("ca", &new.pem());
    assert_eq!(fetched(&server, &access).await.as_deref(), Ok("keys"));
}

#[tokio::test]
async fn a_certificate_is_for_its_own_name_and_time() {
    let authority = Authority::new("Good CA");
    let directory = Directory::new();
    let access = trusting(&directory.write("ca", &authority.pem()));
    let right = params("right", &["localhost"]);
    let mut expired = right.clone();
    expired.not_before = rcgen::date_time_ymd(2019, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut early = right.clone();
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    let table = [
        (
            params("wrong", &["idp.example.com"]),
            "certificate of CN=wrong, issued by CN=Good CA, ",
        ),
        (
            params("line\n\u{202e}break", &["idp.example.com"]),
            "certificate of CN=line\\0a\\u{202e}break, ",
        ),
        (
            expired,
            "to 2020-01-01T00:00:00Z: invalid peer certificate: certificate expired: ",
        ),
        (early, "valid from 4000-01-01T00:00:00Z to "),
    ];
    for (params, expected) in table {
        let server = Server::https(authority.issue(&params).server(), keys).await;
        let error = fetched(&server, &access).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(['\n', '\u{202e}']), "{error}");
    }
    let server = Server::https(authority.issue(&right).server(), keys).await;
    assert_eq!(fetched(&server, &access).await.as_deref(), Ok("keys"));
}

#[tokio::test]
async fn a_server_that_does_not_finish_its_handshake_is_left() {
    // Connections are made, but nobody takes them.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/keys", listener.local_addr().unwrap());
    let access = Access {
        connect_timeout: Duration::from_millis(50),
        ..plain()
    };
    let error = fetch_uri(&access, &url.parse().unwrap(), None).await;
    let Err(FetchError::Http { source, .. }) = error else {
        panic!("{error:?}");
    };
    assert!(source.is_timeout(), "{source:?}");
}

#[tokio::test]
async fn a_long_name_is_cut() {
    let authority = Authority::new("Good CA");
    let directory = Directory::new();
    let access = trusting(&directory.write("ca", &authority.pem()));
    let params = params(&"n".repeat(5000), &["idp.example.com"]);
    let server = Server::https(authority.issue(&params).server(), keys).await;
    let error = fetched(&server, &access).await.unwrap_err();
    assert!(
        error.contains("nnn: invalid peer certificate: certificate not valid for name"),
        "{error}"
    );
    assert!(error.len() < 800, "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let authority = Authority::new("Good CA");
    let directory = Directory::new();
    let ca = directory.write("ca", &authority.pem());
    let pair = |name: &str, by: &Authority| {
        let (certificate, key) = by.issue(&params(name, &[])).pems();
        (
            directory.write(&format!("{name}.crt"), &certificate),
            directory.write(&format!("{name}.key"), &key),
        )
    };
    let (ours, theirs) = (
        pair("ours", &authority),
        pair("theirs", &Authority::new("Other CA")),
    );
    let identity = authority.issue(&params("keys", &["localhost"]));
    let server = Server::https(identity.server_for(Some(&authority)), keys).await;
    let access = |client_certificate| Access {
        client_certificate,
        ..trusting(&ca)
    };
    assert_eq!(
        fetched(&server, &access(Some(ours.clone())))
            .await
            .as_deref(),
        Ok("keys")
    );
    assert!(fetched(&server, &access(None)).await.is_err());
    assert!(
        fetched(&server, &access(Some(theirs.clone())))
            .await
            .is_err()
    );
    assert_eq!(server.heads().len(), 1);

    let error = fetched(&server, &access(Some((ours.0, theirs.1))))
        .await
        .unwrap_err();
    assert!(
        error.ends_with("ours.crt is not the certificate of the private key beside it"),
        "{error}"
    );
}

#[tokio::test]
async fn files_that_hold_no_certificates_and_keys_are_named() {
    let authority = Authority::new("Good CA");
    let directory = Directory::new();
    let identity = authority.issue(&params("ours", &[]));
    let (certificate, key) = identity.pems();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let server = Server::https(authority.server(), keys).await;
    let refused = async |access: Access, path: &Path| {
        let error = fetch_uri(&access, &server.url("/keys"), None)
            .await
            .unwrap_err();
        let FetchError::Access { path: named, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(named, path);
    };
    for content in ["", "no PEM", key.as_str(), &(authority.pem() + broken)] {
        let path = directory.write("ca", content);
        refused(trusting(&path), &path).await;
    }
    let ca = directory.write("ca", &authority.pem());
    let path = directory.write("both", &certificate);
    let without_key = Access {
        client_certificate: Some((path.clone(), path.clone())),
        ..trusting(&ca)
    };
    refused(without_key, &path).await;
    let error = fetched(&server, &trusting(&path.with_file_name("none")))
        .await
        .unwrap_err();
    assert!(error.starts_with("cannot read "), "{error}");
}

//! Faults before HTTP begins, each beside a neighbour that is right.

use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use watchword_test_support::key_server::Transport;
use watchword_test_support::pki::{self, Identity};

use super::{KeyServer, Reply, SET, causes, client, client_of, failure, fetch};

#[tokio::test]
async fn a_wrong_certificate_is_refused_for_what_is_wrong_with_it() {
    let server = KeyServer::start(Reply::ok(SET));
    let wrong = [
        (Identity::expired_server(), "Expired"),
        (Identity::future_server(), "NotValidYet"),
        (Identity::server_elsewhere(), "NotValidForName"),
        (Identity::stranger_server(), "UnknownIssuer"),
        (Identity::self_signed_server(), "UnknownIssuer"),
        (Identity::client(), "InvalidPurpose"),
    ];
    for (broken, (identity, error)) in wrong.into_iter().enumerate() {
        server.use_certificate(&identity);
        let failure = failure(&server).await;
        assert!(failure.contains(error), "{failure}");
        server.failed_handshakes_reach(broken + 1).await;
        assert_eq!(server.requests(), broken, "only the good ones");

        server.use_certificate(&Identity::server());
        assert_eq!(fetch(&server).await.unwrap(), SET);
    }
}

#[tokio::test]
async fn a_certificate_is_good_for_the_name_and_the_address() {
    let server = KeyServer::start(Reply::ok(SET));
    let by_name = server.uri().replace("127.0.0.1", "localhost");
    client().get(by_name).send().await.unwrap();
    client().get(server.uri()).send().await.unwrap();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn mutual_tls_lets_in_the_clients_of_the_authority_alone() {
    let server = KeyServer::start(Reply::ok(SET));
    server.use_transport(Transport::mutual_tls(&Identity::server()));
    let strangers = [
        None,
        Some(Identity::stranger_client()),
        Some(Identity::server()),
    ];
    for identity in strangers {
        let client = client_of(identity.as_ref());
        client.get(server.uri()).send().await.unwrap_err();
    }
    server.failed_handshakes_reach(3).await;
    assert_eq!(server.requests(), 0);

    let known = client_of(Some(&Identity::client()));
    known.get(server.uri()).send().await.unwrap();
    assert!(server.last_request().with_client_certificate);
}

#[tokio::test]
async fn tls12_is_spoken_and_tls11_is_no_longer() {
    let server = KeyServer::start(Reply::ok(SET));
    server.use_transport(Transport::tls12(&Identity::server()));
    assert_eq!(fetch(&server).await.unwrap(), SET);

    server.use_transport(Transport::Tls11);
    let error = failure(&server).await;
    assert!(error.contains("Incompatible"), "{error}");
    server.failed_handshakes_reach(1).await;
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_port_without_tls_breaks_tls_and_answers_plain_http() {
    let server = KeyServer::start(Reply::ok(SET));
    server.use_transport(Transport::Plain);
    let error = failure(&server).await;
    assert!(
        error.contains("InvalidMessage") || error.contains("UnexpectedEof"),
        "{error}"
    );

    let plain = KeyServer::start_plain(Reply::ok(SET));
    assert!(plain.uri().starts_with("http://"));
    assert_eq!(fetch(&plain).await.unwrap(), SET);
}

#[tokio::test]
async fn a_connection_can_be_closed_before_a_word() {
    let server = KeyServer::start(Reply::ok(SET));
    server.use_transport(Transport::Closed);
    let error = client().get(server.uri()).send().await.unwrap_err();
    assert!(error.is_connect(), "{}", causes(&error));
    assert_eq!((server.connections(), server.requests()), (1, 0));
}

#[tokio::test]
async fn a_connection_can_be_taken_in_silence() {
    let server = KeyServer::start(Reply::ok(SET));
    server.use_transport(Transport::Silent);
    let fetching = tokio::spawn(client().get(server.uri()).send());
    server.connections_reach(1).await;
    server.use_certificate(&Identity::server());
    assert_eq!(fetch(&server).await.unwrap(), SET, "others go on");
    assert!(!fetching.is_finished());
    server.down().await;
    assert!(fetching.await.unwrap().unwrap_err().is_connect());
}

#[tokio::test]
async fn pem_files_hold_what_they_say() {
    let read = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
    assert!(read(pki::ca_file()) != read(pki::stranger_ca_file()));
    let identity = Identity::client();
    let (certificate, key) = identity.pem_files("client");
    assert_eq!(vec![read(&certificate)], identity.chain());
    assert_eq!(
        PrivateKeyDer::from_pem_file(&key).unwrap(),
        identity.private_key()
    );
}

//! Connections that come to nothing: nobody there, no TLS, old TLS, and certificates that must not
//! be trusted.

use watchword_test_support::key_server::Transport;
use watchword_test_support::pki::Identity;

use super::Ward;

#[tokio::test]
async fn a_server_that_is_down_takes_no_keys_with_it() {
    let ward = Ward::start().await;
    ward.server.down().await;
    for _ in 0..3 {
        ward.fails("down", "request", &["refused"]).await;
    }
    ward.server.up();
    ward.recovers().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_named_in_the_error() {
    let ward = Ward::start().await;
    let subject = "certificate of CN=rcgen self signed cert";
    let faults: [(&str, Identity, &[&str]); 6] = [
        (
            "unknown authority",
            Identity::stranger_server(),
            &["issued by CN=stranger", "UnknownIssuer"],
        ),
        (
            "self-signed certificate",
            Identity::self_signed_server(),
            &["issued by CN=rcgen", "UnknownIssuer"],
        ),
        (
            "expired certificate",
            Identity::expired_server(),
            &["issued by CN=trusted", "to 2001-01-01", "expired"],
        ),
        (
            "future certificate",
            Identity::future_server(),
            &["valid from 4000-01-01", "not valid yet"],
        ),
        (
            "certificate of another host",
            Identity::server_elsewhere(),
            &["not valid for", "elsewhere.example"],
        ),
        (
            "certificate of a client",
            Identity::client(),
            &["issued by CN=trusted", "usage"],
        ),
    ];
    for (fault, identity, words) in &faults {
        ward.server.use_certificate(identity);
        let requests = ward.server.requests();
        let words = [&[subject][..], words].concat();
        ward.fails(fault, "request", &words).await;
        assert_eq!(ward.server.requests(), requests, "none came through");
        ward.server.use_certificate(&Identity::server());
        ward.recovers().await;
    }
}

#[tokio::test]
async fn what_is_not_tls_of_today_brings_no_keys() {
    let ward = Ward::start().await;
    let faults: [(&str, Transport, &[&str]); 3] = [
        ("plain HTTP on the port", Transport::Plain, &["corrupt"]),
        ("TLS 1.1", Transport::Tls11, &["DoesNotSupportTls12Or13"]),
        ("closed at once", Transport::Closed, &["request to"]),
    ];
    for (fault, transport, words) in faults {
        ward.server.use_transport(transport);
        ward.fails(fault, "request", words).await;
        ward.server
            .use_transport(Transport::tls(&Identity::server()));
        ward.recovers().await;
    }
    let tls12 = Transport::tls12(&Identity::server());
    ward.server.use_transport(tls12);
    ward.recovers().await;
}

//! The callers that are admitted, from the wire to the decision: a service that asks and does
//! nothing else.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tonic::body::Body;
use watchword::grpc::Callers;
use watchword::listen::{
    BegunCall, CallHandler, CallKind, Connection, Listener, Server, Tls, load_tls,
};
use watchword_test_support::pki::Identity;

use crate::client::Client;
use crate::site;
use crate::tls::{self, Hello};

const SECRET: &str = "a-secret-of-enough-bytes";

struct Gate(Callers);

impl CallHandler for Gate {
    fn begin(&self, call: Request<Body>, connection: &Connection) -> BegunCall {
        let answer = match self.0.admit(call.headers(), connection.peer()) {
            Ok(()) => "admitted".to_owned(),
            Err(refused) => format!("{refused:?}"),
        };
        let answer = Response::new(Body::new(Full::new(Bytes::from(answer))));
        BegunCall {
            kind: CallKind::Unary,
            answer: Box::pin(ready(answer)),
        }
    }
}

/// A listener with mutual TLS, and the gate behind it.
async fn gate(name: &str, check: &str) -> Server {
    let more = format!("{}, client_certificate: optional", tls::client_ca());
    let files = tls::settings(name, &Identity::server(), &more);
    let grpc = format!("{{address: '127.0.0.1:0', tls: {files}, callers: {{check: {check}}}}}");
    let grpc = site::config(&format!("{{grpc: {grpc}}}")).server.grpc;
    let listener = Listener::bind(&grpc.address, grpc.socket).await.unwrap();
    let tls = Tls::new(load_tls(&grpc.tls.unwrap()).unwrap());
    let gate = Arc::new(Gate(Callers::new(grpc.callers.check)));
    Server::start(listener, Some(tls), gate, site::bounds(grpc.limits))
}

async fn ask(server: &Server, identity: Option<&Identity>, metadata: &[(&str, &str)]) -> String {
    let stream = Hello {
        identity,
        ..Hello::default()
    };
    let stream = stream
        .handshake(server.address().tcp().unwrap())
        .await
        .unwrap();
    let mut client = Client::over(stream).await.unwrap();
    let answer = client.call("/test.Gate/Ask", Bytes::new(), metadata).await;
    String::from_utf8(answer.unwrap().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_a_verified_certificate_reach_the_decision() {
    let server = gate(
        "names",
        "{certificate_names: ['spiffe://example.com/envoy']}",
    )
    .await;
    let envoy = Identity::client_named("spiffe://example.com/envoy");
    assert_eq!(ask(&server, Some(&envoy), &[]).await, "admitted");
    let other = Identity::client_named("spiffe://example.com/other");
    assert_eq!(
        ask(&server, Some(&other), &[]).await,
        "CertificateNameUnknown"
    );
    assert_eq!(ask(&server, None, &[]).await, "CertificateMissing");

    let server = gate("dns", "{certificate_names: [watchword.example]}").await;
    assert_eq!(
        ask(&server, Some(&Identity::client()), &[]).await,
        "admitted"
    );
    assert_eq!(
        ask(&server, Some(&other), &[]).await,
        "CertificateNameUnknown"
    );
}

/// An authority that vouches for DNS names may sign a text that reads like somebody's URI.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_name_counts_by_type_and_value() {
    let (spiffe, host) = ("spiffe://example.com/envoy", "envoy.example.com");
    for (configured, good, bad) in [
        (
            spiffe,
            Identity::client_named(spiffe),
            Identity::client_at(spiffe),
        ),
        (
            host,
            Identity::client_at(host),
            Identity::client_named(host),
        ),
    ] {
        let server = gate("types", &format!("{{certificate_names: ['{configured}']}}")).await;
        assert_eq!(
            ask(&server, Some(&good), &[]).await,
            "admitted",
            "{configured}"
        );
        let refused = ask(&server, Some(&bad), &[]).await;
        assert_eq!(refused, "CertificateNameUnknown", "{configured}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_metadata_reaches_the_decision() {
    let file = site::path("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let server = gate("secret", &format!("{{secret_file: {}}}", file.display())).await;
    std::fs::remove_file(&file).unwrap();
    let name = "x-watchword-secret";
    assert_eq!(ask(&server, None, &[(name, SECRET)]).await, "admitted");
    assert_eq!(ask(&server, None, &[(name, "wrong")]).await, "SecretWrong");
    assert_eq!(ask(&server, None, &[]).await, "SecretMissing");
    let twice = [(name, SECRET), (name, SECRET)];
    assert_eq!(ask(&server, None, &twice).await, "SecretRepeated");
}

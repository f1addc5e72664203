//! TLS and mutual TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use watchword::app::{App, StartError};
use watchword::clock::Clock;
use watchword::listen::{TlsFiles, load_tls};
use watchword_test_support::pki::{self, Identity};

use crate::client::Client;
use crate::site::{self, Site};

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS12, &version::TLS13];

/// A client's part of a handshake.
pub(crate) struct Hello<'h> {
    pub(crate) versions: &'h [&'static SupportedProtocolVersion],
    pub(crate) identity: Option<&'h Identity>,
    pub(crate) protocols: &'h [&'h str],
}

impl Default for Hello<'_> {
    fn default() -> Self {
        Self {
            versions: BOTH,
            identity: None,
            protocols: &["h2"],
        }
    }
}

impl Hello<'_> {
    pub(crate) async fn handshake(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(pki::provider())
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(pki::roots());
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.private_key())
                .unwrap(),
        };
        let protocols = self.protocols.iter();
        config.alpn_protocols = protocols.map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A client that was answered once. TLS 1.3 tells of a bad client certificate only after the
    /// client's handshake.
    pub(crate) async fn client(&self, address: SocketAddr) -> Option<Client> {
        let stream = self.handshake(address).await.ok()?;
        let mut client = Client::over(stream).await.ok()?;
        client.health().await.ok()?;
        Some(client)
    }
}

/// The certificate that the server shows.
async fn shown(address: SocketAddr) -> Vec<u8> {
    let stream = Hello::default().handshake(address).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// `tls` with this certificate and more settings.
pub(crate) fn settings(name: &str, identity: &Identity, more: &str) -> String {
    let (certificate, key) = identity.pem_files(name);
    format!(
        "{{certificate: {}, private_key: {}{more}}}",
        certificate.display(),
        key.display()
    )
}

/// Settings for clients' certificates.
pub(crate) fn client_ca() -> String {
    format!(", client_ca: {}", pki::ca_file().display())
}

async fn site(tls: &str) -> Site {
    Site::start(&format!("{{grpc: {{address: '127.0.0.1:0', tls: {tls}}}}}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_over_tls_1_2_and_1_3_and_not_without() {
    let site = site(&settings("versions", &Identity::server(), "")).await;
    let address = site.app.address();
    for version in BOTH {
        let hello = Hello {
            versions: &[version],
            ..Hello::default()
        };
        let mut client = hello.client(address).await.unwrap();
        assert_eq!(client.check(&site::token()).await.unwrap(), 0);
        assert_eq!(client.check("nonsense").await.unwrap(), 16);
    }
    let mut plain = Client::over(TcpStream::connect(address).await.unwrap()).await;
    if let Ok(client) = &mut plain {
        assert!(client.check(&site::token()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_http2_is_spoken() {
    let site = site(&settings("alpn", &Identity::server(), "")).await;
    let handshake = async |protocols: &[&str]| {
        let hello = Hello {
            protocols,
            ..Hello::default()
        };
        let stream = hello.handshake(site.app.address()).await;
        stream.map(|stream| stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert!(handshake(&["http/1.1"]).await.is_err());
    assert_eq!(
        handshake(&["http/1.1", "h2"]).await.unwrap().unwrap(),
        b"h2"
    );
    assert_eq!(handshake(&["h2"]).await.unwrap().unwrap(), b"h2");
    // A proxy that was told to speak HTTP/2 may not say so again.
    assert_eq!(handshake(&[]).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_needs_a_certificate_of_the_authority() {
    let site = site(&settings("required", &Identity::server(), &client_ca())).await;
    let address = site.app.address();
    let (good, stranger) = (Identity::client(), Identity::stranger_client());
    let server = Identity::server();
    for version in BOTH {
        let connects = async |identity| {
            let hello = Hello {
                versions: &[version],
                identity,
                ..Hello::default()
            };
            hello.client(address).await.is_some()
        };
        assert!(connects(Some(&good)).await);
        assert!(!connects(None).await);
        assert!(!connects(Some(&stranger)).await);
        assert!(!connects(Some(&server)).await, "not made for clients");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optional_certificate_must_be_good_if_it_is_shown() {
    let more = format!("{}, client_certificate: optional", client_ca());
    let site = site(&settings("optional", &Identity::server(), &more)).await;
    let connects = async |identity| {
        let hello = Hello {
            identity,
            ..Hello::default()
        };
        hello.client(site.app.address()).await.is_some()
    };
    let (good, stranger) = (Identity::client(), Identity::stranger_client());
    assert!(connects(None).await);
    assert!(connects(Some(&good)).await);
    assert!(!connects(Some(&stranger)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_at_once_and_open_connections_go_on() {
    let (old, new) = (Identity::server(), Identity::server());
    let site = site(&settings("old", &old, "")).await;
    let address = site.app.address();
    let mut open = Hello::default().client(address).await.unwrap();
    assert_eq!(shown(address).await, old.chain()[0].to_vec());
    let (certificate, private_key) = new.pem_files("new");
    let files = TlsFiles {
        certificate,
        private_key,
        clients: None,
    };
    site.app.tls().unwrap().replace(load_tls(&files).unwrap());
    assert_eq!(shown(address).await, new.chain()[0].to_vec());
    assert_eq!(open.check(&site::token()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_ca_counts_for_clients_that_were_here_before() {
    let site = site(&settings("turn", &Identity::server(), &client_ca())).await;
    let (certificate, private_key) = Identity::server().pem_files("turned");
    let files = TlsFiles {
        certificate,
        private_key,
        clients: Some((
            pki::stranger_ca_file().to_owned(),
            watchword::listen::ClientCertificate::Required,
        )),
    };
    let (ours, others) = (Identity::client(), Identity::stranger_client());
    let connects = async |identity| {
        let hello = Hello {
            identity: Some(identity),
            ..Hello::default()
        };
        hello.client(site.app.address()).await.is_some()
    };
    assert!(connects(&ours).await && !connects(&others).await);
    site.app.tls().unwrap().replace(load_tls(&files).unwrap());
    assert!(!connects(&ours).await && connects(&others).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_never_end_hold_nobody_up() {
    let site = site(&settings("slow", &Identity::server(), "")).await;
    let address = site.app.address();
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    site::eventually("all of them", async || site.app.connections().open() == 100).await;
    for _ in 0..20 {
        let mut client = Hello::default().client(address).await.unwrap();
        assert_eq!(client.check(&site::token()).await.unwrap(), 0);
    }
    assert_eq!(
        site.app.connections().never_opened(),
        0,
        "they are still there"
    );
    drop(silent);
    let gone = async || site.app.connections().never_opened() == 100;
    site::eventually("the end of all of them", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ran_out_is_used_and_clients_refuse_it() {
    let site = site(&settings("expired", &Identity::expired_server(), "")).await;
    let refused = Hello::default().handshake(site.app.address()).await;
    assert!(refused.unwrap_err().to_string().contains("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_named() {
    let (certificate, key) = Identity::server().pem_files("mine");
    let (other, _) = Identity::server().pem_files("other");
    let empty = site::path("empty.pem");
    std::fs::write(&empty, "nothing here").unwrap();
    let missing = Path::new("/nonexistent/tls.crt");
    let cases = [
        (&*other, &*key, &*key, "the private key is not that of"),
        (&key, &key, &key, "no certificates in PEM"),
        (&empty, &key, &empty, "no certificates in PEM"),
        (
            &certificate,
            &certificate,
            &certificate,
            "no unencrypted private key in PEM",
        ),
        (missing, &key, missing, "No such file"),
    ];
    for (certificate, key, culprit, cause) in cases {
        let tls = format!(
            "certificate: {}, private_key: {}",
            certificate.display(),
            key.display()
        );
        let config = site::config(&format!(
            "{{grpc: {{address: '127.0.0.1:0', tls: {{{tls}}}}}}}"
        ));
        let Err(StartError::Tls(error)) = App::start(config, Clock::manual(0)).await else {
            panic!("{cause}: it started");
        };
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{}: {cause}", culprit.display())),
            "{text}"
        );
    }
    std::fs::remove_file(&empty).unwrap();
}

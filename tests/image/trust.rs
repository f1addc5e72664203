//! A server in a container trusts the certificate authorities of the image's bundle, and those of a
//! mounted directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchword_test_support::free_address;
use watchword_test_support::pki::{self, Identity};

use crate::maker::fresh;
use crate::site::{self, Server};

/// The answer of Check without keys: UNAVAILABLE.
const NO_KEYS: Option<i32> = Some(14);

#[tokio::test]
async fn authorities_of_a_mounted_folder_are_trusted_beside_those_of_the_bundle() {
    let folder = fresh("trust-both");
    let authority = fs::read_to_string(pki::stranger_ca_file()).unwrap();
    site::mounted(&folder.join("ca"), "ca.crt", &authority);
    let server = Site::start(&folder, Some("ca")).await;
    server.answers("bundle", Some(0)).await;
    server.answers("folder", Some(0)).await;
}

#[tokio::test]
async fn without_the_folder_its_authorities_are_not_trusted() {
    let server = Site::start(&fresh("trust-bundle"), None).await;
    server.answers("bundle", Some(0)).await;
    server.logs("UnknownIssuer").await;
    assert_eq!(server.verdict("folder").await, NO_KEYS);
}

#[tokio::test]
async fn empty_or_absent_directory_of_authorities_changes_nothing() {
    for name in ["empty", "absent"] {
        let folder = fresh(&format!("trust-{name}"));
        fs::create_dir(folder.join("empty")).unwrap();
        let server = Site::start(&folder, Some(name)).await;
        server.answers("bundle", Some(0)).await;
        server.logs("UnknownIssuer").await;
        assert_eq!(server.verdict("folder").await, NO_KEYS);
    }
}

#[tokio::test]
async fn authority_that_is_added_later_is_trusted_at_the_next_fetch() {
    let folder = fresh("trust-later");
    fs::create_dir(folder.join("ca")).unwrap();
    let server = Site::start(&folder, Some("ca")).await;
    server.logs("UnknownIssuer").await;
    assert_eq!(server.verdict("folder").await, NO_KEYS);
    let authority = fs::read_to_string(pki::stranger_ca_file()).unwrap();
    site::mounted(&folder.join("ca"), "ca.crt", &authority);
    server.answers("folder", Some(0)).await;
}

/// Two issuers: the authority of one key server is in the bundle, that of the other may be in the
/// folder.
struct Site {
    server: Server,
    _keys: [watchword_test_support::key_server::KeyServer; 2],
}

impl Site {
    async fn start(folder: &Path, authorities: Option<&str>) -> Self {
        let keys = [site::key_server(), site::key_server()];
        keys[1].use_certificate(&Identity::stranger_server());
        let address = free_address();
        let issuers = [("bundle", keys[0].uri()), ("folder", keys[1].uri())];
        let file = folder.join("watchword.yaml");
        fs::write(&file, site::configuration(address, &issuers)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchword"));
        command.args(["serve", "-c"]).arg(file);
        command.env("SSL_CERT_FILE", pki::ca_file());
        match authorities {
            Some(name) => command.env("SSL_CERT_DIR", folder.join(name)),
            None => command.env_remove("SSL_CERT_DIR"),
        };
        let log: PathBuf = folder.join("log");
        let server = Server::start(command, log, address);
        server.logs("listening").await;
        Self {
            server,
            _keys: keys,
        }
    }

    async fn answers(&self, issuer: &str, code: Option<i32>) {
        let what = format!("{issuer} is answered with {code:?}");
        let is = async || self.server.verdict(issuer).await == code;
        self.server.until(&what, is).await;
    }
}

impl std::ops::Deref for Site {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

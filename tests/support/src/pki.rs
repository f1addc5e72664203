//! Certificates for one run: a trusted authority, another one, and the certificates that they sign.
//! Only the PEM files, whose names hold the process id, outlive the process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::build_folder;

/// The hosts that the URL of a key server may name.
const SERVER_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The certificate of the trusted authority, as PEM. The name of the file is this process's own.
pub fn ca_file() -> &'static Path {
    &trusted().file
}

/// The certificate of the untrusted authority, which signs the certificates with "stranger" in
/// their names.
pub fn stranger_ca_file() -> &'static Path {
    &stranger().file
}

/// The trusted authority alone.
pub fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(trusted().issuer.der().clone()).unwrap();
    roots
}

/// The cryptography of both sides. Naming it here spares a default for the process.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A client that trusts the authority alone, and has no certificate.
pub fn client_config() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has both versions")
        .with_root_certificates(roots())
        .with_no_client_auth()
}

/// A certificate and its private key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// A valid certificate of a key server.
    pub fn server() -> Self {
        trusted().sign(for_server(&SERVER_NAMES))
    }

    /// An expired certificate of a key server: it ended in 2001.
    pub fn expired_server() -> Self {
        let mut params = for_server(&SERVER_NAMES);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        trusted().sign(params)
    }

    /// A certificate of a key server that is valid from the year 4000 on.
    pub fn future_server() -> Self {
        let mut params = for_server(&SERVER_NAMES);
        params.not_before = date_time_ymd(4000, 1, 1);
        trusted().sign(params)
    }

    /// Trusted, but for another host and another address.
    pub fn server_elsewhere() -> Self {
        Self::server_called(&["elsewhere.example", "127.0.0.2"])
    }

    /// Trusted, under names of its own.
    pub fn server_called(names: &[&str]) -> Self {
        trusted().sign(for_server(names))
    }

    /// The right names, signed by the authority that is not trusted.
    pub fn stranger_server() -> Self {
        stranger().sign(for_server(&SERVER_NAMES))
    }

    /// The right names, signed by nobody else.
    pub fn self_signed_server() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = for_server(&SERVER_NAMES).self_signed(&key).unwrap();
        Self { certificate, key }
    }

    /// A client that a key server with mutual TLS lets in.
    pub fn client() -> Self {
        trusted().sign(for_client())
    }

    /// The same with one name, a URI.
    pub fn client_named(uri: &str) -> Self {
        let mut params = for_client();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        trusted().sign(params)
    }

    /// The same with one name in the form of a DNS name, valid or not.
    pub fn client_at(name: &str) -> Self {
        let mut params = for_client();
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
        trusted().sign(params)
    }

    /// A client that no key server here lets in.
    pub fn stranger_client() -> Self {
        stranger().sign(for_client())
    }

    /// Without the authority, which the peer has.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// The certificate and its key (PKCS #8), each in a PEM file of its own whose name ends with
    /// this one.
    pub fn pem_files(&self, name: &str) -> (PathBuf, PathBuf) {
        (
            write_pem(&format!("{name}-cert"), &self.certificate.pem()),
            write_pem(&format!("{name}-key"), &self.key.serialize_pem()),
        )
    }
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

fn trusted() -> &'static Authority {
    static TRUSTED: OnceLock<Authority> = OnceLock::new();
    TRUSTED.get_or_init(|| Authority::generate("trusted"))
}

fn stranger() -> &'static Authority {
    static STRANGER: OnceLock<Authority> = OnceLock::new();
    STRANGER.get_or_init(|| Authority::generate("stranger"))
}

impl Authority {
    fn generate(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = write_pem(&format!("{name}-ca"), &issuer.pem());
        Self { issuer, file }
    }

    fn sign(&self, mut params: CertificateParams) -> Identity {
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate, key }
    }
}

fn for_server(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn for_client() -> CertificateParams {
    let mut params = for_server(&["watchword.example"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn write_pem(name: &str, pem: &str) -> PathBuf {
    // Tests of one process run in parallel: the same name must not give the same file.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (process, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = build_folder().join(format!("pem-{process}-{number}-{name}.pem"));
    std::fs::write(&path, pem).unwrap();
    // Some are private keys.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

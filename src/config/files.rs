//! Settings that name files: their paths and contents, and warnings of secrets that others may read
//! or write, and of certificates that are not valid now.

use std::fmt::Display;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::files::{is_in_kubernetes_volume, read_bounded, read_secret};
use crate::token::UnixTime;

use super::MAX_SIZE;
use super::setting::Setting;
use super::settings::FilePath;
use super::warning::WarningCode;

/// Others may read.
const READABLE: u32 = 0o004;
/// The group or others may write.
const WRITABLE: u32 = 0o022;

/// The certificates of a file that must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// All: a server's or client's chain.
    All,
    /// One: authorities, of which some may be on their way out.
    One,
}

impl Setting<'_, '_, FilePath> {
    pub(super) fn path(&self) -> PathBuf {
        self.resolve(self.value)
    }

    /// The path of a file that is read later. On demand, the file must be readable now.
    pub(super) fn readable(&mut self) -> PathBuf {
        if self.findings.look_into_files {
            self.read(MAX_SIZE);
        }
        self.path()
    }

    /// As [`Setting::readable`], of a file whose content is part of the configuration.
    pub(super) fn followed(&mut self) -> PathBuf {
        let path = self.readable();
        self.findings.files.push(path.clone());
        path
    }

    /// The content of a file, of bounded size. The path is not quoted in problems: it may be the
    /// secret itself, in the wrong place.
    pub(super) fn read(&mut self, most: usize) -> Option<Vec<u8>> {
        match read_bounded(&self.path(), most) {
            Ok(Some(content)) => return Some(content),
            Ok(None) => self.unreadable(format!("more than {most} bytes")),
            Err(error) => self.unreadable(error),
        }
        None
    }

    fn unreadable(&mut self, found: impl Display) {
        let expected = "the path of a readable file, from this file's folder";
        self.unusable(found, expected);
    }

    /// The content of a followed file with a secret.
    pub(super) fn read_secret(&mut self, most: usize) -> Option<Zeroizing<Vec<u8>>> {
        let path = self.path();
        self.findings.files.push(path);
        self.warn_of_open_secret();
        let content = read_secret(&self.path(), most);
        content.map_err(|error| self.unreadable(error)).ok()
    }

    /// Warns of a file with a secret that others than its owner and group may read, or that others
    /// than its owner may write.
    pub(super) fn warn_of_open_secret(&mut self) -> &mut Self {
        let file = self.path();
        self.warn_of_open_secret_at(&file)
    }

    /// As [`Setting::warn_of_open_secret`], of a file in a directory.
    pub(super) fn warn_of_open_secret_at(&mut self, file: &Path) -> &mut Self {
        let Ok(metadata) = std::fs::metadata(file) else {
            return self;
        };
        let mode = metadata.permissions().mode() & 0o777;
        // Kubernetes mounts secrets with mode 0644, in a volume that only the pod sees.
        let open = if is_in_kubernetes_volume(file) {
            mode & WRITABLE
        } else {
            mode & (READABLE | WRITABLE)
        };
        if metadata.is_file() && open != 0 {
            let who = if open & WRITABLE == 0 {
                "others may read"
            } else {
                "its group or others may write"
            };
            let found = format!("a file with mode {mode:04o}, which {who}");
            let expected = "mode 0600, or 0640 with a group of its own";
            self.warn(WarningCode::OpenFile, found, expected);
        }
        self
    }

    /// Warns of certificates in PEM that are not valid now.
    pub(super) fn warn_of_dates(&mut self, needed: Needed) -> &mut Self {
        let Ok(Some(pem)) = read_bounded(&self.path(), MAX_SIZE) else {
            return self;
        };
        let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
        let certificates = certificates.filter_map(|der| Certificate::from_der(&der).ok());
        let now = Clock::system().now();
        let causes: Vec<_> = certificates
            .map(|certificate| out_of_date(&certificate, now))
            .collect();
        let enough = needed == Needed::One && causes.contains(&None);
        if let (false, Some(wrong)) = (enough, causes.into_iter().flatten().next()) {
            let expected =
                "a certificate that is valid now; if it is, compare this machine's clock";
            self.warn(WarningCode::ExpiredCertificate, wrong, expected);
        }
        self
    }
}

/// The problem with the dates of a certificate, if there is one.
fn out_of_date(certificate: &Certificate, now: UnixTime) -> Option<String> {
    let validity = certificate.tbs_certificate().validity();
    let (from, to) = (validity.not_before, validity.not_after);
    let unix = |time: x509_cert::time::Time| UnixTime::EPOCH.plus(time.to_unix_duration());
    if now > unix(to) {
        Some(format!("a certificate that expired at {to}"))
    } else if now < unix(from) {
        Some(format!("a certificate that is not valid until {from}"))
    } else {
        None
    }
}

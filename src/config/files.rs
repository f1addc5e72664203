//! Files that a configuration names, as far as they are worth a warning: secrets that others may
//! touch, and certificates that are not valid now. A file that cannot be read is none of its
//! business.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::clock::Clock;
use crate::files::{is_in_kubernetes_volume, read_bounded};
use crate::token::UnixTime;

use super::MAX_SIZE;
use super::findings::Findings;
use super::warning::WarningCode;

/// Others may read.
const READABLE: u32 = 0o004;
/// The group or others may write.
const WRITABLE: u32 = 0o022;

/// Which certificates of a file must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// All: a server's or client's chain.
    All,
    /// One: authorities, of which some may be on their way out.
    One,
}

/// Warns of a file with a secret that others than its owner and group may read, or that others than
/// its owner may write.
pub(super) fn warn_of_open_secret(file: &Path, path: &[&str], findings: &mut Findings<'_>) {
    let Ok(metadata) = std::fs::metadata(file) else {
        return;
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
        findings.warn(
            WarningCode::OpenFile,
            path,
            found,
            "mode 0600, or 0640 with a group of its own",
        );
    }
}

/// Warns of certificates in PEM that are not valid now.
pub(super) fn warn_of_dates(
    file: &Path,
    needed: Needed,
    path: &[&str],
    findings: &mut Findings<'_>,
) {
    let Ok(Some(pem)) = read_bounded(file, MAX_SIZE) else {
        return;
    };
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let now = Clock::system().now();
    let mut wrong: Vec<String> = Vec::new();
    let mut good = 0;
    for certificate in certificates.filter_map(|der| Certificate::from_der(&der).ok()) {
        match out_of_date(&certificate, now) {
            Some(cause) => wrong.push(cause),
            None => good += 1,
        }
    }
    let enough = needed == Needed::One && good > 0;
    if let (false, Some(wrong)) = (enough, wrong.first()) {
        let expected = "a certificate that is valid now; if it is, compare this machine's clock";
        findings.warn(
            WarningCode::ExpiredCertificate,
            path,
            wrong.as_str(),
            expected,
        );
    }
}

/// What is wrong with the dates of a certificate, if anything.
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

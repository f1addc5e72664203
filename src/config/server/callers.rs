//! Who may call: secrets and certificate names, from `server.grpc.callers`.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderName;
use zeroize::Zeroizing;

use crate::config::files::warn_of_open_secret;
use crate::config::findings::Findings;
use crate::config::settings;
use crate::config::values::{filled, path};
use crate::files::{read_bounded, without_line_end};
use crate::listen::PeerName;

const DEFAULT_HEADER: &str = "x-watchword-secret";
/// Shortest and longest secret, in bytes.
const SECRET: std::ops::RangeInclusive<usize> = 16..=4096;
/// One to be used, and one to take its place or to go.
const MAX_SECRETS: usize = 2;
/// What is expected of a file with secrets.
const SECRETS: &str = "a file with one or two secrets, each on a line of its own, of 16 to 4096 visible ASCII characters";

/// Who may call which service; `None`: everybody who can connect.
#[derive(Clone, Debug, Default)]
pub struct CallersConfig {
    /// Envoy's `Check`.
    pub check: Option<CallerDemand>,
    /// Watchword's own `Validate`.
    pub validate: Option<CallerDemand>,
}

/// What a caller must show. Both parts must hold.
#[derive(Clone, Debug)]
pub struct CallerDemand {
    /// A secret in the call's metadata, where one is demanded.
    pub secret: Option<CallerSecret>,
    /// Names of which the verified client certificate must have one; empty: no certificate is demanded.
    pub certificate_names: Vec<PeerName>,
}

/// A secret in the metadata of a call, known by its digest only.
#[derive(Clone)]
pub struct CallerSecret {
    header: HeaderName,
    digests: Vec<Zeroizing<[u8; SHA256_OUTPUT_LEN]>>,
}

impl CallerSecret {
    /// The name of the metadata.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        &self.header
    }

    /// Whether this is one of the secrets. Takes equally long for every value of the same length, and says nothing of
    /// the length of the secrets.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        let given = digest(&SHA256, given);
        self.digests.iter().fold(false, |any, known| {
            any | verify_slices_are_equal(known.as_slice(), given.as_ref()).is_ok()
        })
    }

    /// From lines of text; `None` where it is not as [`SECRETS`] says.
    fn read(header: HeaderName, text: &[u8]) -> Option<Self> {
        let text = without_line_end(text);
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let digest_of = |line: &[u8]| {
            let secret = line.strip_suffix(b"\r").unwrap_or(line);
            let good = SECRET.contains(&secret.len()) && secret.iter().all(u8::is_ascii_graphic);
            let digest = good.then(|| digest(&SHA256, secret))?;
            digest.as_ref().try_into().ok().map(Zeroizing::new)
        };
        let digests: Option<Vec<_>> = lines.iter().map(|line| digest_of(line)).collect();
        let digests = digests.filter(|digests| digests.len() <= MAX_SECRETS)?;
        Some(Self { header, digests })
    }
}

impl fmt::Debug for CallerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerSecret")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

pub(super) fn callers(
    raw: &settings::CallersSettings,
    asks_for_certificates: bool,
    findings: &mut Findings<'_>,
) -> CallersConfig {
    let mut demand = |name, caller: &Option<settings::CallerSettings>| {
        let mut section = Section {
            name,
            asks_for_certificates,
            findings: &mut *findings,
        };
        caller.as_ref().and_then(|caller| section.demand(caller))
    };
    CallersConfig {
        check: demand("check", &raw.check),
        validate: demand("validate", &raw.validate),
    }
}

struct Section<'s, 'd> {
    name: &'static str,
    asks_for_certificates: bool,
    findings: &'s mut Findings<'d>,
}

impl Section<'_, '_> {
    fn demand(&mut self, raw: &settings::CallerSettings) -> Option<CallerDemand> {
        if raw.secret_file.is_none() && raw.certificate_names.is_none() {
            let expected =
                "secret_file or certificate_names; or no such setting, to let everybody call";
            self.note(&[], "neither secret_file nor certificate_names", expected);
        }
        if raw.certificate_names.is_some() && !self.asks_for_certificates {
            let expected = "it with server.grpc.tls.client_ca only";
            self.note(
                &["certificate_names"],
                "it without clients' certificates",
                expected,
            );
        }
        let setting = ["server", "grpc", "callers", self.name, "certificate_names"];
        let names = filled(raw.certificate_names.as_deref(), &setting, self.findings);
        let header = self.header(raw);
        Some(CallerDemand {
            secret: match &raw.secret_file {
                Some(file) => Some(self.secret(header?, file)?),
                None => None,
            },
            certificate_names: names.iter().map(|name| PeerName::from_text(name)).collect(),
        })
    }

    fn header(&mut self, raw: &settings::CallerSettings) -> Option<HeaderName> {
        if raw.secret_header.is_some() && raw.secret_file.is_none() {
            self.note(
                &["secret_header"],
                "it without secret_file",
                "both, or neither",
            );
        }
        let text = raw.secret_header.as_deref().unwrap_or(DEFAULT_HEADER);
        let name = HeaderName::from_bytes(text.as_bytes()).ok();
        let name = name.filter(|name| !is_reserved(name.as_str()));
        if name.is_none() {
            let expected = "the name of metadata that gRPC leaves to its users, without -bin";
            self.note(&["secret_header"], format!("{text:?}"), expected);
        }
        name
    }

    fn secret(&mut self, header: HeaderName, file: &str) -> Option<CallerSecret> {
        let setting = ["server", "grpc", "callers", self.name, "secret_file"];
        let path = path(file, &setting, self.findings);
        self.findings.follow(&path);
        warn_of_open_secret(&path, &setting, self.findings);
        if file.is_empty() {
            return None;
        }
        // Not named: somebody may have put the secret itself there.
        let found = match read_bounded(&path, MAX_SECRETS * (SECRET.end() + 2)) {
            Err(error) => error.to_string(),
            Ok(None) => "a longer file".to_owned(),
            Ok(Some(text)) => match CallerSecret::read(header, &Zeroizing::new(text)) {
                Some(secret) => return Some(secret),
                None => "another content, which is not shown".to_owned(),
            },
        };
        self.note(&["secret_file"], found, SECRETS);
        None
    }

    fn note(&mut self, setting: &[&str], found: impl Into<String>, expected: &str) {
        let section = ["server", "grpc", "callers", self.name];
        self.findings
            .add(&[&section, setting].concat(), found, expected);
    }
}

/// Metadata that gRPC or HTTP use themselves; the value of one that ends in `-bin` is not text.
fn is_reserved(name: &str) -> bool {
    let own = [
        "connection",
        "content-length",
        "content-type",
        "host",
        "te",
        "user-agent",
    ];
    own.contains(&name) || name.starts_with("grpc-") || name.ends_with("-bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"0123456789abcdef";
    const SECOND: &[u8] = b"fedcba9876543210";

    fn read(text: &[u8]) -> Option<CallerSecret> {
        CallerSecret::read(HeaderName::from_static(DEFAULT_HEADER), text)
    }

    #[test]
    fn each_of_two_secrets_opens_and_nothing_else_does() {
        for ends in [["\n", "\n"], ["\r\n", "\r\n"], ["\n", ""]] {
            let text = [FIRST, ends[0].as_bytes(), SECOND, ends[1].as_bytes()].concat();
            let secret = read(&text).unwrap();
            assert!(secret.is(FIRST) && secret.is(SECOND));
            let others = [
                b"".to_vec(),
                FIRST[..15].to_vec(),
                text,
                [FIRST, b"\n"].concat(),
            ];
            for other in others {
                assert!(!secret.is(&other), "{other:?}");
            }
        }
    }

    #[test]
    fn weak_files_of_secrets_are_refused() {
        let joined = |lines: &[&[u8]]| lines.join(&b'\n');
        for text in [
            b"".to_vec(),
            b"\n".to_vec(),
            FIRST[..15].to_vec(),
            joined(&[FIRST, b"", b""]),
            joined(&[FIRST, &FIRST[..15]]),
            joined(&[FIRST, SECOND, FIRST]),
            b"0123456789 bcdef".to_vec(),
            "0123456789abcdé".as_bytes().to_vec(),
            vec![b'a'; 4097],
        ] {
            assert!(
                read(&text).is_none(),
                "{:?}",
                String::from_utf8_lossy(&text)
            );
        }
        assert!(read(&joined(&[FIRST, b""])).is_some());
        assert!(read(&[b'a'; 4096]).is_some());
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", read(FIRST).unwrap());
        assert_eq!(shown, "CallerSecret { header: \"x-watchword-secret\", .. }");
    }
}

//! The section `server.grpc.callers`: secrets and certificate names of callers.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderName;
use zeroize::Zeroizing;

use crate::config::setting::Setting;
use crate::config::settings::{CallerSettings, CallersSettings};
use crate::files::without_line_end;
use crate::listen::PeerName;

const DEFAULT_HEADER: &str = "x-watchword-secret";
/// Shortest and longest secret, in bytes.
const SECRET: std::ops::RangeInclusive<usize> = 16..=4096;
/// One in use, and its predecessor or successor.
const MAX_SECRETS: usize = 2;
/// The form of a file with secrets.
const SECRETS: &str =
    "one or two secrets, each on a line of its own, of 16 to 4096 visible ASCII characters";

/// The callers that may call each service; `None`: everybody who can connect.
#[derive(Clone, Debug, Default)]
pub struct CallersConfig {
    /// Envoy's `Check`.
    pub check: Option<CallerDemand>,
    pub(crate) validate: Option<CallerDemand>,
}

/// Proof that a caller must show. Both parts must hold.
#[derive(Clone, Debug)]
pub struct CallerDemand {
    /// A secret in the call's metadata.
    pub(crate) secret: Option<CallerSecret>,
    /// Names of which the verified client certificate must have one; empty: no certificate is
    /// demanded.
    pub(crate) certificate_names: Vec<PeerName>,
}

/// A secret in the metadata of a call, known by its digest only.
#[derive(Clone)]
pub(crate) struct CallerSecret {
    /// The name of the metadata.
    pub(crate) header: HeaderName,
    digests: Vec<Zeroizing<[u8; SHA256_OUTPUT_LEN]>>,
}

impl CallerSecret {
    /// Returns true if this is one of the secrets. The time depends only on the length of the
    /// value.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let given = digest(&SHA256, given);
        self.digests.iter().fold(false, |any, known| {
            any | verify_slices_are_equal(known.as_slice(), given.as_ref()).is_ok()
        })
    }

    /// From lines of text; `None`: the text is not as [`SECRETS`] says.
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

impl Setting<'_, '_, CallersSettings> {
    pub(super) fn build(&mut self, asks_for_certificates: bool) -> CallersConfig {
        let CallersSettings { check, validate } = self.value;
        let mut demand = |name, caller: &Option<CallerSettings>| {
            let caller = caller.as_ref()?;
            self.member(name, caller).demand(asks_for_certificates)
        };
        CallersConfig {
            check: demand("check", check),
            validate: demand("validate", validate),
        }
    }
}

impl Setting<'_, '_, CallerSettings> {
    fn demand(&mut self, asks_for_certificates: bool) -> Option<CallerDemand> {
        let settings = self.value;
        if settings.secret_file.is_none() && settings.certificate_names.is_none() {
            self.contradiction(
                "a caller needs `secret_file` or `certificate_names`: add one, or remove this \
                 section to let everybody call",
            );
        }
        if let (Some(names), false) = (&settings.certificate_names, asks_for_certificates) {
            self.member("certificate_names", names).contradiction(
                "`certificate_names` needs clients' certificates: set `server.grpc.tls.client_ca`",
            );
        }
        let names = settings.certificate_names.iter().flatten();
        let certificate_names = names.map(|name| PeerName::from_text(name)).collect();
        let header = self.header();
        Some(CallerDemand {
            secret: match &settings.secret_file {
                Some(_) => Some(self.secret(header?)?),
                None => None,
            },
            certificate_names,
        })
    }

    fn header(&mut self) -> Option<HeaderName> {
        let given = self.value.secret_header.as_deref();
        let text = given.unwrap_or(DEFAULT_HEADER);
        let mut setting = self.member("secret_header", text);
        let name = HeaderName::from_bytes(text.as_bytes()).ok();
        // Text that is no name may be the secret itself.
        let found = name.as_ref().map(|name| format!("{:?}", name.as_str()));
        let name = name.filter(|name| !is_reserved(name.as_str()));
        if name.is_none() {
            let found = found.unwrap_or_else(|| "text that is no name".to_owned());
            let expected = "the name of metadata that gRPC leaves to its users, without -bin";
            setting.found(found, expected);
        }
        if given.is_some() && self.value.secret_file.is_none() {
            self.member("secret_header", &()).contradiction(
                "`secret_header` needs `secret_file`: add `secret_file`, or remove `secret_header`",
            );
        }
        name
    }

    fn secret(&mut self, header: HeaderName) -> Option<CallerSecret> {
        let file = self.value.secret_file.as_ref()?;
        let mut setting = self.member("secret_file", file);
        let text = setting.read_secret(MAX_SECRETS * (SECRET.end() + 2))?;
        let secret = CallerSecret::read(header, &text);
        if secret.is_none() {
            setting.unusable("another content, which is not shown", SECRETS);
        }
        secret
    }
}

/// Metadata that gRPC or HTTP use themselves; the value of one that ends in `-bin` is not text.
fn is_reserved(name: &str) -> bool {
    let is_of_http = matches!(
        name,
        "connection" | "content-length" | "content-type" | "host" | "te" | "user-agent"
    );
    is_of_http || name.starts_with("grpc-") || name.ends_with("-bin")
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

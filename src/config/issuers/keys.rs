//! Where an issuer's keys come from: `jwks` and `secret_file`.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::jose::{Algorithm, KeySet};
use crate::jwks::{self, Origin, Source};

use super::super::raw;
use super::super::values::bounded;
use super::{DAY, Section};

/// Longest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;

impl Section<'_, '_> {
    pub(super) fn source(&mut self, algorithms: &[Algorithm]) -> Source {
        match (&self.raw.jwks, &self.raw.secret_file) {
            (Some(jwks), None) => self.jwks(jwks),
            (None, Some(file)) => self.secret(file, algorithms),
            _ => {
                self.note(
                    &[],
                    "neither, or both",
                    "exactly one of jwks and secret_file",
                );
                Source::empty()
            }
        }
    }

    fn secret(&mut self, file: &str, algorithms: &[Algorithm]) -> Source {
        let path = self.findings.resolve(file);
        let found = match jwks::read_bounded(&path, MAX_SECRET) {
            Ok(Some(secret)) => return self.hmac_keys(&secret.into(), algorithms),
            Ok(None) => format!("more than {MAX_SECRET} bytes"),
            Err(error) => error.to_string(),
        };
        // Not named: somebody may have put the secret itself there.
        self.note(
            &["secret_file"],
            found,
            "the path of a readable file, from this file's folder",
        );
        Source::empty()
    }

    fn hmac_keys(&mut self, secret: &Zeroizing<Vec<u8>>, algorithms: &[Algorithm]) -> Source {
        match KeySet::from_secret(algorithms, without_line_break(secret)) {
            Ok(keys) => Source::fixed(keys),
            Err(error) => {
                self.note(&["secret_file"], error.to_string(), "a longer secret");
                Source::empty()
            }
        }
    }

    fn jwks(&mut self, raw: &raw::Jwks) -> Source {
        let origin = match (&raw.uri, &raw.file, &raw.inline) {
            (Some(uri), None, None) => self.uri(uri, raw.allow_http),
            (None, Some(file), None) => Some(self.file(file)),
            (None, None, Some(inline)) => return self.inline(inline),
            _ => {
                self.note(
                    &["jwks"],
                    "another combination",
                    "exactly one of uri, file and inline",
                );
                return Source::empty();
            }
        };
        let second = Duration::from_secs(1);
        let (uri, minute) = (["issuers", self.name, "jwks"], second * 60);
        let path = |setting| [&uri[..], &[setting]].concat();
        let cache_duration = raw.cache_duration.as_deref();
        let refresh = bounded(
            cache_duration,
            &path("cache_duration"),
            minute * 10,
            (second, DAY),
            self.findings,
        );
        let timeout = bounded(
            raw.timeout.as_deref(),
            &path("timeout"),
            second * 5,
            (second / 10, minute),
            self.findings,
        );
        origin.map_or_else(Source::empty, |origin| {
            Source::new(origin, refresh, timeout)
        })
    }

    fn uri(&mut self, text: &str, allow_http: bool) -> Option<Origin> {
        const SETTING: [&str; 2] = ["jwks", "uri"];
        let url = match reqwest::Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                self.note(&SETTING, error.to_string(), "a URL");
                return None;
            }
        };
        match url.scheme() {
            "https" => {}
            "http" if allow_http => {}
            "http" => {
                self.note(&SETTING, "http", "https, or allow_http: true");
                return None;
            }
            other => {
                self.note(&SETTING, format!("the scheme {other:?}"), "https");
                return None;
            }
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            self.note(
                &SETTING,
                "a URL with user, password or fragment",
                "a URL without them",
            );
            return None;
        }
        Some(Origin::Uri(url))
    }

    fn file(&mut self, file: &str) -> Origin {
        let path = self.findings.resolve(file);
        let origin = Origin::File(path.clone());
        if self.findings.look_into_files()
            && let Err(error) = jwks::read_file(&path)
        {
            self.note(
                &["jwks", "file"],
                error.with_causes(),
                "a JWK set with a usable key",
            );
        }
        origin
    }

    fn inline(&mut self, inline: &serde_json::Value) -> Source {
        let text = match inline {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match KeySet::from_json(text.as_bytes()) {
            Ok(keys) => Source::fixed(keys),
            Err(error) => {
                self.note(
                    &["jwks", "inline"],
                    error.to_string(),
                    "a JWK set with a usable key",
                );
                Source::empty()
            }
        }
    }
}

/// The secret without the line break that editors and `echo` put at the end of a text; a secret that is
/// not text is taken as it is.
fn without_line_break(secret: &[u8]) -> &[u8] {
    if std::str::from_utf8(secret).is_err() {
        return secret;
    }
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret.strip_suffix(b"\r").unwrap_or(secret)
}

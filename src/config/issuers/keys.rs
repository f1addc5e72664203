//! Where an issuer's keys come from: `jwks` and `secret_file`.

use zeroize::Zeroizing;

use crate::jose::{Algorithm, KeySet};
use crate::jwks::{self, Access, FetchedSource, KeyOrigin, Source};

use super::super::files::warn_of_open_secret;
use super::super::mistakes;
use super::super::settings;
use super::Section;
use super::access::{READABLE, http_settings};
use super::timing::{FILE_FRESHNESS, fetch_settings};

/// Longest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;

impl Section<'_, '_> {
    /// Where the keys come from; `None` where that was noted as a problem.
    pub(super) fn source(&mut self, algorithms: &[Algorithm]) -> Option<Source> {
        match (&self.raw.jwks, &self.raw.secret_file) {
            (Some(jwks), None) => self.jwks(jwks),
            (None, Some(file)) => self.secret(file, algorithms),
            _ => {
                self.note(
                    &[],
                    "neither, or both",
                    "exactly one of jwks and secret_file",
                );
                None
            }
        }
    }

    fn secret(&mut self, file: &str, algorithms: &[Algorithm]) -> Option<Source> {
        let path = self.findings.resolve(file);
        self.findings.follow(&path);
        let setting = ["issuers", self.name, "secret_file"];
        warn_of_open_secret(&path, &setting, self.findings);
        let found = match crate::files::read_bounded(&path, MAX_SECRET) {
            Ok(Some(secret)) => return self.hmac_keys(&secret.into(), algorithms),
            Ok(None) => format!("more than {MAX_SECRET} bytes"),
            Err(error) => error.to_string(),
        };
        // Not named: somebody may have put the secret itself there.
        self.note_cause(&["secret_file"], found, READABLE);
        None
    }

    fn hmac_keys(
        &mut self,
        secret: &Zeroizing<Vec<u8>>,
        algorithms: &[Algorithm],
    ) -> Option<Source> {
        match KeySet::from_secret(algorithms, crate::files::without_line_end(secret)) {
            Ok(keys) => Some(Source::fixed(keys)),
            Err(error) => {
                self.note_cause(&["secret_file"], error.to_string(), "a longer secret");
                None
            }
        }
    }

    fn jwks(&mut self, raw: &settings::JwksSettings) -> Option<Source> {
        match (&raw.uri, &raw.discovery, &raw.file, &raw.inline) {
            (Some(uri), None, None, None) => {
                let path = ["issuers", self.name, "jwks", "uri"];
                self.findings.mistake(&path, mistakes::of_keys_url(uri));
                let origin = self.url("uri", uri, raw).map(KeyOrigin::Uri);
                self.fetched(origin, raw)
            }
            (None, Some(discovery), None, None) => {
                let origin = self.discovery(discovery, raw);
                self.fetched(origin, raw)
            }
            (None, None, Some(file), None) => {
                self.refuse("file", http_settings(raw), "uri or discovery");
                Some(self.file(file, raw))
            }
            (None, None, None, Some(inline)) => {
                self.refuse("inline", http_settings(raw), "uri or discovery");
                self.refuse("inline", fetch_settings(raw), "uri, discovery or file");
                self.inline(inline)
            }
            _ => {
                self.note(
                    &["jwks"],
                    "another combination",
                    "exactly one of uri, discovery, file and inline",
                );
                None
            }
        }
    }

    /// Notes those of these settings that are given. Whoever writes one counts on it.
    fn refuse<const N: usize>(&mut self, origin: &str, settings: [(&str, bool); N], others: &str) {
        for (setting, _) in settings.into_iter().filter(|(_, given)| *given) {
            let found = format!("a setting that does nothing with {origin}");
            let expected = format!("it with {others} only");
            self.note(&["jwks", setting], found, expected);
        }
    }

    /// The source at a server, if it has a place; the other settings are checked anyway.
    fn fetched(
        &mut self,
        origin: Option<KeyOrigin>,
        raw: &settings::JwksSettings,
    ) -> Option<Source> {
        let (timing, connect_timeout) = self.timing(raw, settings::CACHE_DURATION.default());
        let access = self.access(raw, connect_timeout);
        origin.map(|origin| {
            Source::Fetched(Box::new(FetchedSource {
                origin,
                access,
                timing,
            }))
        })
    }

    fn discovery(
        &mut self,
        discovery: &settings::DiscoverySetting,
        raw: &settings::JwksSettings,
    ) -> Option<KeyOrigin> {
        let metadata = match discovery {
            settings::DiscoverySetting::Metadata(url) => Some(self.url("discovery", url, raw)?),
            settings::DiscoverySetting::Switch(true) => {
                self.well_known(raw)?;
                None
            }
            settings::DiscoverySetting::Switch(false) => {
                self.note(
                    &["jwks", "discovery"],
                    "false",
                    "true, or the URL of the metadata",
                );
                return None;
            }
        };
        Some(KeyOrigin::Discovery {
            issuer: self.raw.issuer.as_str().into(),
            metadata,
        })
    }

    fn file(&mut self, file: &str, raw: &settings::JwksSettings) -> Source {
        let setting = ["jwks", "file"];
        let path = self.path(&setting, file);
        if self.findings.look_into_files()
            && !file.is_empty()
            && let Err(error) = jwks::read_keys(&path)
        {
            self.note_cause(&setting, error.with_causes(), "at least one usable key");
        }
        let (timing, _) = self.timing(raw, FILE_FRESHNESS);
        Source::Fetched(Box::new(FetchedSource {
            origin: KeyOrigin::Path(path),
            access: Access::default(),
            timing,
        }))
    }

    fn inline(&mut self, inline: &serde_json::Value) -> Option<Source> {
        let text = match inline {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match KeySet::from_documents([text.as_bytes()]) {
            Ok(keys) => Some(Source::fixed(keys)),
            Err(error) => {
                self.note_cause(
                    &["jwks", "inline"],
                    error.to_string(),
                    "a JWK set with a usable key",
                );
                None
            }
        }
    }
}

//! The source of an issuer's keys: `jwks` or `secret_file`.

use crate::files::without_line_end;
use crate::jose::{Algorithm, KeySet};
use crate::jwks::{self, Access, FetchedSource, KeyOrigin, Source};

use super::super::mistakes;
use super::super::setting::Setting;
use super::super::settings::{DiscoverySetting, FilePath, IssuerSettings, JwksSettings, Secret};

/// Longest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// The settings that only fetches over HTTP have.
const OF_HTTP: [&str; 13] = [
    "allow_http",
    "ca",
    "client_certificate",
    "client_key",
    "headers",
    "basic",
    "bearer_token_file",
    "proxy",
    "deny_private_addresses",
    "connect_timeout",
    "timeout",
    "min_cache_duration",
    "max_cache_duration",
];
/// The other settings that only fetches have.
const OF_FETCHES: [&str; 4] = ["cache_duration", "max_stale", "cooldown", "wait"];

impl Setting<'_, '_, IssuerSettings> {
    /// The source of the keys; `None`: it has a problem, which is noted.
    pub(super) fn source(&mut self, algorithms: &[Algorithm]) -> Option<Source> {
        let settings = self.value;
        match (&settings.jwks, &settings.secret_file) {
            (Some(jwks), None) => self.member("jwks", jwks).source(&settings.issuer),
            (None, Some(file)) => self.member("secret_file", file).shared_secret(algorithms),
            (None, None) if self.trusts_encrypted_claims() => {
                Some(Source::fixed(KeySet::default()))
            }
            (None, None) => {
                self.contradiction(
                    "an issuer needs keys: add `jwks`, such as `jwks: {uri: \
                     \"https://idp.example.com/keys\"}`, or `secret_file`",
                );
                None
            }
            (Some(_), Some(_)) => {
                self.contradiction(
                    "`jwks` gives public keys and `secret_file` a shared secret: remove one of \
                     them",
                );
                None
            }
        }
    }
}

impl Setting<'_, '_, FilePath> {
    fn shared_secret(&mut self, algorithms: &[Algorithm]) -> Option<Source> {
        let secret = self.read_secret(MAX_SECRET)?;
        let keys = KeySet::from_secret(algorithms, without_line_end(&secret));
        let keys = keys.map_err(|error| self.failed(error, "a longer secret"));
        keys.ok().map(Source::fixed)
    }
}

impl Setting<'_, '_, JwksSettings> {
    fn source(&mut self, issuer: &str) -> Option<Source> {
        let JwksSettings {
            uri,
            discovery,
            file,
            inline,
            ..
        } = self.value;
        match (uri, discovery, file, inline) {
            (Some(uri), None, None, None) => {
                self.member("uri", uri).mistake(mistakes::of_keys_url(uri));
                let origin = self.url("uri", uri).map(KeyOrigin::Uri);
                self.fetched(origin)
            }
            (None, Some(discovery), None, None) => {
                let origin = self.discovery(discovery, issuer);
                self.fetched(origin)
            }
            (None, None, Some(file), None) => {
                self.refuse("file", &OF_HTTP, "`uri` and `discovery`");
                Some(self.file(file))
            }
            (None, None, None, Some(inline)) => {
                self.refuse("inline", &OF_HTTP, "`uri` and `discovery`");
                self.refuse("inline", &OF_FETCHES, "`uri`, `discovery` and `file`");
                self.inline(inline)
            }
            (None, None, None, None) => {
                self.contradiction(
                    "`jwks` needs one of `uri`, `discovery`, `file` and `inline`: add the one that \
                     says where the keys are",
                );
                None
            }
            _ => {
                self.contradiction(
                    "`jwks` takes exactly one of `uri`, `discovery`, `file` and `inline`: remove \
                     the others",
                );
                None
            }
        }
    }

    /// Notes those of these settings that are given: their author counts on them.
    fn refuse(&mut self, origin: &str, names: &[&str], others: &str) {
        for name in names {
            if self.is_given(name) {
                self.member(name, &()).contradiction(format!(
                    "`{name}` does nothing with `{origin}`, only with {others}: remove it"
                ));
            }
        }
    }

    /// The source at a server, if its URL is good; the other settings are checked anyway.
    fn fetched(&mut self, origin: Option<KeyOrigin>) -> Option<Source> {
        let (timing, connect_timeout) = self.timing();
        let access = self.access(connect_timeout);
        let source = |origin| FetchedSource {
            origin,
            access,
            timing,
        };
        origin.map(source).map(Box::new).map(Source::Fetched)
    }

    fn discovery(&mut self, discovery: &DiscoverySetting, issuer: &str) -> Option<KeyOrigin> {
        let metadata = match discovery {
            DiscoverySetting::Metadata(url) if url.contains(':') => {
                Some(self.url("discovery", url)?)
            }
            DiscoverySetting::Switch(true) if self.has_well_known_places(issuer) => None,
            DiscoverySetting::Switch(true) => return None,
            other => {
                let found = match other {
                    DiscoverySetting::Switch(_) => "false",
                    DiscoverySetting::Metadata(_) => "text that is not a URL",
                };
                let mut setting = self.member("discovery", discovery);
                setting.found(found, "true, or the URL of the metadata");
                return None;
            }
        };
        Some(KeyOrigin::Discovery {
            issuer: issuer.into(),
            metadata,
        })
    }

    fn file(&mut self, file: &FilePath) -> Source {
        let (timing, _) = self.timing();
        let mut setting = self.member("file", file);
        let path = setting.path();
        if setting.findings.look_into_files
            && let Err(error) = jwks::read_keys(&path)
        {
            setting.failed(error.with_causes(), "at least one usable key");
        }
        Source::Fetched(Box::new(FetchedSource {
            origin: KeyOrigin::Path(path),
            access: Access::default(),
            timing,
        }))
    }

    fn inline(&mut self, inline: &Secret<serde_json::Value>) -> Option<Source> {
        let text = match &**inline {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let keys = KeySet::from_documents([text.as_bytes()]);
        let mut setting = self.member("inline", inline);
        let expected = "a JWK set with a usable key";
        let keys = keys.map_err(|error| setting.unusable(error, expected));
        keys.ok().map(Source::fixed)
    }
}

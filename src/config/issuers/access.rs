//! How a key server is spoken to: certificates, headers, credentials, proxy.
//!
//! Values of headers, and paths at which somebody may have written a secret itself, are never repeated in messages.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::jwks::{self, Access, Credentials};

use super::super::files::{Needed, warn_of_dates, warn_of_open_secret};
use super::super::{MAX_SIZE, settings, values};
use super::Section;

/// What is expected where a file cannot be read.
pub(super) const READABLE: &str = "the path of a readable file, from this file's folder";
/// What is expected where there are several kinds of credentials.
const ONE_CREDENTIAL: &str = "one of basic, bearer_token_file and a header authorization";
/// Headers that say how the connection is used (RFC 9110 §7.6.1), how long the request is and for whom, or that change
/// what a fetch brings so that it cannot be read. `if-…` are others of the latter.
const RESERVED: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The settings that only fetches over HTTP have, and whether each is given.
pub(super) fn http_settings(raw: &settings::JwksSettings) -> [(&'static str, bool); 13] {
    [
        ("allow_http", raw.allow_http.is_some()),
        ("ca", raw.ca.is_some()),
        ("client_certificate", raw.client_certificate.is_some()),
        ("client_key", raw.client_key.is_some()),
        ("headers", raw.headers.is_some()),
        ("basic", raw.basic.is_some()),
        ("bearer_token_file", raw.bearer_token_file.is_some()),
        ("proxy", raw.proxy.is_some()),
        (
            "deny_private_addresses",
            raw.deny_private_addresses.is_some(),
        ),
        ("connect_timeout", raw.connect_timeout.is_some()),
        ("timeout", raw.timeout.is_some()),
        ("min_cache_duration", raw.min_cache_duration.is_some()),
        ("max_cache_duration", raw.max_cache_duration.is_some()),
    ]
}

/// Whether something is sent that nobody on the way may read. Any header may be such.
pub(super) fn sends_credentials(raw: &settings::JwksSettings) -> bool {
    raw.headers
        .as_ref()
        .is_some_and(|headers| !headers.is_empty())
        || raw.basic.is_some()
        || raw.bearer_token_file.is_some()
        || raw.client_certificate.is_some()
}

impl Section<'_, '_> {
    pub(super) fn access(
        &mut self,
        raw: &settings::JwksSettings,
        connect_timeout: Duration,
    ) -> Access {
        let ca = raw.ca.as_deref();
        let known = self.findings.count();
        let access = Access {
            allow_http: raw.allow_http == Some(true),
            ca: ca.map(|file| self.readable(&["jwks", "ca"], file)),
            client_certificate: self.client_certificate(raw),
            headers: self.request_headers(raw),
            credentials: self.credentials(raw),
            proxy: self.proxy(raw),
            deny_private_addresses: raw.deny_private_addresses == Some(true),
            connect_timeout,
        };
        self.warn_of_files(raw, &access);
        if self.findings.look_into_files()
            && self.findings.count() == known
            && let Err(error) = jwks::check_access(&access)
        {
            self.note(&["jwks"], error.with_causes(), "files that a fetch can use");
        }
        access
    }

    fn warn_of_files(&mut self, raw: &settings::JwksSettings, access: &Access) {
        let setting = |names: &[&'static str]| [&["issuers", self.name, "jwks"], names].concat();
        if let Some(ca) = &access.ca {
            warn_of_dates(ca, Needed::One, &setting(&["ca"]), self.findings);
        }
        if let Some((certificate, key)) = &access.client_certificate {
            let path = setting(&["client_certificate"]);
            warn_of_dates(certificate, Needed::All, &path, self.findings);
            warn_of_open_secret(key, &setting(&["client_key"]), self.findings);
        }
        if let Some(basic) = &raw.basic {
            let file = self.findings.resolve(&basic.password_file);
            let path = setting(&["basic", "password_file"]);
            warn_of_open_secret(&file, &path, self.findings);
        }
        if let Some(file) = &raw.bearer_token_file {
            let file = self.findings.resolve(file);
            warn_of_open_secret(&file, &setting(&["bearer_token_file"]), self.findings);
        }
    }

    /// A path in this section, seen from the configuration's folder.
    pub(super) fn path(&mut self, setting: &[&str], path: &str) -> PathBuf {
        let setting = [&["issuers", self.name], setting].concat();
        values::path(path, &setting, self.findings)
    }

    /// The path of a file that is read later; on demand, whether it can be is looked at now.
    fn readable(&mut self, setting: &[&str], file: &str) -> PathBuf {
        let path = self.path(setting, file);
        if self.findings.look_into_files() && !file.is_empty() {
            match crate::files::read_bounded(&path, MAX_SIZE) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.note_cause(setting, format!("more than {MAX_SIZE} bytes"), READABLE);
                }
                Err(error) => self.note_cause(setting, error.to_string(), READABLE),
            }
        }
        path
    }

    fn client_certificate(&mut self, raw: &settings::JwksSettings) -> Option<(PathBuf, PathBuf)> {
        let mut path =
            |setting, file: Option<&str>| file.map(|file| self.readable(&["jwks", setting], file));
        let certificate = path("client_certificate", raw.client_certificate.as_deref());
        let key = path("client_key", raw.client_key.as_deref());
        let found = match (certificate, key) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => return Some((certificate, key)),
            (Some(_), None) => "client_certificate without client_key",
            (None, Some(_)) => "client_key without client_certificate",
        };
        self.note(&["jwks"], found, "both or neither");
        None
    }

    fn credentials(&mut self, raw: &settings::JwksSettings) -> Option<Credentials> {
        let basic = raw.basic.as_ref().map(|basic| self.basic(basic));
        let bearer = raw.bearer_token_file.as_deref().map(|file| {
            let token_file = self.readable(&["jwks", "bearer_token_file"], file);
            Credentials::Bearer { token_file }
        });
        if basic.is_some() && bearer.is_some() {
            self.note(
                &["jwks", "bearer_token_file"],
                "basic as well",
                ONE_CREDENTIAL,
            );
        }
        basic.or(bearer)
    }

    fn basic(&mut self, raw: &settings::BasicSettings) -> Credentials {
        // RFC 7617 §2: the first colon ends the name.
        if raw.username.chars().any(|c| c == ':' || c.is_control()) {
            let setting = ["jwks", "basic", "username"];
            let expected = "a name without them";
            self.note(&setting, "a colon or control character", expected);
        }
        Credentials::Basic {
            username: raw.username.as_str().into(),
            password_file: self.readable(&["jwks", "basic", "password_file"], &raw.password_file),
        }
    }

    /// Headers in the order of their names, so that sections that say the same are equal.
    fn request_headers(&mut self, raw: &settings::JwksSettings) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for (name, value) in raw.headers.iter().flatten() {
            let setting = ["jwks", "headers", name.as_str()];
            let (name, value) = (self.header_name(raw, name), header_value(value));
            if value.is_none() {
                let expected = "visible ASCII, with spaces inside only";
                self.note(&setting, "another value, which is not shown", expected);
            }
            let (Some(name), Some(value)) = (name, value) else {
                continue;
            };
            if headers.iter().any(|(known, _)| *known == name) {
                self.note_key(&setting, "the same name again", "a header that stands once");
            }
            headers.push((name, value));
        }
        headers.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        headers
    }

    fn header_name(&mut self, raw: &settings::JwksSettings, text: &str) -> Option<HeaderName> {
        let setting = ["jwks", "headers", text];
        let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
            self.note_key(
                &setting,
                "a name that HTTP does not allow",
                "the name of a header",
            );
            return None;
        };
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("if-") {
            self.note_key(
                &setting,
                "a header that the fetch itself depends on",
                "another header",
            );
        }
        if name == http::header::AUTHORIZATION {
            let others = [
                ("basic as well", raw.basic.is_some()),
                ("bearer_token_file as well", raw.bearer_token_file.is_some()),
            ];
            for (found, _) in others.into_iter().filter(|(_, given)| *given) {
                self.note_key(&setting, found, ONE_CREDENTIAL);
            }
        }
        Some(name)
    }

    fn proxy(&mut self, raw: &settings::JwksSettings) -> Option<Url> {
        let found = match Url::parse(raw.proxy.as_deref()?) {
            Err(error) => error.to_string(),
            Ok(url) => match proxy_fault(&url) {
                None => return Some(url),
                Some(fault) => fault.to_owned(),
            },
        };
        // Not named: it may hold a password.
        let expected = "an http or https URL of host and port only";
        self.note(&["jwks", "proxy"], found, expected);
        None
    }
}

/// RFC 9110 §5.5, without the bytes beyond ASCII that it calls obsolete.
fn header_value(text: &str) -> Option<HeaderValue> {
    let visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if !text.is_ascii() || !visible(bytes.first()) || !visible(bytes.last()) {
        return None;
    }
    let mut value = HeaderValue::from_bytes(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn proxy_fault(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("another scheme");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("a URL with user or password");
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (!bare).then_some("a URL with path, query or fragment")
}

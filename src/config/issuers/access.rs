//! Access to a key server: certificates, headers, credentials, proxy.
//!
//! Messages never quote values of headers, nor paths: somebody may have written the secret itself.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Url;

use crate::jwks::{self, Access, Credentials};
use crate::policy::is_reserved_for_fetches;

use super::super::files::Needed;
use super::super::setting::Setting;
use super::super::settings::{BasicSettings, JwksSettings};
use super::url::parse_url;

/// The rule for several kinds of credentials.
const ONE_CREDENTIAL: &str = "a fetch sends one kind of credentials: keep one of `basic`, \
                              `bearer_token_file` and a header `authorization`";

/// Returns true if a fetch sends a secret. Any header may be one.
pub(super) fn sends_credentials(settings: &JwksSettings) -> bool {
    let headers = settings.headers.as_ref();
    headers.is_some_and(|headers| !headers.is_empty())
        || settings.basic.is_some()
        || settings.bearer_token_file.is_some()
        || settings.client_certificate.is_some()
}

impl Setting<'_, '_, JwksSettings> {
    pub(super) fn access(&mut self, connect_timeout: Duration) -> Access {
        let settings = self.value;
        let known = self.findings.count();
        let ca = settings.ca.as_ref();
        let ca = ca.map(|ca| self.member("ca", ca).warn_of_dates(Needed::One).readable());
        let access = Access {
            allow_http: settings.allow_http == Some(true),
            ca,
            client_certificate: self.client_certificate(),
            headers: self.request_headers(),
            credentials: self.credentials(),
            proxy: self.proxy(),
            deny_private_addresses: settings.deny_private_addresses == Some(true),
            connect_timeout,
        };
        if self.findings.look_into_files
            && self.findings.count() == known
            && let Err(error) = jwks::check_access(&access)
        {
            self.failed(error.with_causes(), "files that a fetch can use");
        }
        access
    }

    fn client_certificate(&mut self) -> Option<(PathBuf, PathBuf)> {
        let settings = self.value;
        let certificate = settings.client_certificate.as_ref().map(|file| {
            let mut setting = self.member("client_certificate", file);
            setting.warn_of_dates(Needed::All).readable()
        });
        let key = settings.client_key.as_ref().map(|file| {
            let mut setting = self.member("client_key", file);
            setting.warn_of_open_secret().readable()
        });
        let (given, missing) = match (certificate, key) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => return Some((certificate, key)),
            (Some(_), None) => ("client_certificate", "client_key"),
            (None, Some(_)) => ("client_key", "client_certificate"),
        };
        self.contradiction(format!(
            "`{given}` needs `{missing}`: add `{missing}`, or remove `{given}`"
        ));
        None
    }

    fn credentials(&mut self) -> Option<Credentials> {
        let settings = self.value;
        let basic = settings.basic.as_ref();
        let basic = basic.map(|basic| self.member("basic", basic).credentials());
        let bearer = settings.bearer_token_file.as_ref().map(|file| {
            let mut setting = self.member("bearer_token_file", file);
            let token_file = setting.warn_of_open_secret().readable();
            Credentials::Bearer { token_file }
        });
        if basic.is_some() && bearer.is_some() {
            self.member("bearer_token_file", &())
                .contradiction(ONE_CREDENTIAL);
        }
        basic.or(bearer)
    }

    /// Headers in the order of their names, so that sections that say the same are equal.
    fn request_headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let settings = self.value;
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        let mut section = self.member("headers", &settings.headers);
        for (name, value) in settings.headers.iter().flatten() {
            let mut setting = section.member(name, &**name);
            let name = setting.request_header_name(settings);
            let value = header_value(value);
            if value.is_none() {
                let expected = "visible ASCII, with spaces inside only";
                setting.found("another value, which is not shown", expected);
            }
            let (Some(name), Some(value)) = (name, value) else {
                continue;
            };
            if headers.iter().any(|(known, _)| *known == name) {
                setting.bad_name("the same name again", "each header only once");
            }
            headers.push((name, value));
        }
        headers.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        headers
    }

    fn proxy(&mut self) -> Option<Url> {
        let proxy = self.value.proxy.as_ref()?;
        let found = match parse_url(proxy) {
            Err(found) => found,
            Ok(url) => match server_url_fault(&url) {
                None => return Some(url),
                Some(fault) => fault.to_owned(),
            },
        };
        // Not quoted: it may hold a password.
        let expected = "an http or https URL of host and port only";
        self.member("proxy", proxy).found(found, expected);
        None
    }
}

impl Setting<'_, '_, BasicSettings> {
    fn credentials(&mut self) -> Credentials {
        let BasicSettings {
            username,
            password_file,
        } = self.value;
        // RFC 7617 §2: the first colon ends the name.
        if username.chars().any(|c| c == ':' || c.is_control()) {
            let found = "a colon or control character";
            self.member("username", username)
                .found(found, "a name without them");
        }
        let mut file = self.member("password_file", password_file);
        Credentials::Basic {
            username: username.as_str().into(),
            password_file: file.warn_of_open_secret().readable(),
        }
    }
}

impl Setting<'_, '_, str> {
    fn request_header_name(&mut self, settings: &JwksSettings) -> Option<HeaderName> {
        let Ok(name) = HeaderName::from_bytes(self.value.as_bytes()) else {
            self.bad_name("a name that HTTP does not allow", "the name of a header");
            return None;
        };
        if is_reserved_for_fetches(name.as_str()) {
            let found = "a header that the fetch itself depends on";
            self.bad_name(found, "another header");
        }
        let has_other = settings.basic.is_some() || settings.bearer_token_file.is_some();
        if name == http::header::AUTHORIZATION && has_other {
            self.contradiction(ONE_CREDENTIAL);
        }
        Some(name)
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

/// The reason why a URL is not one of host and port only. It does not quote the URL.
pub(in crate::config) fn server_url_fault(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("another scheme");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("a URL with user or password");
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (!bare).then_some("a URL with path, query or fragment")
}

//! The headers that a fetch sends to its own server: those of the configuration, and credentials.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use crate::files::without_line_end;
use crate::jwks::{Access, Credentials, FetchError};

use super::read_file;

/// Largest file with a password or token, in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// Reads the credentials' file, so it blocks. It is read for each fetch: credentials are renewed in
/// place.
pub(super) fn configured(access: &Access) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &access.headers {
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.append(name, value);
    }
    if let Some(credentials) = &access.credentials {
        let value = match credentials {
            Credentials::Basic {
                username,
                password_file,
            } => basic(username, password_file),
            Credentials::Bearer { token_file } => bearer(token_file),
        };
        headers.insert(AUTHORIZATION, value?);
    }
    Ok(headers)
}

/// RFC 7617 §2.
fn basic(username: &str, path: &Path) -> Result<HeaderValue, FetchError> {
    let content = read_file(path, MAX_SECRET)?;
    // All other white space can be part of a password.
    let password = without_line_end(&content);
    if password.is_empty() || password.iter().any(u8::is_ascii_control) {
        return Err(FetchError::access(
            path,
            "a password without control characters",
        ));
    }
    let pair = Zeroizing::new([username.as_bytes(), b":".as_slice(), password].concat());
    let value = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&pair)));
    sensitive(&value).ok_or_else(|| FetchError::access(path, "a password that fits into a header"))
}

/// RFC 6750 §2.1.
fn bearer(path: &Path) -> Result<HeaderValue, FetchError> {
    let content = read_file(path, MAX_SECRET)?;
    let token = std::str::from_utf8(content.trim_ascii()).unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FetchError::access(path, "a token that fits into a header"));
    }
    let value = Zeroizing::new(format!("Bearer {token}"));
    sensitive(&value).ok_or_else(|| FetchError::access(path, "a token that fits into a header"))
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

//! Names of claim headers, and all header names that a configuration may not set: in claims, or in
//! fetches of keys.

use bytes::Bytes;

/// Headers that belong to one connection or to the framing of a message (RFC 9110 §7.6.1).
const CONNECTION: &str = "connection content-length expect host keep-alive proxy-authorization \
                          proxy-connection te trailer transfer-encoding upgrade";
/// Other headers that HTTP, the proxy or the credential depends on.
const REQUEST: &str = "authorization content-encoding content-type cookie date location \
                       proxy-authenticate set-cookie via www-authenticate x-request-id";
/// Prefixes of headers that the proxy or gRPC depends on.
const PROXY: [&str; 3] = ["x-envoy-", "x-forwarded-", "grpc-"];
/// Other headers that make the answer to a fetch unreadable, apart from `if-…`.
const FETCH: &str = "accept-encoding http2-settings range";

/// Headers that make frameworks use another method or path than the one that was checked, each with
/// its underscore form. Express, Rack and Symfony read some of the first three, Laminas and older
/// Symfony the last two.
///
/// `x-original-uri` and `x-original-method` are not in the list: proxies write them for services to
/// read, and no framework that we know of routes by them.
pub(super) const OVERRIDES: [(&str, &str); 5] = [
    ("x-http-method", "x_http_method"),
    ("x-http-method-override", "x_http_method_override"),
    ("x-method-override", "x_method_override"),
    ("x-original-url", "x_original_url"),
    ("x-rewrite-url", "x_rewrite_url"),
];

/// A lower-case header name that Watchword may manage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderName(pub(super) Bytes);

/// The reason for which Watchword cannot manage a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderNameError {
    #[error("not a header name in lower case (letters, digits, \"-\" and \"_\")")]
    Form,
    #[error("this header is reserved: HTTP, the proxy or the credential depends on it")]
    Reserved,
    /// A claim must not choose the method or the path.
    #[error("this header is reserved: frameworks take the method or the path from it")]
    Override,
}

impl HeaderName {
    pub(crate) fn parse(name: &str) -> Result<Self, HeaderNameError> {
        let allowed = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if name.is_empty() || name.len() > 128 || !name.bytes().all(allowed) {
            return Err(HeaderNameError::Form);
        }
        let dashed = name.replace('_', "-");
        let has_prefix = PROXY.iter().any(|prefix| dashed.starts_with(prefix));
        if has_prefix || lists(CONNECTION, &dashed) || lists(REQUEST, &dashed) {
            return Err(HeaderNameError::Reserved);
        }
        if OVERRIDES.iter().any(|(known, _)| *known == dashed) {
            return Err(HeaderNameError::Override);
        }
        Ok(Self(Bytes::copy_from_slice(name.as_bytes())))
    }

    /// Returns true if a reader may treat `other` as this name.
    pub(crate) fn is_like(&self, other: &[u8]) -> bool {
        is_like(&self.0, other)
    }

    pub(crate) fn as_str(&self) -> &str {
        // Checked in `parse`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Returns true if a fetch of keys depends on the header with this lower-case name.
pub(crate) fn is_reserved_for_fetches(name: &str) -> bool {
    lists(CONNECTION, name) || lists(FETCH, name) || name.starts_with("if-")
}

fn lists(names: &str, name: &str) -> bool {
    names.split(' ').any(|listed| listed == name)
}

/// Returns true if a reader may take one name for the other: in another case, with another
/// character for `-`, or with spaces around it.
pub(super) fn is_like(name: &[u8], other: &[u8]) -> bool {
    // CGI and its descendants map every character but letters and digits to one.
    let fold = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() => byte.to_ascii_lowercase(),
        _ => b'-',
    };
    let other = other.trim_ascii();
    other.len() == name.len() && name.iter().map(fold).eq(other.iter().map(fold))
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, HeaderNameError, is_reserved_for_fetches};

    #[test]
    fn reserved_and_misspelt_names_are_refused() {
        for name in [
            "host",
            "authorization",
            "content-length",
            "x-envoy-original-path",
            "x-forwarded-for",
            "transfer_encoding",
            "connection",
            "te",
        ] {
            assert_eq!(
                HeaderName::parse(name),
                Err(HeaderNameError::Reserved),
                "{name}"
            );
        }
        for name in ["x-original-url", "x_http_method_override"] {
            assert_eq!(
                HeaderName::parse(name),
                Err(HeaderNameError::Override),
                "{name}"
            );
        }
        for name in ["", ":path", "X-User", "x user", "x.user", "x-usér"] {
            assert_eq!(
                HeaderName::parse(name),
                Err(HeaderNameError::Form),
                "{name}"
            );
        }
        assert!(HeaderName::parse("x-user_id").is_ok());
    }

    #[test]
    fn claims_and_fetches_share_the_headers_of_the_connection_only() {
        for name in ["host", "connection", "upgrade", "proxy-authorization"] {
            assert!(is_reserved_for_fetches(name), "{name}");
            assert!(HeaderName::parse(name).is_err(), "{name}");
        }
        for name in ["range", "accept-encoding", "if-none-match"] {
            assert!(is_reserved_for_fetches(name), "{name}");
            assert!(HeaderName::parse(name).is_ok(), "{name}");
        }
        for name in ["authorization", "cookie", "x-forwarded-for", "x", ""] {
            assert!(!is_reserved_for_fetches(name), "{name}");
        }
    }
}

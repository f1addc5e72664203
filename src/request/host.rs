//! The host that rules compare: canonical, or known to be none.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// A host name or address in canonical form: lower case, without port and final dot.
#[derive(Clone, PartialEq, Eq)]
pub struct Host<'a>(Cow<'a, str>);

impl<'a> Host<'a> {
    /// Reads an authority (RFC 9110 §7.2). `None` where it is empty or holds anything but one host
    /// with an optional port: user information, a list, white space, letters beyond ASCII.
    #[must_use]
    pub fn parse(authority: &'a [u8]) -> Option<Self> {
        let authority = std::str::from_utf8(authority).ok()?;
        let Some(rest) = authority.strip_prefix('[') else {
            return name(authority);
        };
        let (address, after) = rest.split_once(']')?;
        let port = if after.is_empty() {
            "0"
        } else {
            after.strip_prefix(':')?
        };
        let address: Ipv6Addr = address.parse().ok()?;
        // One address has many spellings; the parsed one has one.
        is_port(port).then(|| Self(Cow::Owned(format!("[{address}]"))))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What clients send is never printed.
impl std::fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host(redacted)")
    }
}

fn name(authority: &str) -> Option<Host<'_>> {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let host = host.strip_suffix('.').unwrap_or(host);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let labels = host.split('.').all(|label| !label.is_empty());
    if !labels || !host.bytes().all(allowed) || !is_port(port) {
        return None;
    }
    let upper = host.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(Host(if upper {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Host;

    fn canonical(authority: &str) -> Option<String> {
        Host::parse(authority.as_bytes()).map(|host| host.as_str().to_owned())
    }

    #[test]
    fn spellings_of_one_host_are_one_host() {
        for authority in [
            "api.example.com",
            "API.example.com",
            "api.example.com:443",
            "api.Example.com.",
            "api.example.com.:8080",
        ] {
            assert_eq!(
                canonical(authority).as_deref(),
                Some("api.example.com"),
                "{authority}"
            );
        }
        for authority in ["[::1]", "[::1]:8443", "[0:0:0:0:0:0:0:1]", "[0::1]"] {
            assert_eq!(
                canonical(authority).as_deref(),
                Some("[::1]"),
                "{authority}"
            );
        }
        assert_eq!(canonical("10.0.0.1:80").as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn what_is_not_one_host_is_none() {
        for authority in [
            "",
            ".",
            "a..b",
            "user@host",
            "a,b",
            "a b",
            "a:b",
            "a:",
            "a:123456",
            "[::1",
            "[x]",
            "[::1]x",
            "ä.example",
            "a/b",
            "::1",
        ] {
            assert_eq!(canonical(authority), None, "{authority}");
        }
        assert!(Host::parse(b"\xff").is_none());
    }
}
